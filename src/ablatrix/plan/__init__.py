"""The planner: a graph and options to tasks and storage. Pure functions of values."""
