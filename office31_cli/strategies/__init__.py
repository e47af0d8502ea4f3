"""How to go on from a stored network with labels: one file a strategy, found by its name."""
