"""One look at a configuration: an ordinary run of it in a directory of its own, and what its records show."""

from __future__ import annotations

import math
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ablatrix.analysis.table import tidy
from ablatrix.compilers.catalogue import Level
from ablatrix.errors import AnalysisError, TrialError
from ablatrix.records.journal import final_records, read_records
from ablatrix.records.model import Record
from ablatrix.records.names import RECORDS_NAME
from ablatrix.study.model import Mode
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers
from ablatrix.trials.messages import Interrupted
from ablatrix.trials.results import CellCaches, Progress, Silence
from ablatrix.trials.run import PassList, list_passes_of, run_to_end
from ablatrix.troubles.configuration import Configuration
from ablatrix.troubles.trouble import Trouble, trouble_of

PROGRAMS = "programs"
"""What looks have in common: prepared workloads, each under the digest of what it depends on."""
PASSES = "passes"
"""Where a compiler is asked for its passes."""
CACHE = "cache"
"""What looks at times have in common: what each configuration built, as the blocks of any run have it.

Another configuration finds nothing of it, and a look for a failure has a cache of its own.
"""
SPENT = ("cache", "scratch")
"""What is of no use when a look is over."""


class InterruptedLook(Exception):
    """The user stopped a look.

    Attributes:
        signal: Number of the signal.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one run of a configuration showed.

    Attributes:
        results: Directory of the run.
        trials: Trials of the configuration that were run.
        statuses: How they ended.
        trouble: What was wrong with the first of them that failed.
        logs: Log ratio of the configuration to its reference, for each block that has both; empty without a reference.
        why: Why a block has none: how the reference ended; empty where it ended well.
        seconds: Of the run.
    """

    results: str
    trials: int
    statuses: tuple[str, ...]
    trouble: Trouble | None
    logs: tuple[float, ...] = ()
    why: str = ""
    seconds: float = 0.0


class Looks:
    """Runs looks one after the other. Use as a context: compilers stay imported until it is left.

    Args:
        directory: Directory for the runs, each in a directory of its own.
        progress: Notified of what happens in them.
        kept: Fork servers that others use, too, and end; by default there are own ones.
    """

    def __init__(self, directory: Path, progress: Progress | None = None, kept: KeptServers | None = None) -> None:
        self.directory = directory.resolve()
        self._progress = progress or Silence()
        self._is_own = kept is None
        self._kept = kept or KeptServers(self.directory / "servers")
        self._caches = CellCaches(directory=self.directory / CACHE)

    def __enter__(self) -> Looks:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrialError(f"{self.directory}: cannot be written: {error.strerror}; choose another --out") from None
        self._forget_built()
        if self._is_own:
            self._kept.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_built()
        if self._is_own:
            self._kept.__exit__(kind, error, trace)

    def see(
        self,
        configuration: Configuration,
        place: str,
        mode: Mode,
        *,
        reference: Mapping[str, Level] | None = None,
        metric: str = "run_ms_paired",
        blocks: int = 1,
        turn: int = 0,
    ) -> Sight:
        """Run a configuration, or go on with such a run, and return what it showed.

        Args:
            configuration: What is run.
            place: Name of the run's directory.
            mode: Mode of its trials.
            reference: Levels of the configuration that it is measured beside; None for one that is run alone.
            metric: What is compared with the reference.
            blocks: Hot blocks, or cold replicates.
            turn: How often it was looked at before.

        Raises:
            InterruptedLook: The user stopped it.
            StudyError, CompilerError, WorkloadError, TrialError: The run cannot be made.
        """
        start, directory = time.monotonic(), self.directory / place
        resolved = configuration.look(mode, reference=reference, blocks=blocks, turn=turn)
        only = ("role=measured",) if reference is None and mode == "cold" else ()
        is_timed = reference is not None and configuration.program is None  # programs cut off have one name
        self._run(resolved, directory, only, self._caches if is_timed else None)
        return _read(directory, place, configuration, reference, metric, time.monotonic() - start)

    def see_each(
        self,
        configuration: Configuration,
        place: str,
        levels: Mapping[str, Level],
        *,
        metric: str = "run_ms_paired",
        blocks: int = 1,
        turn: int = 0,
    ) -> dict[str, tuple[float, ...]]:
        """Run a configuration beside others that differ in one knob each, and return what each change does.

        Args:
            configuration: What is run.
            place: Name of the run's directory.
            levels: The other level of each knob.
            metric: What is compared; one of hot trials.
            blocks: Hot blocks.
            turn: How often it was looked at before.

        Returns:
            By knob the log ratio of the configuration to the one with the other level, for each block that has both.

        Raises:
            InterruptedLook: The user stopped it.
            StudyError, CompilerError, WorkloadError, TrialError: The run cannot be made.
        """
        directory = self.directory / place
        self._run(configuration.look("hot", each=levels, blocks=blocks, turn=turn), directory, (), self._caches)
        found: dict[str, tuple[float, ...]] = {}
        records = [one for one in final_records(read_records(directory / RECORDS_NAME)) if one.role != "reference"]
        own = {one.record_id for one in records if _is_at(one, configuration.full_levels)}
        for knob, level in levels.items():
            changed = {one.record_id for one in records if one.config.knobs.get(knob) == level}
            found[knob] = tuple(-log for log in _logs(directory, changed, metric, own))
        return found

    def passes(self, configuration: Configuration) -> PassList:
        """Return which passes run on the program of a configuration; the servers and the program are those of looks.

        Raises:
            InterruptedLook: The user stopped it.
            StudyError, CompilerError: They cannot be listed.
        """
        directory = self.directory / PASSES
        self._share_programs(directory)
        try:
            return list_passes_of(configuration.look("cold"), directory, self._kept)
        except Interrupted as stopped:
            raise InterruptedLook(stopped.signal) from None

    def _run(self, resolved: ResolvedStudy, directory: Path, only: Sequence[str], caches: CellCaches | None) -> None:
        self._share_programs(directory)
        done = run_to_end(
            resolved,
            directory,
            only=only,
            progress=self._progress,
            study_directory=resolved.study.directory,
            keep_samples=False,
            kept=self._kept,
            with_reference=False,
            caches=caches,
        )
        if done.signal is not None:
            raise InterruptedLook(done.signal)
        for name in SPENT:
            shutil.rmtree(directory / "work" / name, ignore_errors=True)

    def _forget_built(self) -> None:
        """Remove what a search before this one left where it was stopped: what is there was built by this one."""
        shutil.rmtree(self._caches.directory, ignore_errors=True)

    def _share_programs(self, directory: Path) -> None:
        link = directory / "work" / PROGRAMS
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            (self.directory / PROGRAMS).mkdir(exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(self.directory / PROGRAMS, target_is_directory=True)
        except OSError as error:
            raise TrialError(f"{link}: cannot be written: {error.strerror}; choose another --out") from None


def _read(
    directory: Path,
    place: str,
    configuration: Configuration,
    reference: Mapping[str, Level] | None,
    metric: str,
    seconds: float,
) -> Sight:
    """Return what a run showed, from its records."""
    records = [one for one in final_records(read_records(directory / RECORDS_NAME)) if one.config.compiler != "eager"]
    own = configuration.full_levels
    tested = [one for one in records if one.role == "measured" and _is_at(one, own)]
    troubles = [trouble_of(one) for one in tested]
    others = [one for one in records if one not in tested and not _is_at(one, own)]
    return Sight(
        results=place,
        trials=len(tested),
        statuses=tuple(str(one.status) for one in tested),
        trouble=next((one for one in troubles if one is not None), None),
        logs=() if reference is None else _logs(directory, {one.record_id for one in tested}, metric),
        why=_ended(others),
        seconds=seconds,
    )


def _is_at(record: Record, levels: Mapping[str, Level]) -> bool:
    """Return whether a record is of a configuration; knobs that its workload does not have are not among its levels."""
    return all(levels.get(name) == level for name, level in record.config.knobs.items())


def _logs(directory: Path, tested: set[str], metric: str, beside: set[str] | None = None) -> tuple[float, ...]:
    """Return the log ratio of the tested configuration to the other one in each block that has both, in order.

    The A/A control is the other configuration once more, and counts like it.

    Args:
        directory: Of the run.
        tested: Ids of records.
        metric: What is compared.
        beside: Ids of the records of the other configuration; None: all that are not tested.
    """
    try:
        rows: list[dict[str, Any]] = tidy([directory]).trials.to_dicts()
    except AnalysisError:
        return ()
    own: dict[str, list[float]] = defaultdict(list)
    others: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        value = row.get(metric)
        if row["status"] == "ok" and row["role"] != "reference" and value:
            if row["record_id"] in tested:
                own[row["block_id"]].append(math.log(value))
            elif beside is None or row["record_id"] in beside:
                others[row["block_id"]].append(math.log(value))
    return tuple(
        math.fsum(held) / len(held) - math.fsum(others[block]) / len(others[block])
        for block, held in own.items()
        if others[block]
    )


def _ended(records: list[Record]) -> str:
    failed = [one for one in records if one.status != "ok"]
    if not failed:
        return ""
    told = next((one.error.message.splitlines()[0] for one in failed if one.error and one.error.message), "")
    return f"{failed[0].status.replace('_', ' ')}" + (f": {told}" if told else "")
