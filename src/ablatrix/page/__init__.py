"""report.html: all results as one self-contained HTML page."""
