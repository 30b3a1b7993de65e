"""One run at a time into a directory, also where the file system locks nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablatrix.errors import TrialError
from ablatrix.interpreter import interpreter
from ablatrix.trials.run.directory_lock import OWNER, Owner, hold_directory

HOLDER = """
import fcntl, sys
from pathlib import Path
from ablatrix.trials.run.directory_lock import hold_directory
fcntl.flock = lambda descriptor, kind: None
with hold_directory(Path(sys.argv[1]), Path(sys.argv[1], "work")):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs into the directory, where ``flock`` does nothing."""
    with subprocess.Popen(
        interpreter("-c", HOLDER, str(tmp_path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_directory_is_free_when_the_run_is_over(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_directory(tmp_path, tmp_path / "work"):
            assert json.loads((tmp_path / "work" / OWNER).read_text())["pid"] > 0
        assert not (tmp_path / "work" / OWNER).exists()


def test_second_run_is_refused_by_flock(tmp_path: Path) -> None:
    with hold_directory(tmp_path, tmp_path / "work"), pytest.raises(TrialError, match="another run is writing there"):
        hold_directory(tmp_path, tmp_path / "work")


@pytest.mark.slow
def test_second_run_is_refused_where_flock_does_nothing(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TrialError, match=rf"process {holder.pid} of this host, though the file system locks nothing"):
        hold_directory(tmp_path, tmp_path / "work")
    holder.kill()
    holder.wait()
    with hold_directory(tmp_path, tmp_path / "work"):  # what a killed run left holds nobody off
        pass


@pytest.mark.parametrize("left", ["", "{", "[]", '{"host": 1}', "null"])
def test_half_written_owner_holds_nobody_off(tmp_path: Path, left: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / OWNER).write_text(left)
    with hold_directory(tmp_path, tmp_path / "work"):
        pass


def test_run_of_another_host_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    owner = {"host": "far-away", "boot": "0" * 36, "pid": 7, "began": "1"}
    (tmp_path / "work" / OWNER).write_text(json.dumps(owner))
    with pytest.raises(TrialError, match=r"process 7 of host 'far-away' began a run there .* remove .*owner.json"):
        hold_directory(tmp_path, tmp_path / "work")


def test_process_of_the_same_number_that_began_later_is_another() -> None:
    own = Owner.own()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        began = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        held = Owner(host=own.host, boot=own.boot, pid=child.pid, began=began)
        assert held.runs_here()
        assert not Owner(host=own.host, boot=own.boot, pid=child.pid, began="1").runs_here()
    finally:
        child.communicate()
    assert not held.runs_here()


def test_run_after_a_boot_of_the_same_host_goes_on(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    owner = {"host": Owner.own().host, "boot": "another boot", "pid": 1, "began": "1"}
    (tmp_path / "work" / OWNER).write_text(json.dumps(owner))
    with hold_directory(tmp_path, tmp_path / "work"):
        pass
