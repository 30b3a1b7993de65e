"""Running a design: fork server, workers, timing, checks."""
