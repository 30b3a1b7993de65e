"""The process that forks or spawns workers."""

from ablatrix.trials.fork_server.child import import_compiler

__all__ = [
    "import_compiler",
]
