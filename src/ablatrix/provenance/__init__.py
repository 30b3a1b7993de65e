"""From which records each number follows: one answer, which the paper and the page share."""
