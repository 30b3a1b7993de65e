"""Pure functions of numbers that both sides of the records use."""
