"""Records -> one flat, typed table: a row a trial. What is omitted is counted with its reason."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ablatrix.analysis.table.choice import choose, with_choice
from ablatrix.analysis.table.chunk import FINAL, OFFSET, SHARED_MAP, Chunk, cut, series
from ablatrix.analysis.table.columns import COLUMNS, MAPS, Kind, MapColumns
from ablatrix.analysis.table.copies import Copies, digests_of, user_copies
from ablatrix.analysis.table.paired import FASTEST
from ablatrix.analysis.table.planned import NO_TEXT, PlannedTrials, load_design
from ablatrix.analysis.table.pool import MAX_PROCESSES, read_chunks
from ablatrix.analysis.table.tokens import with_token_rates
from ablatrix.errors import AnalysisError, RecordError
from ablatrix.records.held import hold_all_records
from ablatrix.records.journal import report_ignored, report_torn, scan
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.records.names import DESIGN_NAME
from ablatrix.records.titles import Titles, merged, read_titles
from ablatrix.regular_files import open_regular

NOT_RECORDED = "planned trial without any record (not run yet, or its record was lost)"

COLUMNS_AT_ONCE = 8
WHOSE = ("workload", "compiler")
LINE_COLUMNS = ("trial_id", "record_id", "cell_id", "block_id", "mode", "role", "study_digest", "schema_version")
Owner = tuple[str, str, str, str]


@dataclass(frozen=True)
class Tidy:
    """The table of final trials, without those that timed another executable than was checked.

    Attributes:
        trials: A row a trial, cache-priming runs included, in the order of (run, position). ``run`` numbers the inputs
            by their contents, so that their order on the command line changes nothing. ``is_baseline`` says
            whether every knob has the baseline's level; ``run_ms_paired`` is made within blocks. Knobs,
            parameters, versions and the like have a column each (``knob_fusion``).
        excluded: How many records are not in the table, by reason; and how many planned trials have no record, where
            the design is beside the records.
        unrecorded: What these planned trials are of: (workload, compiler, mode, role) -> how many. Workload and
            compiler are empty where neither the design nor another record of the cell names them.
        lines: A row for every line that was read, superseded attempts included: ``run``, ``final`` and the columns
            of `LINE_COLUMNS`. None where they were not asked for.
        notes: What reading reported: torn tails, fields of newer versions.
        titles: What workloads, compilers, knobs and levels are called, by the designs beside the records.
        designs: These designs, by their files.
    """

    trials: pl.DataFrame
    excluded: Mapping[str, int]
    notes: tuple[str, ...]
    unrecorded: Mapping[Owner, int] = field(default_factory=dict)
    lines: pl.DataFrame | None = None
    titles: Titles = field(default_factory=Titles)
    designs: Mapping[Path, PlannedTrials] = field(default_factory=dict)

    def columns(self, prefix: str) -> list[str]:
        """Return the columns whose name begins with a prefix, in the table's order."""
        return [name for name in self.trials.columns if name.startswith(prefix)]


def tidy(
    paths: Sequence[str | Path],
    keep_lines: bool = False,
    copies: Copies | None = None,
    processes: int | None = None,
) -> Tidy:
    """Read files of records into one table.

    Files are read in chunks, by several processes when they are large; what is kept is the table alone, about a
    kilobyte a trial. Of a large file a columnar copy is kept, from which the same bytes are read the next time.

    Args:
        paths: Files of records, directories of results, bundles' directories, or bundles' zips.
        keep_lines: Also return which lines there are, to compare a plan with them.
        copies: Where copies are kept; the user's by default.
        processes: Most processes that read at once; None for as many as usual.

    Raises:
        RecordError: A file cannot be read, or a line breaks the schema.
        AnalysisError: No file, the same file twice, or no final trial in any of them.
    """
    notes: list[str] = []
    named = hold_all_records(paths)  # held while the files are read: what a zip was unpacked to goes with it
    files = ordered_by_content([one.path for one in named])
    counts: Counter[str] = Counter()
    copies = copies or user_copies()
    designs = _read_designs(files, notes, copies)
    rows = _read(files, notes, copies, processes or MAX_PROCESSES)
    unrecorded: Counter[Owner] = Counter()
    for runs, planned in designs.planned:
        owners = rows.select("run", "trial_id", "cell_id", *WHOSE) if rows.width else rows
        of_runs = owners if len(runs) == len(files) or not rows.width else owners.filter(pl.col("run").is_in(runs))
        unrecorded.update(_unrecorded(planned, of_runs))
    counts[NOT_RECORDED] += unrecorded.total()
    lines = _lines(rows) if keep_lines and rows.width else None
    trials = choose(rows, files, counts) if rows.width else rows
    excluded = {reason: count for reason, count in sorted(counts.items()) if count}
    if trials.is_empty():
        reasons = "; ".join(f"{count} x {reason}" for reason, count in excluded.items()) or "they are empty"
        raise AnalysisError(f"the results hold no finished trial ({reasons}); run the study into them first")
    table = with_token_rates(_with_maps(trials).drop(FASTEST).with_columns(trials[HOT_METRIC]))
    missing = dict(sorted(unrecorded.items()))
    return Tidy(table, excluded, tuple(notes), missing, lines, designs.titles, designs.kept)


def ordered_by_content(paths: Sequence[str | Path]) -> list[Path]:
    """Return the files in the order of their contents' digests, so that their given order does not matter.

    Raises:
        RecordError: A file cannot be read.
        AnalysisError: No file, or two with the same contents.
    """
    if not paths:
        raise AnalysisError("no results were given; name at least one results.jsonl")
    if len(paths) == 1:
        return [Path(paths[0])]  # reading a large file twice for an order of one is not worth it
    by_digest: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            with open_regular(path) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise RecordError(f"{path}: records cannot be read: {error.strerror}") from error
        if digest in by_digest:
            raise AnalysisError(f"{path}: holds the same records as {by_digest[digest]}; give each run once")
        by_digest[digest] = path
    return [by_digest[digest] for digest in sorted(by_digest)]


def _read(files: Sequence[Path], notes: list[str], copies: Copies | None, processes: int) -> pl.DataFrame:
    """Return every line of the files as a row, run by run (see `_in_table_order`), and note what reading reported."""
    scans = [scan(path) for path in files]
    cuts = [list(cut(found.path, found.whole_bytes)) for found in scans]
    sizes = [stretches[-1].end if stretches else 0 for stretches in cuts]
    frames: dict[int, pl.DataFrame] = {}
    for run, stretches in enumerate(cuts):
        rows = copies.find(sizes[run], partial(digests_of, stretches)) if copies else None
        if rows is not None:
            frames[run] = rows
    unread = [(run, stretch) for run, stretches in enumerate(cuts) if run not in frames for stretch in stretches]
    chunks: dict[int, list[Chunk]] = {}
    read = read_chunks([stretch for _, stretch in unread], processes)
    for (run, _), chunk in zip(unread, read, strict=True):
        chunks.setdefault(run, []).append(chunk)
    ignored = {run: sum((Counter(chunk.ignored) for chunk in held), Counter[str]()) for run, held in chunks.items()}
    for run in list(chunks):
        held = chunks.pop(run)
        digests = [chunk.digest for chunk in held]
        frame = pl.concat([chunk.frame for chunk in held], how="diagonal")
        del held  # what is put in order column by column must not be held twice
        frames[run] = with_choice(_in_table_order(frame), files[run])
        if copies and not ignored[run]:  # what was ignored is reported each time, and a copy does not have it
            copies.keep(frames[run], sizes[run], digests)
    for run, found in enumerate(scans):
        report_torn(found, notes.append)
        report_ignored(found.path, ignored.get(run, {}), notes.append)
    numbered = [frames[run].with_columns(pl.lit(run, pl.Int64()).alias("run")) for run in sorted(frames)]
    return pl.concat(numbered, how="diagonal") if numbered else pl.DataFrame()


def _in_table_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of one file as the table has them, and then those that are not final: few, or none.

    So rows are put in order once, before a copy is kept. Their first place in the file stays in `OFFSET`.
    """
    names = (FINAL, "position", "trial_id", OFFSET)
    keys = pl.DataFrame([rows[name].rechunk() for name in names])  # of hundreds of pieces, sorting is slow
    order = keys.select(pl.arg_sort_by(names, descending=[True, False, False, False])).to_series()
    return _taken(rows, order)


def _taken(rows: pl.DataFrame, order: pl.Series) -> pl.DataFrame:
    """Return rows in an order, and empty their table."""
    # A few columns after the other, by all cores: both tables as a whole would need twice the memory.
    columns: list[pl.Series] = []
    while names := rows.columns[:COLUMNS_AT_ONCE]:
        columns += pl.DataFrame([rows.drop_in_place(name) for name in names])[order].get_columns()
    return pl.DataFrame(columns)


@dataclass(frozen=True)
class _Designs:
    """The designs beside the files: the planned trials of each, with the runs beside it; the titles of all."""

    planned: list[tuple[list[int], PlannedTrials]]
    titles: Titles
    kept: Mapping[Path, PlannedTrials]


def _read_designs(files: Sequence[Path], notes: list[str], copies: Copies | None) -> _Designs:
    """Return what the designs beside the files say."""
    runs: dict[Path, list[int]] = {}
    for run, path in enumerate(files):
        runs.setdefault(path.with_name(DESIGN_NAME), []).append(run)
    found: list[tuple[list[int], PlannedTrials]] = []
    titles: list[Titles] = []
    kept: dict[Path, PlannedTrials] = {}
    for path, beside in runs.items():
        try:
            design = load_design(path, copies)
            titles.append(read_titles(design.rest))
        except FileNotFoundError:
            continue
        except OSError as error:
            notes.append(f"{path}: cannot be read ({error.strerror}), so trials without a record were not counted")
        except ValueError as error:
            notes.append(f"{path}: {error}, so trials without a record were not counted")
        else:
            found.append((beside, design))
            kept[path] = design
    return _Designs(found, merged(titles), kept)


def _unrecorded(design: PlannedTrials, rows: pl.DataFrame) -> Iterator[Owner]:
    """Yield what each planned trial without any record is of."""
    planned = design.trials
    if rows.width and rows["trial_id"].head(planned.height).equals(planned["trial_id"]):
        return  # most often the records have all of the plan, in its order
    columns: dict[str, Any] = {name: rows[name] if rows.width else [] for name in ("trial_id", "cell_id", *WHOSE)}
    recorded = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))
    lost = planned.join(recorded, on="trial_id", how="anti", maintain_order="left")
    if lost.is_empty():
        return
    owners = {cell: owner for cell, *owner in recorded.unique("cell_id").select("cell_id", *WHOSE).iter_rows()}
    owners |= {cell["cell_id"]: [cell[name] for name in WHOSE] for cell in design.rest.get("cells", ())}
    for cell_id, *texts in lost.select("cell_id", "mode", "role").iter_rows():
        mode, role = ("" if text in (None, NO_TEXT) else text for text in texts)
        workload, compiler = (name or "" for name in owners.get(cell_id, ("", "")))
        yield (workload, compiler, mode, role)


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    """Return which lines there are, in the order of the files."""
    order = rows.select(pl.arg_sort_by("run", OFFSET)).to_series()
    return rows.select("run", pl.col(FINAL).alias("final"), *LINE_COLUMNS)[order]


def _with_maps(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the table in its order of columns, with a column for each key of each map."""
    knobs, baseline = (rows[f"{SHARED_MAP}{prefix}"] for prefix in ("knob_", "baseline_"))
    is_baseline = ((knobs == baseline) & (baseline != "{}")).alias("is_baseline")
    columns = [rows["run"], is_baseline, *(rows[column.name] for column in COLUMNS)]
    known = {column.name for column in COLUMNS}
    for group in MAPS:
        if group.varies:
            names = [name for name in rows.columns if name.startswith(group.prefix) and name not in known]
            columns += [rows[name] for name in sorted(names)]
        else:
            columns += _map_columns(rows[SHARED_MAP + group.prefix], group, known)
    return pl.DataFrame(columns)


def _map_columns(texts: pl.Series, group: MapColumns, known: set[str]) -> list[pl.Series]:
    """Return the columns of a map: each distinct map is read once, and its values put into every row that has it.

    A key whose column would have the name of another one (a parameter ``count``, and the count of weights) gets an
    underscore behind it.
    """
    distinct = pl.DataFrame([texts.unique().alias("text")]).with_row_index("index")
    maps = [json.loads(text) for text in distinct["text"]]
    indices = pl.DataFrame([texts.alias("text")]).join(distinct, on="text", how="left", maintain_order="left")["index"]
    columns: dict[str, pl.Series] = {}
    for key in sorted({key for entry in maps for key in entry}):
        values = [entry.get(key) for entry in maps]
        kind = group.kind or _common_kind(values)
        if kind == "label":
            values = [None if value is None else str(value) for value in values]
        name = group.prefix + key
        while name in known or name in columns:
            name += "_"
        columns[name] = series(name, values, kind).gather(indices)
    return list(columns.values())


def _common_kind(values: Iterable[Any]) -> Kind:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "yes_no"
    if kinds == {int}:
        return "whole"
    return "real" if kinds and kinds <= {int, float} else "label"
