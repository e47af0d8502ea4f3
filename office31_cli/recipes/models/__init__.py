"""The commands below `models`."""
