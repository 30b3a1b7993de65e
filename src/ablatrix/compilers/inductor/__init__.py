"""The Inductor compiler: its switches, how a task becomes a file of generated code, and how that is loaded and run."""
