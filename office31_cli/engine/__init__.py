"""One training loop, and what it runs on: frozen features, checkpoints, devices."""
