"""A hot trial must time code that its own cell built: what it loads is compared with what the cell's trials built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ablatrix.canonical import digest_value
from ablatrix.records.model import CompileFacts, Failure, Record
from ablatrix.records.status import Status
from ablatrix.trials.results.outcome import Outcome

ERROR = "ForeignCodeError"


class BuiltCode:
    """Digests of the code that the trials of each cell built themselves."""

    def __init__(self) -> None:
        self._by_cell: dict[str, set[str]] = {}
        self._compiled_cold: set[str] = set()

    def add_records(self, records: Iterable[Record]) -> None:
        """Note what the trials of records built, superseded ones included."""
        for record in records:
            self._add(record.cell_id, record.mode, record.compile)

    def checked(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Note what the trials of a block built, and return their outcomes, those that timed other code as errors."""
        listed = list(outcomes)
        for one in listed:
            self._add(one.cell.cell_id, one.trial.mode, one.result.compile)
        return [self._check(one) for one in listed]

    def _add(self, cell_id: str, mode: str, facts: CompileFacts | None) -> None:
        if facts is None or facts.compile_cache_hit_disk_delta_first_run:
            return
        # A compiler that never asks the study's cache may have found its code in a cache of its own.
        if mode == "cold" or facts.key_set_size or cell_id not in self._compiled_cold:
            self._by_cell.setdefault(cell_id, set()).add(facts.artifact_digest)
        if mode == "cold":
            self._compiled_cold.add(cell_id)

    def _check(self, outcome: Outcome) -> Outcome:
        """Return an outcome, as an error where code was found on disk that no trial of its cell built."""
        result = outcome.result
        timed = None if result.correctness is None else result.correctness.timed_digest
        built = self._by_cell.get(outcome.cell.cell_id, set())
        if result.status is not Status.OK or result.compile is None or timed is None or timed in built:
            return outcome
        error = Failure(
            type=ERROR,
            message=f"the code that was timed (SHA-256 {timed[:12]}) was built by no trial of this configuration, "
            f"which built {', '.join(sorted(digest[:12] for digest in built)) or 'nothing'}; compiler "
            f"'{outcome.cell.compiler}' loads code that another configuration or another version of it built: it "
            "keeps a cache of its own, or its artifact_digest is not that of the code",
            phase="compile",
            traceback_digest=digest_value({"type": ERROR}),
        )
        return replace(outcome, result=replace(result, status=Status.COMPILE_ERROR, error=error))


@dataclass(frozen=True, kw_only=True)
class CellCaches:
    """What the hot trials of each cell built, for several runs after each other: in each a cell finds its own alone.

    Attributes:
        directory: Has a cache for each cell.
        built: The code that they built.
    """

    directory: Path
    built: BuiltCode = field(default_factory=BuiltCode)
