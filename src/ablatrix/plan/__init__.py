"""The planner: from a graph and options to tasks and storage. Pure functions of values."""
