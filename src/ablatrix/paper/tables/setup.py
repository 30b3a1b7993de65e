"""The table of the set-up: machine, versions, sizes, baseline and knobs, as the records hold them."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.groups import knob_order, sort_key
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.template.spec import SetupTableSpec
from ablatrix.paper.template.words import words_in

_GIB = 2.0**30
_LINE = 70  # characters of a line that fit beside the first column
Fact = tuple[str, str]


def setup_table(sources: TableSources, spec: SetupTableSpec) -> PrintedTable:
    """Return the table: a row a fact."""
    labels, trials = sources.labels, sources.findings.trials
    rows = [*_machine(sources, trials), *_software(sources, trials), *_study(sources, trials, spec)]
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        headings=(labels("fact"), labels("value")),
        is_number=(False, False),
        rows=tuple(rows),
        breaks={0: 26, 1: _LINE},
        labels=labels,
    )


def _machine(sources: TableSources, trials: pl.DataFrame) -> Iterator[Fact]:
    labels = sources.labels
    machines = trials.select("cpu", "cores").unique().sort("cpu", "cores").rows()
    texts = [labels("cores_of", cpu=cpu or NOTHING, cores=cores or NOTHING) for cpu, cores in machines]
    yield labels("processor"), "; ".join(texts)
    if gpus := _distinct(trials, "gpu_name"):
        yield labels("gpu"), "; ".join(gpus)
    if sizes := [float(size) for size in _distinct(trials, "memory_bytes")]:
        yield labels("memory"), "; ".join(f"{size / _GIB:.3g} GiB" for size in sizes)
    system = list(_distinct(trials, "kernel"))
    system += [labels("in_container", container=one) for one in _distinct(trials, "container")]
    if system:
        yield labels("system"), ", ".join(system)
    clock = [labels("governor", governor=one) for one in _distinct(trials, "governor")]
    for name in ("turbo", "smt"):
        clock += [labels(name, state=labels("on" if one == "true" else "off")) for one in _distinct(trials, name)]
    if clock:
        yield labels("frequency"), ", ".join(clock)


def _software(sources: TableSources, trials: pl.DataFrame) -> Iterator[Fact]:
    versions = [
        f"{name.removeprefix('version_')} {' / '.join(_distinct(trials, name))}"
        for name in trials.columns
        if name.startswith("version_") and _distinct(trials, name)
    ]
    if versions:
        yield sources.labels("versions"), ", ".join(versions)
    threads = [
        f"{name.removeprefix('threads_')} {' / '.join(_distinct(trials, name))}"
        for name in trials.columns
        if name.startswith("threads_") and _distinct(trials, name)
    ]
    if threads:
        yield sources.labels("threads"), ", ".join(threads)


def _study(sources: TableSources, trials: pl.DataFrame, spec: SetupTableSpec) -> Iterator[Fact]:
    labels = sources.labels
    parameters = [name for name in trials.columns if name.startswith("parameter_") and name != "parameter_count"]
    levels = [name for name in trials.columns if name.startswith(("knob_", "baseline_"))]
    read = ("workload", "compiler", "mode", "run", "block_id", *parameters, *levels)
    measured = trials.lazy().filter(pl.col("role") == "measured").select(read).collect()  # lazy: else all are copied
    for workload in _distinct(measured, "workload"):
        own = measured.filter(pl.col("workload") == workload)
        sizes = [
            f"{name.removeprefix('parameter_')}={' / '.join(_distinct(own, name))}"
            for name in parameters
            if _distinct(own, name)
        ]
        if sizes:
            yield labels("sizes", workload=workload), ", ".join(sizes)
    order = knob_order(trials)
    compilers = _distinct(measured, "compiler")
    for compiler in compilers:
        own = measured.filter(pl.col("compiler") == compiler)
        levels = [
            f"{knob}={' / '.join(_distinct(own, f'baseline_{knob}'))}"
            for knob in order
            if _distinct(own, f"baseline_{knob}") and len(_distinct(own, f"knob_{knob}")) > 1
        ]
        yield labels("baseline_of", compiler=compiler), ", ".join(levels) or NOTHING
    for knob in order:
        bases = _distinct(measured, f"baseline_{knob}")
        found = sorted(_distinct(measured, f"knob_{knob}"), key=lambda level: level not in bases)
        if len(found) > 1:
            words = [words_in(spec.knobs[knob], labels.code)] if knob in spec.knobs else []
            yield labels("knob_of", knob=knob), "; ".join([*words, labels("levels", levels=", ".join(found))])
    blocks = [
        labels(f"{mode}_blocks", count=own.select("run", "block_id").n_unique())
        for mode in ("cold", "hot")
        if (own := measured.filter(pl.col("mode") == mode)).height
    ]
    yield labels("protocol"), ", ".join(blocks) or NOTHING


def _distinct(trials: pl.DataFrame, column: str) -> Sequence[str]:
    """Return the values of a column as text, each once, sorted; none where the records lack it."""
    if column not in trials.columns:
        return ()
    values: list[Any] = trials[column].drop_nulls().unique().cast(pl.String).to_list()
    return sorted(values, key=sort_key)
