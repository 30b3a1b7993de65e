"""Studies: the file, its model, and the design that follows from it."""
