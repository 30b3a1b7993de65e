"""Figures by matplotlib, and the files that `tabulate` writes."""
