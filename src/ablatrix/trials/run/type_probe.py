"""Whether a compiler has a 16-bit type on this machine: a small program of that type is compiled and run, once.

A compiler that computes the type in a wider one has it. One that fails where it takes the same program in float32 does
not, and its own message is the reason. Answers are kept in the user's cache directory under a name made of the
compiler's versions, its adapter, the processor, and the code that prepares the program.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from ablatrix.builds import Build
from ablatrix.canonical import content_id, digest_bytes
from ablatrix.compilers.answers import answer_file, code_in, directory_of, installed_modules, keep_answer
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.compilers.settings import environment_of
from ablatrix.interpreter import interpreter
from ablatrix.records.machine import ROOT, cpu_model, read_text
from ablatrix.records.model import Device
from ablatrix.trials.messages import TYPE_ANSWER, TypeAnswer, decode, encode
from ablatrix.trials.results import preparing_code
from ablatrix.trials.run.task_making import type_order
from ablatrix.workloads.numeric_types import AS_BUILT

TIMEOUT_S = 300.0
PROBE: Mapping[str, int] = {"layers": 1, "hidden": 8, "classes": 4, "batch": 2}
"""Sizes of the shipped ``mlp`` that is tried: one product and its activation, then another product."""
MOST = 400  # characters of a compiler's message


def missing_type(entry: CompilerEntry, dtype: str, device: Device = "cpu", build: Build | None = None) -> str:
    """Return why a compiler does not have a type here; empty where it has it, or fails on float32 as well.

    Args:
        entry: The compiler, which is installed.
        dtype: float16 or bfloat16.
        device: Where the program is to run.
        build: The build of the compiler that is tried, None for the one of this environment.
    """
    kept = answer_file("types", f"{entry.name}-{dtype}-{content_id(_identity(entry, dtype, build))}")
    # What a GPU has is in none of the facts that name the file, nor what a tree holds that somebody may change.
    is_kept = device == "cpu" and (build is None or build.is_kept)
    if is_kept:
        with suppress(OSError, ValidationError):
            return _reason(entry, dtype, decode(kept.read_bytes(), TYPE_ANSWER).failure)
    failure = _try(entry, dtype, device, build)
    if failure and _try(entry, AS_BUILT, device, build):
        return ""
    if is_kept:
        keep_answer(kept, encode(TypeAnswer(failure=failure)))
    return _reason(entry, dtype, failure)


def _reason(entry: CompilerEntry, dtype: str, failure: str) -> str:
    if not failure:
        return ""
    return f"compiler '{entry.name}' does not run {dtype} here; tried on a small program, it said: {failure}"


def _try(entry: CompilerEntry, dtype: str, device: Device, build: Build | None) -> str:
    """Return what went wrong in a new process that compiles and runs the small program; empty where nothing did."""
    with tempfile.TemporaryDirectory(prefix="ablatrix-types-") as scratch:
        order, answer, work_dir = (Path(scratch) / name for name in ("order.json", "answer.json", "work"))
        work_dir.mkdir()
        order.write_bytes(encode(type_order(entry, dtype, PROBE, device, work_dir)))
        words = ("-m", "ablatrix.trials.run.type_process", str(order), str(answer))
        command = interpreter(*words) if build is None else build.command_line(*words)
        inherited = os.environ if build is None else build.variables(os.environ)
        variables = {**inherited, **environment_of(entry, entry.defaults())}
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=TIMEOUT_S, env=variables, cwd=scratch, check=False
            )
        except subprocess.TimeoutExpired:
            return f"nothing within {TIMEOUT_S:.0f} s"
        if not answer.exists():
            return _ending(done)
        lines = decode(answer.read_bytes(), TYPE_ANSWER).failure.strip().splitlines()
        return " ".join(line.strip() for line in lines)[:MOST]


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return how a process ended that gave no answer."""
    if done.returncode < 0:
        return f"its process was ended by {signal.Signals(-done.returncode).name}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"its process left with exit code {done.returncode}" + (f": {lines[-1]}" if lines else "")


def _identity(entry: CompilerEntry, dtype: str, build: Build | None) -> dict[str, object]:
    """Return what an answer depends on."""
    cpu = read_text(ROOT / "proc/cpuinfo") or ""
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", cpu, re.M)
    places = [Path(__file__).parent, directory_of(entry.adapter)]
    return {
        "modules": installed_modules(entry) if build is None else build.digest,
        "program": entry.program_digest,
        "code": {**code_in(places), "workloads": preparing_code()},
        "cpu": [cpu_model(), digest_bytes((flags[1] if flags else "").encode())],
        "dtype": dtype,
        "python": sys.version,
    }
