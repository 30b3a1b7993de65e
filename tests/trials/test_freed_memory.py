"""Tests that memory which a hot trial frees stays with its process."""

import subprocess
import sys

FAULTS = """
import resource, sys, ctypes
from ablatrix.trials.host import keep_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
MANY, SIZE = 8, 16 << 20
def use():
    taken = [libc.malloc(SIZE) for _ in range(MANY)]
    for one in taken:
        ctypes.memset(one, 1, SIZE)
    for one in reversed(taken):
        libc.free(one)
if sys.argv[1] == "kept":
    assert keep_freed_memory()
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """Return page faults of a second use of 128 MiB in a new process."""
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_freed_memory_kept_is_used_again_without_page_faults() -> None:
    assert faults("kept") < 100


def test_freed_memory_by_default_is_returned_and_faults_again() -> None:
    assert faults("default") > 10_000
