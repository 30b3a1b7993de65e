"""Compilers behind one protocol, their knobs, and the task-level compile cache."""
