"""A compiler that is a program of its own, in any language: it answers requests over a pipe (docs/command-protocol.md)."""
