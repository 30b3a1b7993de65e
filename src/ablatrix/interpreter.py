"""New Python interpreters: how every one of them is started.

Python puts the working directory in front of what it imports from where it is given ``-m`` or ``-c``. Whoever works in
somebody else's folder would then run whatever lies there under the name of a module, such as ``polars.py``.
"""

import sys
from pathlib import Path


def interpreter(*words: str, python: Path | None = None) -> list[str]:
    """Return a command line that starts Python with some words, and imports nothing from the working directory.

    Args:
        words: What follows the options.
        python: Which Python; None for this one.

    It is the option and not ``PYTHONSAFEPATH``: programs of the user's own, which the new process starts, must go on
    to find what lies beside them.
    """
    return [sys.executable if python is None else str(python), "-P", *words]
