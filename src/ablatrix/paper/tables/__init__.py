"""The paper's tables: from a template's entry to files."""
