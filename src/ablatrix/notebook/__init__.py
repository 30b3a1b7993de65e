"""Results as one object with tables, figures and charts, and the progress of a run: what a notebook needs."""
