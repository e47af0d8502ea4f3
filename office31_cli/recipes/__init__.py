"""What each command does, as a Python API."""
