"""report.html: a page to look at, in one file that needs no network."""
