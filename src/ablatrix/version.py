"""The version of ablatrix: the one place where it stands in the code."""

__version__ = "0.1.0"
