"""What a disk that takes no more says, and what to do about it."""

import errno
import os

import pytest

from ablatrix.records.disk import refusal


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device; free space on the disk and run"),
        (
            OSError("2875 of 7582 bytes written"),
            "2875 of 7582 bytes written; free space on the disk and run again into",
        ),
        (
            OSError(errno.EROFS, os.strerror(errno.EROFS)),
            "Read-only file system; a disk is mounted read-only when it finds errors in itself: check it, mount it for "
            "writing and run again into this directory, which resumes",
        ),
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), "Permission denied; change the rights and run again into"),
        (
            OSError(errno.ENOENT, os.strerror(errno.ENOENT)),
            "No such file or directory; bring back what is gone and run again into this",
        ),
        (OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)), "Not a directory; mend this and run again into this"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error; check the disk and run again into this"),
    ],
)
def test_refusal_of_a_disk_says_what_to_do(error: OSError, said: str) -> None:
    assert refusal(error).startswith(said)
    assert refusal(error).endswith(" and run again into this directory, which resumes")
