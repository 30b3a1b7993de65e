"""A small run on machines that fail in one way each: how it ends, and whether the same command goes on from there.

    python benchmarks/failing_machines.py [NAME ...]

Each row is a run of a study of two configurations under one condition, with what it printed last. None may end with
a traceback, leave a process, or have a final record that is not ``ok``; where it did not come to its end, the same
command without the condition must. Conditions that cannot be made here (no root, no tmpfs) say so. Prints a table and
one JSON object, and exits 1 when a condition has another ending.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from ablatrix.records.journal import read_records
from kill_resume import MARK, faults_so_far, processes_of, wait_until_gone

NOBODY = 65534
STUDY = """\
name: failing
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [tvm]
modes: [cold, hot]
stages:
  - name: primary
    factorial: {fusion: [off, on]}
checks: {input_sets: 1}
protocol:
  repeats: 1
  cold: {replicates: 1, timeout_s: 120}
  hot: {blocks: 1, max_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""
CLOCK = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  static long calls;
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, at);
  if (id == CLOCK_REALTIME && ++calls % 7 > 3) at->tv_sec += calls % 2 ? 86400 : -86400;
  return code;
}
"""
Act = Callable[["subprocess.Popen[bytes]", Path], None]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is done to one run.

    Attributes:
        name: For the table.
        how: How it is made.
        environment: Variables; None removes one.
        options: Of ``Popen``.
        act: What is done while it runs.
        place: Gives the directory of results, below the scratch directory.
        words: Further words of the command.
    """

    name: str
    how: str
    environment: Mapping[str, str | None] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    act: Act | None = None
    place: Callable[[Path], Path] = lambda scratch: scratch / "out"
    words: tuple[str, ...] = ()


def _limit(kind: int, most: int) -> dict[str, Any]:
    return {"preexec_fn": lambda: resource.setrlimit(kind, (most, most))}


def _stop_worker(process: subprocess.Popen[bytes], out: Path) -> None:
    for _ in range(600):
        workers = processes_of(process.pid, "worker")
        if (out / "results.jsonl").exists() and workers:
            break
        sleep(0.05)
    else:
        return
    os.kill(workers[-1], signal.SIGSTOP)
    sleep(3)
    os.kill(workers[-1], signal.SIGCONT)


def _stop_runner(process: subprocess.Popen[bytes], out: Path) -> None:
    _await_lines(out, 1)
    process.send_signal(signal.SIGSTOP)
    sleep(5)
    process.send_signal(signal.SIGCONT)


def _signals(*numbers: int) -> Act:
    def act(process: subprocess.Popen[bytes], out: Path) -> None:
        _await_lines(out, 1)
        for number in numbers:
            process.send_signal(number)
            sleep(0.3)

    return act


def _remove(process: subprocess.Popen[bytes], out: Path) -> None:
    _await_lines(out, 1)
    (out / "results.jsonl").unlink(missing_ok=True)


def _fill(process: subprocess.Popen[bytes], out: Path) -> None:
    """Leave the file system of the results no room."""
    _await_lines(out, 1)
    with (out / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**20))
        except OSError:
            pass


def _refuse_writes(_: subprocess.Popen[bytes], out: Path) -> None:
    """Have the file system of the results find an error in itself, upon which the kernel takes no more writes."""
    _await_lines(out, 1)
    device = subprocess.run(["findmnt", "-no", "SOURCE", out], capture_output=True, text=True, check=True).stdout
    Path("/sys/fs/ext4", Path(device.strip()).name, "trigger_fs_error").write_text("planted")


def _await_lines(out: Path, count: int) -> None:
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            if (out / "results.jsonl").read_bytes().count(b"\n") >= count:
                return
        except OSError:
            pass
        sleep(0.05)


def _long(scratch: Path) -> Path:
    folder = "results of a study \u7814\u7a76\u7684\u7ed3\u679c "
    return scratch / (folder * 4)[:60].strip() / (folder * 4)[:60].strip() / (folder * 4)[:70].strip()


CONDITIONS = (
    Condition(name="nothing", how="the study as it is"),
    Condition(name="worker stopped", how="SIGSTOP of a worker for 3 s", act=_stop_worker),
    Condition(name="runner stopped", how="SIGSTOP of the runner for 5 s", act=_stop_runner),
    Condition(name="clock jumps", how="a day forward and back every few looks at the clock (LD_PRELOAD)"),
    Condition(name="disk full", how="a tmpfs of 96 MiB as results, filled while it runs", act=_fill),
    Condition(
        name="disk read-only",
        how="an ext4 as results that finds an error and is read-only from then on",
        act=_refuse_writes,
    ),
    Condition(name="files limited", how="64 file descriptors", options=_limit(resource.RLIMIT_NOFILE, 64)),
    Condition(name="size limited", how="files of 2 KiB at most", options=_limit(resource.RLIMIT_FSIZE, 2048)),
    Condition(name="memory limited", how="2 GiB of address space", options=_limit(resource.RLIMIT_AS, 2 * 2**30)),
    Condition(name="no root", how=f"user and group {NOBODY}", options={"user": NOBODY, "group": NOBODY}),
    Condition(
        name="few processes",
        how=f"user {NOBODY} with 3 processes",
        options={"user": NOBODY, "group": NOBODY, **_limit(resource.RLIMIT_NPROC, 3)},
    ),
    Condition(name="long name", how="a directory of 200 characters, spaces and Chinese", place=_long),
    Condition(name="stdout closed", how=">&-", options={"preexec_fn": lambda: os.close(1)}),
    Condition(name="stderr closed", how="2>&-", options={"preexec_fn": lambda: os.close(2)}),
    Condition(name="stdin closed", how="<&-", options={"preexec_fn": lambda: os.close(0)}),
    Condition(name="no HOME", how="HOME unset, PATH empty", environment={"HOME": None, "PATH": ""}),
    Condition(name="locale C", how="LC_ALL=C", environment={"LC_ALL": "C", "LANG": None}),
    Condition(name="20 columns", how="COLUMNS=20", environment={"COLUMNS": "20"}),
    Condition(name="Ctrl-C twice", how="SIGINT, and again 0.3 s later", act=_signals(signal.SIGINT, signal.SIGINT)),
    Condition(name="hang-up", how="SIGHUP", act=_signals(signal.SIGHUP)),
    Condition(name="Ctrl-Z", how="SIGTSTP, then SIGCONT", act=_signals(signal.SIGTSTP, signal.SIGCONT)),
    Condition(name="records removed", how="results.jsonl removed while it runs", act=_remove),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one condition."""

    name: str
    how: str
    ending: str
    seconds: float
    faults: tuple[str, ...] = ()


def main(names: list[str]) -> int:
    """Try each condition, and print the table."""
    rows = []
    for condition in CONDITIONS:
        if not names or condition.name in names:
            rows.append(_try(condition))
            row = rows[-1]
            print(f"{row.name:16} {row.seconds:5.1f} s  {row.ending}", flush=True)
            for fault in row.faults:
                print(f"  FAULT {fault}", flush=True)
    faults = sum(len(row.faults) for row in rows)
    figures = {"conditions": len(rows), "faults": faults}
    print(
        json.dumps({"benchmark": "failing_machines", "figures": figures, "targets": {"faults": 0}, "holds": not faults})
    )
    return int(bool(faults))


def _try(condition: Condition) -> Row:
    with tempfile.TemporaryDirectory(prefix="ablatrix-failing-") as directory, _disk(condition, Path(directory)) as why:
        scratch = Path(directory)
        if why:
            return Row(name=condition.name, how=condition.how, ending=f"not tried: {why}", seconds=0.0)
        scratch.chmod(0o777)
        (scratch / "failing.yaml").write_text(STUDY)
        out = condition.place(scratch)
        began = monotonic()
        code, text = _run(condition, scratch, out)
        seconds = monotonic() - began
        if code == 127:
            return Row(name=condition.name, how=condition.how, ending=text, seconds=seconds)
        faults = [f"{left} processes are left" for left in [wait_until_gone(out)] if left]
        faults += [line for line in text.splitlines() if line.startswith("Traceback")] + faults_so_far(out)
        ending = f"exit code {code}, {_counts(out)}"
        _make_writable(out)
        (out / "filler").unlink(missing_ok=True)
        if code:
            ending += f"; said: {_last(text)}"
            again, said = _run(Condition(name="again", how=""), scratch, out)
            faults += [] if again == 0 else [f"the same command then ended with {again}: {_last(said)}"]
            ending += f"; the same command then: {_counts(out)}"
        faults += [f"{one.trial_id} is {one.status}" for one in _records(out) if one.final and one.status != "ok"]
        return Row(name=condition.name, how=condition.how, ending=ending, seconds=seconds, faults=tuple(faults))


def _run(condition: Condition, scratch: Path, out: Path) -> tuple[int, str]:
    log = scratch / f"{condition.name}.log"
    environment = {**os.environ, MARK: str(out), **condition.environment}
    if condition.name == "clock jumps":
        environment["LD_PRELOAD"] = _clock(scratch)
    kept = {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-P", "-m", "ablatrix", "run", str(scratch / "failing.yaml"), "--out", str(out)]
    with log.open("wb") as stderr:
        try:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=kept, **condition.options)
        except OSError as error:  # as where that user may not start this interpreter
            return 127, f"not tried: {error}"
        if condition.act is not None:
            threading.Thread(target=condition.act, args=(process, out), daemon=True).start()
        try:
            code = process.wait(240)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -1, "it did not end within 240 s"
    return code, log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def _disk(condition: Condition, scratch: Path) -> Iterator[str]:
    """Mount a small file system for the results where that is asked for; yield why it cannot be had, empty if it is."""
    out, image = scratch / "out", scratch / "image"
    match condition.name:
        case "disk full":
            commands = [["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(out)]]
        case "disk read-only":
            commands = [
                ["truncate", "--size=200M", str(image)],
                ["mkfs.ext4", "-q", str(image)],
                ["mount", "-o", "loop,errors=remount-ro", str(image), str(out)],
            ]
        case _:
            yield ""
            return
    out.mkdir()
    try:
        for command in commands:
            subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as error:
        yield str(error)
    except subprocess.CalledProcessError as error:
        yield error.stderr.strip()
    else:
        try:
            yield ""
        finally:
            subprocess.run(["umount", out], check=False)


def _make_writable(out: Path) -> None:
    """Check a file system that is read-only since it found an error, and mount it anew."""
    image = out.with_name("image")
    if image.exists():
        subprocess.run(["umount", out], check=True)
        subprocess.run(["e2fsck", "-fy", image], capture_output=True, check=False)
        subprocess.run(["mount", "-o", "loop", image, out], check=True)


def _clock(scratch: Path) -> str:
    (scratch / "clock.c").write_text(CLOCK)
    library = scratch / "clock.so"
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, scratch / "clock.c", "-ldl"], check=True)
    return str(library)


def _records(out: Path) -> list[Any]:
    file = out / "results.jsonl"
    return list(read_records(file, report=lambda _: None)) if file.exists() else []


def _counts(out: Path) -> str:
    records = _records(out)
    final = Counter(str(one.status) for one in records if one.final)
    others = Counter(f"{one.status}, not final" for one in records if not one.final)
    stopped = sum(bool(one.meta.noise.stopped_ms) for one in records)
    told = [f"{count} {name}" for name, count in {**final, **others}.items()]
    return ", ".join([*told, *([f"{stopped} with stopped time"] if stopped else [])]) or "no record"


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
