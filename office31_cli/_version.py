"""The version, which the floors below the public API need as well."""

__version__ = "0.1.0"
