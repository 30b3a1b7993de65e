"""Reading YAML with line numbers into validated models, all faults at once."""
