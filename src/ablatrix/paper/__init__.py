"""From tables to the paper's numbered tables, figures and sentences."""
