"""Inputs that a study gives: read from files, as values or as ranges, and checked against what the model takes.

``given`` reads what a study says, without torch; ``files`` reads the files: a further format is a reader in its table;
``replacing`` puts the values in the place of those that a workload comes with; ``resampling`` makes further input sets.
"""
