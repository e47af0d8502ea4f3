"""What the user types: one thin file a command. Imports no torch."""
