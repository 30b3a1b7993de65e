"""From records to one table and its summaries. No torch, no compiler."""
