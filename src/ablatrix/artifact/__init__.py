"""Artifacts: their contents and documents, their checks, the bundle, and its reproduction."""
