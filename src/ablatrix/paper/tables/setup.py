"""The table of the set-up: machine, versions, sizes, baseline and knobs, as the records hold them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from ablatrix.analysis.effects import MOST_CHANGES
from ablatrix.analysis.groups import knob_order, numbered, sort_key
from ablatrix.paper.sentences.setup import SOFTWARE
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.spec import SetupTableSpec
from ablatrix.paper.template.words import Words, words_in
from ablatrix.plotting.labels import ENGLISH, Labels

_GIB = 2.0**30
_LINE = 70  # characters of a line that fit beside the first column
Fact = tuple[str, str]


def setup_table(sources: TableSources, spec: SetupTableSpec) -> PrintedTable:
    """Return the table: a row a fact."""
    labels, trials = sources.labels, sources.findings.trials
    printed = list(_facts(trials, spec.knobs, labels))
    named = printed if labels == ENGLISH else list(_facts(trials, spec.knobs, ENGLISH))
    rows: list[tuple[Cell, ...]] = [
        tuple(both(labels, partial(_either, name, text)) for name, text in zip(*pair, strict=True))
        for pair in zip(named, printed, strict=True)
    ]
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=(sources.word("fact"), sources.word("value")),
        is_number=(False, False),
        cells=tuple(rows),
        breaks={0: 26, 1: _LINE},
        labels=labels,
    )


def _either(name: str, text: str, labels: Labels) -> str:
    return name if labels == ENGLISH else text


def _facts(trials: pl.DataFrame, knobs: Mapping[str, Words], labels: Labels) -> Iterator[Fact]:
    yield from _machine(trials, labels)
    yield from _software(trials, labels)
    yield from _study(trials, labels)
    yield from _knobs(trials, knobs, labels)
    yield labels("protocol"), _repeats(trials, labels)


def _machine(trials: pl.DataFrame, labels: Labels) -> Iterator[Fact]:
    machines = trials.select("cpu", "cores").unique().sort("cpu", "cores").rows()
    texts = [labels("cores_of", cpu=cpu or NOTHING, cores=cores or NOTHING) for cpu, cores in machines]
    yield labels("processor"), labels("semicolon").join(texts)
    if isa := _distinct(trials, "isa"):
        yield labels("isa"), labels("semicolon").join(isa)
    if gpus := _distinct(trials, "gpu_name"):
        yield labels("gpu"), labels("semicolon").join(gpus)
    if sizes := [float(size) for size in _distinct(trials, "memory_bytes")]:
        yield labels("memory"), labels("semicolon").join(f"{size / _GIB:.3g} GiB" for size in sizes)
    system = [*_distinct(trials, "os"), *(labels("kernel", kernel=one) for one in _distinct(trials, "kernel"))]
    system += [labels("in_container", container=one) for one in _distinct(trials, "container")]
    if system:
        yield labels("system"), labels("comma").join(system)
    clock = [labels("governor", governor=one) for one in _distinct(trials, "governor")]
    for name in ("turbo", "smt"):
        clock += [labels(name, state=labels("on" if one == "true" else "off")) for one in _distinct(trials, name)]
    if clock:
        yield labels("frequency"), labels("comma").join(clock)


def _software(trials: pl.DataFrame, labels: Labels) -> Iterator[Fact]:
    for fact, prefix in (("versions", "version_"), ("threads", "threads_")):
        texts = [
            f"{_called(name.removeprefix(prefix), labels)} {' / '.join(_distinct(trials, name))}"
            for name in trials.columns
            if name.startswith(prefix) and _distinct(trials, name)
        ]
        if texts:
            yield labels(fact), labels("comma").join(texts)


def _called(name: str, labels: Labels) -> str:
    """Return what a compiler, or what it rests on, is called; data files have its name."""
    return name if labels == ENGLISH else SOFTWARE.get(name) or labels.compiler(name)


def _study(trials: pl.DataFrame, labels: Labels) -> Iterator[Fact]:
    parameters = [name for name in trials.columns if name.startswith("parameter_") and name != "parameter_count"]
    levels = [name for name in trials.columns if name.startswith(("knob_", "baseline_"))]
    by_workload = _each(_measured(trials, "workload", "workload_dtype", "float_distance", *parameters))
    for workload in _distinct(by_workload, "workload"):
        own = by_workload.filter(pl.col("workload") == workload)
        sizes = [
            f"{name.removeprefix('parameter_')}={' / '.join(_distinct(own, name))}"
            for name in parameters
            if name != "parameter_dtype" and _distinct(own, name)
        ]
        types = _distinct(own, "workload_dtype")
        if set(types) - {"float32"}:
            sizes.append(f"dtype={' / '.join(types)}")
        far = own["float_distance"].max()
        if isinstance(far, float):
            sizes.append(labels("float_distance", percent=f"{100 * far:.2g}"))
        if sizes:
            yield labels("sizes", workload=labels.workload(workload)), labels("comma").join(sizes)
    by_compiler = _each(_measured(trials, "compiler", *levels))
    for compiler in _distinct(by_compiler, "compiler"):
        own = by_compiler.filter(pl.col("compiler") == compiler)
        levels = [
            f"{labels.knob(knob)}={' / '.join(labels.level(knob, at) for at in _distinct(own, f'baseline_{knob}'))}"
            for knob in knob_order(trials)
            if _distinct(own, f"baseline_{knob}") and len(_distinct(own, f"knob_{knob}")) > 1
        ]
        yield labels("baseline_of", compiler=labels.compiler(compiler)), labels("comma").join(levels) or NOTHING


def _knobs(trials: pl.DataFrame, words: Mapping[str, Words], labels: Labels) -> Iterator[Fact]:
    """Yield what each knob is called in sentences, by its name, and what it does, with its levels."""
    described = list(_described(trials, words, labels))
    if len(described) <= MOST_CHANGES:
        yield from ((labels("knob_of", knob=knob), text) for knob, text in described)
        return
    # Of more, those of which the same is said share a row: the same ones in each language.
    alike: dict[str, list[tuple[str, str]]] = {}
    for (_, said), own in zip(_described(trials, words, ENGLISH), described, strict=True):
        alike.setdefault(said, []).append(own)
    for held in alike.values():
        knobs, text = labels("comma").join(knob for knob, _ in held), held[0][1]
        if len(held) == 1:
            yield labels("knob_of", knob=knobs), text
        else:
            yield labels("knobs_alike", count=len(held)), labels("described", what=text, words=knobs)


def _described(trials: pl.DataFrame, words: Mapping[str, Words], labels: Labels) -> Iterator[tuple[str, str]]:
    """Yield each knob that varies with what is said of it."""
    levels = [name for name in trials.columns if name.startswith(("knob_", "baseline_"))]
    measured = _measured(trials, *levels)
    for knob in knob_order(trials):
        bases = _distinct(measured, f"baseline_{knob}")
        found = sorted(_distinct(measured, f"knob_{knob}"), key=lambda level: level not in bases)
        if len(found) > 1:
            title = labels.titles.knob(knob, labels.language)
            named = "" if title == labels.knob(knob) == knob else _with_name(title, knob, labels)
            does = words_in(words[knob], labels.code) if knob in words else _summary(knob, labels)
            said = labels("described", what=named, words=does) if named and does else named or does
            levels = [_with_name(labels.level(knob, level), level, labels) for level in found]
            texts = [*([said] if said else []), labels("levels", levels=labels("comma").join(levels))]
            yield labels.knob(knob), labels("semicolon").join(texts)


def _with_name(title: str, name: str, labels: Labels) -> str:
    return name if title == name else labels("knob_said", words=title, name=name)


def _summary(knob: str, labels: Labels) -> str:
    """Return what a compiler says that a knob does; it is in English."""
    held = [knobs[knob] for knobs in labels.titles.knob_summaries.values() if knobs.get(knob)]
    return held[0][0].lower() + held[0][1:].rstrip(".") if held and labels.code == "en" else ""


def _repeats(trials: pl.DataFrame, labels: Labels) -> str:
    measured = _measured(trials, "mode", "run", "block_id")
    blocks = [
        labels(f"{mode}_blocks", count=own.select("run", "block_id").n_unique())
        for mode in ("cold", "hot")
        if (own := measured.filter(pl.col("mode") == mode)).height
    ]
    return labels("comma").join(blocks) or NOTHING


def _measured(trials: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return some columns of the measured trials: of a million trials, each copy of all columns takes a second."""
    return trials.lazy().filter(pl.col("role") == "measured").select(columns).collect()


def _each(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct rows: what is asked of each workload and compiler, a million trials need not answer."""
    return trials[numbered(trials, trials.columns).first]


def _distinct(trials: pl.DataFrame, column: str) -> Sequence[str]:
    """Return the values of a column as text, each once, sorted; none where the records lack it."""
    if column not in trials.columns:
        return ()
    values: list[Any] = trials[column].drop_nulls().unique().cast(pl.String).to_list()
    return sorted(values, key=sort_key)
