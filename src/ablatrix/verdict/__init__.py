"""Is a study done: four criteria, a module for each."""
