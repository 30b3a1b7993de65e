"""The paper's figures: from a template's entry to files."""
