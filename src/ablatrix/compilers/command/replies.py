"""The program's answers to ``compile``, ``load`` and ``run``, checked for plausibility."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablatrix.compilers.built_task import TaskFacts
from ablatrix.errors import CompilerError
from ablatrix.regular_files import is_existing_file

FIGURES = ("generated_calls", "generated_kernels", "planned_bytes")
SILENT = "the program does not report it"
# A program's clock and ours run at the same rate, but for what the kernel corrects meanwhile.
CLOCK_SLACK = 1.01
# Time that a program spends outside its iterations: reading the request, writing the answer.
ANSWERING_MS = 0.5
# Processor time that a program must have used before its claim can be doubted, and how much of it the claim may lack.
MIN_CPU_MS = 20.0
MIN_SHARE = 0.5


def read_compiled(answer: dict[str, Any], directory: Path, name: str) -> tuple[Path, TaskFacts]:
    """Return the artifact and what the program reports about it.

    Raises:
        CompilerError: The answer names a file that does not exist, or a figure is not a count.
    """
    file = answer.get("artifact")
    if not isinstance(file, str) or not is_existing_file(directory / file):
        raise CompilerError(
            f"{name}: 'compile' must answer {{\"artifact\": file}} with a file of {directory}, got "
            f"{json.dumps(answer)[:200]}"
        )
    figures: dict[str, int | None] = {}
    for figure in FIGURES:
        value = answer.get(figure)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise CompilerError(f"{name}: 'compile' reports {figure} = {value!r}; it must be a whole number, 0 or more")
        figures[figure] = value
    reasons = {figure: SILENT for figure, value in figures.items() if value is None}
    if "planned_bytes" in reasons:
        reasons["compiler_planned_bytes"] = reasons.pop("planned_bytes")
    facts = TaskFacts(
        generated_calls=figures["generated_calls"],
        generated_kernels=figures["generated_kernels"],
        planned_bytes=figures["planned_bytes"],
        reasons={**reasons, "estimator": SILENT},
    )
    return directory / file, facts


def read_threads(answer: dict[str, Any], name: str) -> dict[str, int]:
    """Return the threads in force that the program read back.

    Raises:
        CompilerError: They are not reported, or are not counts.
    """
    threads = answer.get("threads")
    if (
        not isinstance(threads, dict)
        or not threads
        or not all(type(one) is int and one > 0 for one in threads.values())
    ):
        raise CompilerError(
            f"{name}: 'load' must answer {{\"threads\": {{library: count}}}} with what is in force, got "
            f"{json.dumps(answer)[:200]}"
        )
    return dict(threads)


def read_settings(answer: dict[str, Any], asked: Sequence[tuple[str, str]], name: str) -> dict[str, str]:
    """Return the values of settings that the program read back, as text by address: of those that were asked for.

    Raises:
        CompilerError: They are not plain values by address.
    """
    settings = answer.get("settings", {})
    if not isinstance(settings, dict) or not all(isinstance(one, str | int | float) for one in settings.values()):
        raise CompilerError(
            f"{name}: 'load' may answer {{\"settings\": {{address: value}}}} with what is in force, got "
            f"{json.dumps(settings)[:200]}"
        )
    addresses = [f"{kind}:{of}" for kind, of in asked]
    return {address: _text(settings[address]) for address in addresses if address in settings}


def _text(value: str | int | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_times(answer: dict[str, Any], count: int, wall_ms: float, name: str) -> list[float]:
    """Return the time of each iteration in milliseconds.

    Raises:
        CompilerError: Their number is not that of the iterations, one is not a time, or together they are longer than
            the request took.
    """
    times = answer.get("ms")
    if not isinstance(times, list) or len(times) != count:
        got = f"{len(times)} numbers" if isinstance(times, list) else json.dumps(answer)[:200]
        raise CompilerError(
            f"{name}: 'run' must answer {{\"ms\": [...]}} with {count} numbers, one an iteration, got {got}"
        )
    for one in times:
        if not isinstance(one, (int, float)) or isinstance(one, bool) or not math.isfinite(one) or one < 0:
            raise CompilerError(f"{name}: 'run' reports a time of {one!r} ms; it must be a number, 0 or more")
    claimed = sum(times)
    if claimed > wall_ms * CLOCK_SLACK:
        raise CompilerError(
            f"{name}: 'run' claims {claimed:.3f} ms for {count} iterations, but the request took {wall_ms:.3f} ms; "
            "its clock is not a wall clock"
        )
    return [float(one) for one in times]


def doubt_times(claimed_ms: float, cpu_ms: float, requests: int, threads: int, name: str) -> None:
    """Refuse times that are too short for the processor time that the program used for them.

    Processor time does not grow while the program waits for a processor, so that a busy machine raises no doubt.

    Args:
        claimed_ms: Sum of the times reported so far.
        cpu_ms: Processor time of the program meanwhile, all threads together.
        requests: Requests that were answered.
        threads: Threads that it may use.
        name: Of the compiler.

    Raises:
        CompilerError: Less than half of it is accounted for.
    """
    used = cpu_ms - requests * ANSWERING_MS
    if cpu_ms > MIN_CPU_MS and claimed_ms * threads < MIN_SHARE * used:
        raise CompilerError(
            f"{name}: 'run' claims {claimed_ms:.3f} ms so far, but the program used {cpu_ms:.3f} ms of processor time "
            f"on {requests} requests and {threads} threads; it works outside of what it times, "
            "or reports false times"
        )
