"""Records -> one flat, typed table: a row a trial. What is left out is counted with its reason."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ablatrix.analysis.columns import COLUMNS, MAPS, Kind, value_at
from ablatrix.analysis.paired import with_paired_times
from ablatrix.canonical import canonical_json, digest_bytes
from ablatrix.errors import AnalysisError, RecordError
from ablatrix.records.journal import read_lines

Row = Mapping[str, Any]

TYPES: Mapping[Kind, pl.DataType] = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "real": pl.Float64(),
    "yes_no": pl.Boolean(),
    "json": pl.String(),
}
SUPERSEDED = "attempt that a later one replaced"
NOT_FINAL = "trial without a final attempt (interrupted, not run again yet)"
REPEATED = "record that stands in another input as well"
TIMED_OTHER = "hot trial that timed another executable than was checked"


@dataclass(frozen=True)
class Tidy:
    """The table of final trials, without those that timed another executable than was checked.

    Attributes:
        trials: A row a trial, primers included, in the order of (run, position). ``run`` numbers the inputs
            by their contents, so that their order on the command line changes nothing. ``is_baseline`` tells
            whether every knob has the baseline's level; ``run_ms_paired`` is made within blocks. Knobs,
            parameters, versions and the like have a column each (``knob_fusion``).
        excluded: How many records are not in the table, by reason.
        notes: What reading reported: torn tails, fields of newer versions.
    """

    trials: pl.DataFrame
    excluded: Mapping[str, int]
    notes: tuple[str, ...]

    def columns(self, prefix: str) -> list[str]:
        """Return the columns whose name begins with a prefix, in the table's order."""
        return [name for name in self.trials.columns if name.startswith(prefix)]


def tidy(paths: Sequence[str | Path]) -> Tidy:
    """Read files of records into one table.

    Raises:
        RecordError: A file cannot be read, or a line breaks the schema.
        AnalysisError: No file, the same file twice, or no final trial in any of them.
    """
    notes: list[str] = []
    runs: list[list[Row]] = []
    for path in ordered_by_content(paths):
        # A record is validated once, here; the rest works on plain values.
        runs.append([line.data for line in read_lines(path, notes.append)])
    return tidy_rows(runs, notes)


def tidy_rows(runs: Sequence[Iterable[Row]], notes: Iterable[str] = ()) -> Tidy:
    """Put valid records (as plain objects), one iterable a run, into one table; see `tidy`.

    Raises:
        AnalysisError: No final trial in any of them, or none whose times may be used.
    """
    excluded: Counter[str] = Counter()
    chosen: list[tuple[int, Row]] = []
    seen: dict[str, list[Row]] = {}
    for number, rows in enumerate(runs):
        for row in _final(rows, excluded):
            # Two runs of one study share ids; only a row that is equal throughout is the same record.
            alike = seen.setdefault(row["record_id"], [])
            if row in alike:
                excluded[REPEATED] += 1
            elif timed_other(row):
                alike.append(row)
                excluded[TIMED_OTHER] += 1
            else:
                alike.append(row)
                chosen.append((number, row))
    if not chosen:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(excluded.items())) or "they are empty"
        raise AnalysisError(f"the results hold no finished trial ({reasons}); run the study into them first")
    chosen.sort(key=lambda item: (item[0], item[1]["meta"]["position"], item[1]["trial_id"]))
    return Tidy(with_paired_times(_frame(chosen)), dict(sorted(excluded.items())), tuple(notes))


def ordered_by_content(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files in the order of their contents' digests, so that their given order has no say.

    Raises:
        RecordError: A file cannot be read.
        AnalysisError: No file, or two with the same contents.
    """
    if not paths:
        raise AnalysisError("no results were given; name at least one results.jsonl")
    by_digest: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            digest = digest_bytes(path.read_bytes())
        except OSError as error:
            raise RecordError(f"{path}: records cannot be read: {error.strerror}") from error
        if digest in by_digest:
            raise AnalysisError(f"{path}: holds the same records as {by_digest[digest]}; give each run once")
        by_digest[digest] = path
    return [by_digest[digest] for digest in sorted(by_digest)]


def timed_other(row: Row) -> bool:
    """Whether a trial is hot and ok, and timed another executable than the one that was checked.

    Its time belongs to a program whose answers nobody has seen. Every statistic reads `Tidy.trials`, which leaves
    such trials out: this is the one place where the rule stands.
    """
    held = row["correctness"]
    if row["mode"] != "hot" or row["status"] != "ok" or held is None:
        return False
    checked, timed = held["checked_digest"], held["timed_digest"]
    return checked is not None and timed is not None and checked != timed


def _final(rows: Iterable[Row], excluded: Counter[str]) -> list[Row]:
    chosen: dict[str, Row] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        trial = row["trial_id"]
        counts[trial] += 1
        held = chosen.get(trial)
        if row["final"] and (held is None or row["attempt"] >= held["attempt"]):
            chosen[trial] = row
    for trial, count in counts.items():
        excluded[SUPERSEDED if trial in chosen else NOT_FINAL] += count - (trial in chosen)
    for reason in (SUPERSEDED, NOT_FINAL):
        if not excluded[reason]:
            del excluded[reason]
    return list(chosen.values())


def _frame(chosen: Sequence[tuple[int, Row]]) -> pl.DataFrame:
    rows = [row for _, row in chosen]
    series = [
        pl.Series("run", [number for number, _ in chosen], pl.Int64()),
        pl.Series("is_baseline", [_is_baseline(row) for row in rows], pl.Boolean()),
    ]
    for column in COLUMNS:
        values = [value_at(row, column.path) for row in rows]
        series.append(_series(column.name, values, column.kind))
    for group in MAPS:
        maps = [value_at(row, group.path) or {} for row in rows]
        keys = sorted({key for entry in maps for key in entry})
        for key in keys:
            values = [entry.get(key) for entry in maps]
            series.append(_series(group.prefix + key, values, group.kind or _common_kind(values)))
    return pl.DataFrame(series)


def _series(name: str, values: list[Any], kind: Kind) -> pl.Series:
    if kind == "json":
        values = [None if value is None else canonical_json(value) for value in values]
    elif kind == "text":
        values = [None if value is None else str(value) for value in values]
    elif kind == "real":
        values = [None if value is None else float(value) for value in values]
    return pl.Series(name, values, TYPES[kind])


def _common_kind(values: Iterable[Any]) -> Kind:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "yes_no"
    if kinds == {int}:
        return "whole"
    return "real" if kinds and kinds <= {int, float} else "text"


def _is_baseline(row: Row) -> bool:
    config = row["config"]
    return bool(config["baseline"]) and config["knobs"] == config["baseline"]
