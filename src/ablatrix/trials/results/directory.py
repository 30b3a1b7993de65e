"""The directory that a run writes: the paths in it, and what is already there."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ablatrix.canonical import content_id, digest_bytes, digest_value
from ablatrix.errors import TrialError
from ablatrix.records.disk import sync_directory
from ablatrix.records.journal import final_records, read_own_records, read_records
from ablatrix.records.model import Record
from ablatrix.records.names import BUILDS_NAME
from ablatrix.records.origin import installed_version
from ablatrix.study.design import Cell, Design
from ablatrix.study.design_file import read_design, refuse_changed_sources, write_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.workloads.parameters import dynamic_dimensions


@cache
def preparing_code() -> str:
    """Return the SHA-256 of the code that prepares workloads and of torch's version: a change invalidates all."""
    room = Path(__file__).parents[2] / "workloads"
    files = sorted(room.rglob("*.py"))
    sources = {str(file.relative_to(room)): digest_bytes(file.read_bytes()) for file in files}
    return digest_value({"sources": sources, "torch": installed_version("torch")})


def largest_sizes(resolved: ResolvedStudy, cell: Cell) -> dict[str, int]:
    """Return the bound of each dynamic dimension in the input sets, where it is not the workload's own.

    A level of ``upper_bound`` also bounds the sizes of the input sets: every configuration is checked on the
    same inputs.
    """
    study, catalogue = resolved
    levels = itertools.chain.from_iterable(stage.table.get("upper_bound") or () for stage in study.stages)
    bounds = [level for level in levels if isinstance(level, int)]
    dimensions = dynamic_dimensions(catalogue.workload(cell.workload), cell.parameters)
    return {name: min(bounds) for name in dimensions} if bounds else {}


def preparation(resolved: ResolvedStudy, cell: Cell) -> dict[str, Any]:
    """Return what a prepared program depends on, as plain values to make an id from."""
    study, catalogue = resolved
    entry = catalogue.workload(cell.workload)
    origin, plugin = entry.origin, entry.plugin
    return {
        "workload": cell.workload,
        "parameters": dict(cell.parameters),
        "draws": study.checks.input_sets,
        "seed": study.seed,
        "made_by": preparing_code(),
        "largest": largest_sizes(resolved, cell),
        **({} if origin is None else {"source": origin.source, "source_digest": entry.source_digest}),
        **({} if plugin is None else {"plugin_digest": plugin.digest}),
        **({"inputs": {name: asdict(one) for name, one in entry.inputs.items()}} if entry.inputs else {}),
        **({"train": True} if entry.train else {}),
    }


@dataclass(frozen=True)
class ResultDirectory:
    """Paths within one directory. ``work`` may be deleted when a run is done; all else is the result."""

    path: Path

    @property
    def results(self) -> Path:
        """The journal of records."""
        return self.path / "results.jsonl"

    @property
    def design(self) -> Path:
        """What was planned."""
        return self.path / "design.json"

    @property
    def builds(self) -> Path:
        """What the builds of the study's compilers are; there is none where it has none."""
        return self.path / BUILDS_NAME

    @property
    def samples(self) -> Path:
        """Raw samples, one file for each block."""
        return self.path / "samples"

    @property
    def work(self) -> Path:
        """Prepared programs, compile caches, logs."""
        return self.path / "work"

    @property
    def hot_caches(self) -> Path:
        """What hot trials of each cell find of what its own trials built; a run that is done needs none of it."""
        return self.work / "cache" / "hot"

    @property
    def log(self) -> Path:
        """The log of runs into this directory, for people."""
        return self.work / "run.log"

    def program(self, resolved: ResolvedStudy, cell: Cell, torch: str | None = None) -> Path:
        """Return the directory of the prepared program of a cell's workload.

        Args:
            resolved: The study with its catalogue.
            cell: Any of the workload's.
            torch: The version of torch that reads it, where that is not the one of this environment.
        """
        depends = preparation(resolved, cell) | ({} if torch is None else {"torch": torch})
        return self.work / "programs" / f"{cell.base or cell.workload}-{content_id(depends)}"

    def make(self, study: Study, design: Design) -> Design:
        """Create the directory and write the design, or read the one of this very study that it holds.

        Raises:
            StudyError: It holds another study's results.
            TrialError: It cannot be written.
        """
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            self.samples.mkdir(exist_ok=True)
            if self.design.exists():
                held = read_design(self.design, study)
                refuse_changed_sources(held, design)
                if held.titles != design.titles:  # they may be given after a run, like authors
                    held = replace(held, titles=design.titles)
                    write_design(held, self.design)
                return held
            write_design(design, self.design)
        except OSError as error:
            raise TrialError(f"{self.path}: cannot be written: {error.strerror}; choose another --out") from None
        return design

    def known(self) -> dict[str, Record]:
        """Return the final record of each finished trial."""
        return {record.trial_id: record for record in final_records(self.attempts())}

    def attempts(self) -> list[Record]:
        """Return the record of every attempt of every trial, in the order in which they were written."""
        return list(self.iter_attempts())

    def iter_attempts(self) -> Iterator[Record]:
        """Yield the records that ``attempts`` returns, one at a time: of many trials they have no room in memory."""
        if self.results.exists():
            yield from read_own_records(self.results)

    def trials_of_records(self, start: str) -> set[str]:
        """Return the ids of the trials of which a record's id begins with some characters."""
        if not self.results.exists():
            return set()
        records = read_records(self.results, report=lambda _: None)
        return {record.trial_id for record in records if record.record_id.startswith(start)}

    def supersede(self, trial_ids: set[str]) -> None:
        """Mark the lines of trials that will be run again as no longer final. The file is replaced as a whole."""
        if not trial_ids or not self.results.exists():
            return
        draft = self.results.with_suffix(".draft")
        with self.results.open("rb") as held, draft.open("wb") as stream:
            for line in held:  # as they are: a newer ablatrix may have written fields that this one does not know
                value = json.loads(line)
                is_superseded = value["trial_id"] in trial_ids and value["final"]
                stream.write(_without_final(value) if is_superseded else line)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.results)
        sync_directory(self.path)


def _without_final(value: dict[str, Any]) -> bytes:
    """Return the line of a record that does not count any more, with all its other fields as they are."""
    return json.dumps(value | {"final": False}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
