"""The TVM compiler: its pass sequence, our own passes, and how a task becomes a library and is run."""
