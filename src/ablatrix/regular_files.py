"""Files that others wrote: opened only where they are regular files, and read only up to a size.

A pipe or a socket in the place of a file would make a reader wait for ever, and a device give it no end. What is
refused is an ``OSError`` with its reason, so that whoever reports a file that cannot be read reports it as one.
"""

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

MEBIBYTE = 2**20


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: There is none, it cannot be opened, or it is something else.
    """
    # Not blocking: opening a pipe would wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def is_existing_file(path: Path) -> bool:
    """Return whether there is a file of a name; none can be of one that is longer than names are."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Return whether there is a file or directory of a name; none can be of one that is longer than names are."""
    try:
        return path.exists()
    except OSError:
        return False


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    Raises:
        OSError: There is none, it cannot be read, it is something else, or it has more bytes.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most / MEBIBYTE:g} MiB", str(path))
    return content


def digest_regular(path: Path) -> str:
    """Return the SHA-256 of a regular file in hexadecimal, whatever its size.

    Raises:
        OSError: There is none, it cannot be read, or it is something else.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
