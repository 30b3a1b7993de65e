"""What a template may say, and reading one: known before any record is read."""
