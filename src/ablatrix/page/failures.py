"""Failures, grouped by kind: the message, where it happened, and the output of one such trial."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ablatrix.analysis.table import IS_OK
from ablatrix.provenance.ranges import Ranges, ranges_of, ranges_text
from ablatrix.provenance.rows import ROW, Rows
from ablatrix.records.status import Status

COLUMNS = (
    "status",
    "error_type",
    "error_message",
    "error_phase",
    "error_traceback_digest",
    "error_signal",
    "error_exit_code",
    "correctness_note",
    "max_abs_diff",
    "max_rel_diff",
    "rms_ratio",
    "missing",
)
_MARK = b'"record_id":"'


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that ended in the same way.

    Attributes:
        status: How they ended; unsupported trials, and those not run, are included too, after the failures.
        message: Message of the first of them.
        facts: Further facts, such as the phase, a signal, or the worst difference; name -> text.
        wheres: Workload, compiler, mode and the knobs' levels that all of them share, each with its number of trials.
        rows: Their records.
        example: Id of the first record.
        traceback, output: Those of the first record; None if it has none, or records were not given.
    """

    status: str
    message: str
    facts: Mapping[str, str]
    wheres: Sequence[tuple[str, int]]
    rows: Ranges
    count: int
    example: str
    traceback: str | None = None
    output: str | None = None

    @property
    def ranges(self) -> str:
        """Its records in the page's notation."""
        return ranges_text(self.rows)


def failures(rows: Rows, order: Sequence[str], records: Sequence[Path], most: int) -> tuple[list[Failure], int]:
    """Return the groups of trials that are not ok, failures first and the largest first, and how many groups there are.

    Args:
        rows: The trials, with `COLUMNS`.
        order: Columns that distinguish cells, including varying knobs: the first trial in their order is the example.
        records: The files that the trials were read from, in which a traceback is looked up.
        most: Largest number of groups to return.
    """
    failed = rows.trials.filter(~IS_OK)
    failed = failed.sort(*order, "status", "run", "position", "record_id", nulls_last=False).with_row_index("number")
    knobs = [name for name in order if name.startswith("knob_")]
    keys = ["status", "error_type", "error_phase", "error_traceback_digest", "error_signal", "error_exit_code"]
    # Messages of trials with one traceback may differ in addresses; without a traceback the message decides.
    said = pl.when(pl.col("error_traceback_digest").is_null()).then(pl.col("error_message")).alias("said")
    parts = failed.with_columns(said).partition_by([*keys, "said"], maintain_order=True)
    parts.sort(key=lambda part: (not Status(part["status"][0]).is_failure, -part.height, part["number"][0]))
    chosen = parts[:most]
    details = _details(records, [part["record_id"][0] for part in chosen])
    return [_failure(part, knobs, details) for part in chosen], len(parts)


def _failure(part: pl.DataFrame, knobs: Sequence[str], details: Mapping[str, Mapping[str, Any]]) -> Failure:
    first = part.row(0, named=True)
    error = details.get(first["record_id"], {})
    return Failure(
        status=first["status"],
        message=first["error_message"] or first["correctness_note"] or "",
        facts=_facts(part, first),
        wheres=_wheres(part, knobs),
        rows=ranges_of(part[ROW]),
        count=part.height,
        example=first["record_id"],
        traceback=error.get("traceback"),
        output=error.get("output_tail"),
    )


def _facts(part: pl.DataFrame, first: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "type": first["error_type"],
        "phase": first["error_phase"],
        "signal": first["error_signal"],
        "exit code": first["error_exit_code"],
        "note": first["correctness_note"],
        "traceback digest": first["error_traceback_digest"],
    }
    if first["status"] == Status.WRONG_OUTPUT:
        worst = {"largest absolute difference": "max_abs_diff", "largest relative difference": "max_rel_diff"}
        known = {name: part[column].drop_nulls().to_list() for name, column in worst.items()}
        names |= {name: f"{max(values):.3g}" for name, values in known.items() if values}
    if first["status"] == Status.MISSING_CHECK:
        names |= {"outputs not compared": int(part["missing"].sum())}
    return {name: str(value) for name, value in names.items() if value is not None}


def _wheres(part: pl.DataFrame, knobs: Sequence[str]) -> list[tuple[str, int]]:
    found = []
    for key, unit in part.partition_by(["workload", "compiler", "mode"], as_dict=True, maintain_order=True).items():
        workload, compiler, mode = map(str, key)
        shared = [
            f"{knob.removeprefix('knob_')}={unit[knob][0]}"
            for knob in knobs
            if unit[knob].n_unique() == 1 and unit[knob][0] is not None
        ]
        levels = f", all with {', '.join(shared)}" if shared else ""
        found.append((f"{workload} on {compiler}, {mode}{levels}", unit.height))
    return found


def _details(records: Sequence[Path], wanted: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the errors of some records, whose texts are not in the table of trials; reading stops at the last one."""
    left = set(wanted)
    found: dict[str, Mapping[str, Any]] = {}
    for path in records:
        with path.open("rb") as file:
            for line in file:
                if not left:
                    return found
                start = line.find(_MARK) + len(_MARK)
                name = line[start : line.find(b'"', start)].decode(errors="replace")
                if name in left:
                    found[name] = json.loads(line).get("error") or {}
                    left.discard(name)
    return found
