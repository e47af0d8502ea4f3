"""Move an image classifier from one camera to another."""

__version__ = "0.1.0"
