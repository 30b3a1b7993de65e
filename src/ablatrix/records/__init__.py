"""Records: the model, its schema, and the file they are kept in."""
