"""A compiler that is a program of its own, in any language: it answers on a pipe (docs/command-protocol.md)."""
