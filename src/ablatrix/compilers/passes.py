"""Passes that a compiler ran on a program: what one run was, a watch that keeps them, and a line for each name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from ablatrix.compilers.settings.address import AddressList

PASS_KINDS = ("pass", "optimizer", "lowering", "fusion")
"""Kinds of what runs on a program; where a compiler has an address of the kind, the name behind it is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRun:
    """One run of one pass on one distinct task.

    Attributes:
        name: As the compiler has it.
        kind: One of ``PASS_KINDS``.
        within: The pass, pipeline or part of the compiler that it ran in; empty where there is none.
        milliseconds: Its own time, without that of passes inside it; None where the compiler does not say.
        changed: Whether the program is another behind it, by passes inside it, too; None where that is not known.
        before, after: Digests of the program around it; empty where none is taken.
        switchable: Whether the compiler would have left out this run, had the pass been switched off.
        task: The distinct task, by ``kind``.
    """

    name: str
    kind: str = "pass"
    within: str = ""
    milliseconds: float | None = None
    changed: bool | None = None
    before: str = ""
    after: str = ""
    switchable: bool = True
    task: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPasses:
    """What a compiler ran on a program.

    Attributes:
        runs: Every run, in order.
        evidence: How it is known whether a pass changed the program, and what is not seen, as a sentence.
    """

    runs: tuple[PassRun, ...]
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSummary:
    """All runs of the passes of one name.

    Attributes:
        name: As the compiler has it.
        address: As a study writes it; empty where no study can switch it off.
        runs: How often it ran.
        changed: How many of these runs changed the program; None where that is not known.
        milliseconds: Own time of all runs; None where the compiler does not say.
    """

    name: str
    address: str
    runs: int
    changed: int | None
    milliseconds: float | None


def total_ms(runs: Iterable[PassRun]) -> dict[str, float]:
    """Return milliseconds by the name of the pass, over the runs that have a time."""
    milliseconds: dict[str, float] = {}
    for one in runs:
        if one.milliseconds is not None:
            milliseconds[one.name] = milliseconds.get(one.name, 0.0) + one.milliseconds
    return milliseconds


def summarise_passes(runs: Sequence[PassRun], known: AddressList) -> tuple[PassSummary, ...]:
    """Return a line for each pass, in the order in which they first ran.

    Args:
        runs: Every run.
        known: The addresses that the compiler has.
    """
    by_pass: dict[tuple[str, str], list[PassRun]] = {}
    for one in runs:
        by_pass.setdefault((one.kind, one.name), []).append(one)
    return tuple(_summarise(kind, name, held, known) for (kind, name), held in by_pass.items())


def not_run(runs: Iterable[PassRun], known: AddressList) -> tuple[str, ...]:
    """Return the addresses of passes that the compiler has and did not run."""
    ran = {(one.kind, one.name) for one in runs}
    return tuple(
        f"{one.kind}:{one.name}"
        for one in known.addresses
        if one.kind in PASS_KINDS and (one.kind, one.name) not in ran
    )


def with_times(runs: Sequence[PassRun], timed: Iterable[PassRun]) -> list[PassRun]:
    """Return runs with the times of the same passes from another compile, name by name in order."""
    times: dict[str, list[float | None]] = {}
    for one in timed:
        times.setdefault(one.name, []).append(one.milliseconds)
    position: dict[str, int] = {}
    found: list[PassRun] = []
    for one in runs:
        index = position.get(one.name, 0)
        position[one.name] = index + 1
        held = times.get(one.name, [])
        found.append(replace(one, milliseconds=held[index] if index < len(held) else None))
    return found


class PassWatch:
    """Keeps the passes that begin and end, each with its own time and with what changed meanwhile.

    A pass inside another counts for itself alone; taking a digest is in no time. What it changed, the outer one has
    changed, too.

    Args:
        digest: Of a program; None: no digests are taken, and what changed is not known.
        differ: Whether two programs with unlike digests are unlike, where a digest may be unlike by chance.
    """

    def __init__(
        self, digest: Callable[[Any], str] | None = None, differ: Callable[[Any, Any], bool] | None = None
    ) -> None:
        self._digest, self._differ = digest, differ
        self._open: list[_OpenPass] = []
        self._ended: dict[int, PassRun] = {}
        self._begun = 0
        self._since = 0.0

    @property
    def runs(self) -> list[PassRun]:
        """The runs that ended, in the order in which they began."""
        return [self._ended[position] for position in sorted(self._ended)]

    def enter(self, name: str, program: Any, *, within: str = "") -> None:
        """Begin a pass.

        Args:
            name: Of the pass.
            program: As it is before.
            within: The part of the compiler that it belongs to, where it is inside no other pass.
        """
        self._charge()
        outer = self._open[-1].name if self._open else within
        kept = None if self._differ is None else program
        self._open.append(_OpenPass(name, outer, self._begun, self._look(program), kept))
        self._begun += 1
        self._since = perf_counter()

    def leave(self, program: Any) -> None:
        """End the innermost pass.

        Args:
            program: As it is behind it.
        """
        self._charge()
        one, after = self._open.pop(), self._look(program)
        if after != one.before and self._differ is not None and not self._differ(one.program, program):
            after = one.before
        self._ended[one.position] = PassRun(
            name=one.name,
            within=one.within,
            milliseconds=one.seconds * 1e3,
            changed=None if self._digest is None else after != one.before,
            before=one.before,
            after=after,
        )
        self._since = perf_counter()

    def _look(self, program: Any) -> str:
        return "" if self._digest is None else self._digest(program)

    def _charge(self) -> None:
        if self._open:
            self._open[-1].seconds += perf_counter() - self._since


@dataclass(slots=True)
class _OpenPass:
    """A pass that has begun: the program's digest then, the program where it is needed, and its own time so far."""

    name: str
    within: str
    position: int
    before: str
    program: Any
    seconds: float = 0.0


def _summarise(kind: str, name: str, runs: Sequence[PassRun], known: AddressList) -> PassSummary:
    changes = [one.changed for one in runs if one.changed is not None]
    times: Mapping[str, float] = total_ms(runs)
    switchable = known.find(kind, name) is not None and any(one.switchable for one in runs)
    return PassSummary(
        name=name,
        address=f"{kind}:{name}" if switchable else "",
        runs=len(runs),
        changed=sum(changes) if changes else None,
        milliseconds=times.get(name),
    )
