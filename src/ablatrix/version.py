"""The version of ablatrix, and of what its processes say to each other: the one place where they stand in the code."""

__version__ = "0.1.0"
PROTOCOL = 3
"""Number of the messages between runner, fork servers and workers; raised with every change of what they say.

Those of another interpreter must have the same.
"""
