"""The set-up: machine, software, workloads with their sizes, knobs with the baseline, and how trials were run."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.groups import departures_of, knob_order
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import GENERAL, KILO, MEGA, WHOLE, Form, Number, byte_size
from ablatrix.paper.sentences.said import counted, scaled
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit

MACHINE = ("cpu", "isa", "cores", "memory_bytes", "os", "kernel", "container", "smt")
SOFTWARE = {"python": "Python", "torch": "PyTorch", "llvm": "LLVM", "cuda": "CUDA", "jax": "JAX", "jaxlib": "jaxlib"}
"""Names of software that is no compiler of the study; all else goes by the key of its version."""
WORKLOADS, KNOBS, SIZES, LEVELS = 4, 5, 6, 4
"""Workloads that are described one by one; knobs that are named; sizes of workloads, and levels of a knob, that are
listed. Of more, the numbers and the table."""


def machine(sources: Sources) -> Written:
    """The machines, as far as the records know them."""
    columns = [name for name in MACHINE if name in sources.trials.columns]
    held = sources.trials.select(ROW, *columns).partition_by(columns, as_dict=True)
    machines = [_machine(sources, part) for _, part in sorted(held.items(), key=str)]
    gpus = sorted(map(str, sources.trials["gpu_name"].drop_nulls().unique().to_list()))
    machines += [say("gpu", gpu=name) for name in gpus]
    yield Sentence("machine", say("setup/machine", machines=listed(machines, "clauses")))


def _machine(sources: Sources, part: pl.DataFrame) -> Fragment:
    facts = {name: part[name][0] for name in MACHINE if name in part.columns}
    key = "/".join(key_part(facts[name]) for name in ("cpu", "kernel", "container") if name in facts)
    memory = int(facts["memory_bytes"])
    kernel, system = str(facts.get("kernel")).split("-")[0], facts.get("os")
    return say(
        "setup/of_machine",
        cpu=str(facts["cpu"]),
        isa=say("setup/isa", isa=str(facts["isa"])) if facts.get("isa") else Name(""),
        cores=counted("setup/cores", sources.ledger.value(f"setup/cores/{key}/{facts['cores']}", part, "cores", WHOLE)),
        memory=_sized(sources.ledger.value(f"setup/memory/{key}/{memory}", part, "memory_bytes", byte_size(memory))),
        system=say("setup/system", os=str(system), kernel=kernel) if system else say("linux", kernel=kernel),
        container=_container(facts.get("container")),
        smt=Name("") if facts.get("smt") is None else say("setup/smt_on" if facts["smt"] else "setup/smt_off"),
    )


def _container(container: Any) -> Fragment:
    """Return in what the machine runs: records name a container, a hypervisor, or both with a comma between."""
    if not container:
        return Name("")
    is_both = ", " in str(container)
    return say("setup/container/both") if is_both else say("setup/container", container=str(container))


def _sized(number: Number) -> Fragment:
    return say("with_unit", number=number, unit=str(number.form.unit))


def software(sources: Sources) -> Written:
    """The versions of what compiles, runs and measures."""
    items: list[Fragment] = []
    compilers: list[Fragment] = []
    names = [name for name in sources.trials.columns if name.startswith("version_")]
    for key in sorted((name.removeprefix("version_") for name in names), key=_software_order):
        column = f"version_{key}"
        versions = sorted(map(str, sources.trials[column].drop_nulls().unique().to_list()))
        if versions:
            called: Fragment = Name(SOFTWARE[key]) if key in SOFTWARE else sources.compiler(key)
            group = compilers if key in sources.estimates.compilers else items
            group.append(say("setup/version", name=called, versions=listed(_short(key, one) for one in versions)))
    if compilers and items:
        said = say("setup/software/compilers", compilers=listed(compilers), versions=listed(items))
        yield Sentence("software", said)
    elif compilers or items:
        yield Sentence("software", say("setup/software", versions=listed(compilers or items)))
    else:
        yield LeftOut("software", say("lacks/versions"))


def _short(name: str, version: str) -> str:
    """Return a version without what a sentence has no room for: its own name, its packager, and the branch built."""
    own = version.removeprefix(f"{name} ")
    own = own if own == version else own.rsplit(" ", 1)[-1]
    return own.split("-")[0] if "/" in own else own


def _software_order(name: str) -> tuple[int, str]:
    """Return compilers first, then what they rest on, and what measured last."""
    order = [*reversed(SOFTWARE), "ablatrix"]
    return (order.index(name) + 1 if name in order else 0), name


def workloads(sources: Sources) -> Written:
    """The workloads with their sizes; of many, how many there are and how large they are."""
    units = list({(one.workload, one.digest): one for one in sources.estimates.units.values()}.values())
    if not units:
        yield LeftOut("workloads", say("lacks/measured"))
        return
    see = sources.see("setup", "sizes_in")
    held = [(unit, _rows(sources, unit)) for unit in units]
    if len(units) <= WORKLOADS:
        shown = sum(len(_size_columns(part)) for _, part in held)
        whole = shown <= SIZES or see == Name("")
        items = [_described(sources, unit, part, whole) for unit, part in held]
        phrase = "setup/workloads/one" if len(units) == 1 else "setup/workloads"
        yield Sentence("workloads", say(phrase, workloads=listed(items), see=Name("") if whole else see))
        return
    count = sources.ledger.distinct("workloads", sources.measured, "workload", "workload_digest")
    weights = [
        (_weights(sources, unit, part), unit) for unit, part in held if part["parameter_count"].null_count() == 0
    ]
    order = sorted(weights, key=lambda pair: pair[0].value)
    if not order or order[0][0].value == order[-1][0].value:
        yield Sentence("workloads", say("setup/count", count=count, see=see))
        return
    ends = {
        name: say("setup/weights_of", weights=scaled(number), workload=sources.workload(unit))
        for name, (number, unit) in (("least", order[0]), ("most", order[-1]))
    }
    yield Sentence("workloads", say("setup/many", count=count, see=see, **ends))


def _rows(sources: Sources, unit: Unit) -> pl.DataFrame:
    sizes = [name for name in sources.trials.columns if name.startswith("parameter_")]
    return sources.part(sources.of_workloads([(unit.workload, unit.digest)]), *sizes)


def _size_columns(part: pl.DataFrame) -> list[str]:
    """Return the columns of sizes in which the trials of a workload agree."""
    columns = [name for name in part.columns if name.startswith("parameter_") and name != "parameter_count"]
    return [name for name in columns if part[name].drop_nulls().n_unique() == 1]


def _described(sources: Sources, unit: Unit, part: pl.DataFrame, whole: bool) -> Fragment:
    """Return a workload with its weights, and with all its sizes if it is wanted whole."""
    sizes: list[Fragment] = []
    for column in _size_columns(part) if whole else ():
        values = part[column].drop_nulls().unique()
        name = column.removeprefix("parameter_")
        value: Fragment = Name(str(values[0]))
        if values.dtype.is_numeric():
            form = WHOLE if values.dtype.is_integer() else GENERAL
            value = sources.ledger.value(f"setup/{unit.workload_key}/{key_part(name)}", part, column, form)
        sizes.append(say("setup/size", name=name.replace("_", " "), value=value))
    if part["parameter_count"].null_count() == 0 and part["parameter_count"].n_unique() == 1:
        sizes.append(say("setup/weights", weights=scaled(_weights(sources, unit, part))))
    workload = sources.workload(unit)
    return say("setup/workload", workload=workload, sizes=listed(sizes, "items")) if sizes else workload


def _weights(sources: Sources, unit: Unit, part: pl.DataFrame) -> Number:
    count = int(part["parameter_count"].max())  # type: ignore[arg-type]
    size, unit_of = (MEGA, "M") if count >= MEGA else (KILO, "k") if count >= KILO else (1, None)
    form = WHOLE if unit_of is None else Form(".3g" if count / size < 999.5 else ".0f", float(size), unit_of)
    return sources.ledger.greatest(f"setup/{unit.workload_key}/weights", part, "parameter_count", form)


def knobs(sources: Sources) -> Written:
    """The knobs that vary, with their levels, the baseline's first."""
    levels = _levels(sources)
    if not levels:
        yield LeftOut("knobs", say("lacks/varied"))
        return
    bases = {knob: {unit.baseline[knob] for unit in _with_knob(sources, knob)} for knob in levels}
    agreed = all(len(held) == 1 for held in bases.values())
    compilers = listed(sources.compiler(name) for name in sources.estimates.compilers)
    phrase = "setup/knobs" if agreed else "setup/knobs_other"
    count = sources.ledger.constant("setup/knobs", len(levels), "knobs of the records with more than one level", WHOLE)
    if len(levels) > KNOBS:
        said = say("setup/many_knobs", count=count, compilers=compilers, see=sources.see("setup", "at_end"))
        yield Sentence("knobs", said)
        return
    items = listed(
        say("setup/knob", knob=sources.knob(knob), levels=_choice(sources, knob, _in_order(own, min(bases[knob]))))
        for knob, own in levels.items()
    )
    if len(levels) == 1:
        yield Sentence("knobs", say(f"{phrase}/one", compilers=compilers, knobs=items))
    else:
        yield Sentence("knobs", say(phrase, compilers=compilers, knobs=items, count=count))


def departures(sources: Sources) -> Written:
    """Where the baselines are not as their compilers ship."""
    baselines: dict[str, dict[str, str]] = {}
    for unit in sources.estimates.units.values():
        baselines.setdefault(unit.compiler, {}).update(unit.baseline)
    items: list[Fragment] = []
    for compiler, shipped in departures_of(sources.findings.trials).items():
        base = baselines.get(compiler, {})
        if not base or not shipped:
            continue
        apart = listed(
            say(
                "setup/departure",
                knob=sources.knob(knob),
                level=sources.level(knob, base[knob]),
                shipped=sources.level(knob, level),
            )
            for knob, level in shipped.items()
        )
        several = len(baselines) > 1
        called = sources.compiler(compiler)
        items.append(say("setup/departures_on", compiler=called, departures=apart) if several else apart)
    if items:
        yield Sentence("departures", say("setup/departures", departures=listed(items, "clauses")))


def _choice(sources: Sources, knob: str, levels: Sequence[str]) -> Fragment:
    """Return the levels of a knob, the baseline's first; of many, how many there are and the first and the last."""
    called = [sources.level(knob, at) for at in levels]
    if len(called) > LEVELS:
        count = sources.ledger.constant(f"setup/levels/{key_part(knob)}", len(called), f"levels of {knob}", WHOLE)
        return say("setup/levels", count=count, least=called[0], most=called[-1])
    return say("either", one=called[0], other=called[1]) if len(called) == 2 else listed(called, "items")


def _levels(sources: Sources) -> Mapping[str, Sequence[str]]:
    """Return the levels of each knob that varies on some compiler, in the order in which records have them."""
    found: dict[str, dict[str, None]] = {}
    order = [knob for knob in knob_order(sources.findings.trials) if f"knob_{knob}" in sources.trials.columns]
    measured = sources.trials.lazy().filter(pl.col("role") == "measured")
    seen = measured.select("compiler", *(f"knob_{knob}" for knob in order)).unique().collect()
    for knob in order:
        for compiler in sources.estimates.compilers:
            own = seen.filter(pl.col("compiler") == compiler)[f"knob_{knob}"].drop_nulls().unique().sort()
            if own.len() > 1:
                found.setdefault(knob, {}).update(dict.fromkeys(map(str, own.to_list())))
    return {knob: list(held) for knob, held in found.items()}


def _with_knob(sources: Sources, knob: str) -> list[Unit]:
    return [unit for unit in sources.estimates.units.values() if knob in unit.baseline]


def _in_order(levels: Sequence[str], base: str) -> list[str]:
    def rank(level: str) -> tuple[bool, float, str]:
        return level != base, float(level) if level.isdigit() else 0.0, level

    return sorted(levels, key=rank)


def trials(sources: Sources) -> Written:
    """How trials are isolated and repeated: processes, blocks, rounds, order, layout, threads."""
    ledger = sources.ledger
    parts: list[Fragment] = []
    for mode in ("cold", "hot"):
        counts = [
            ledger.distinct(f"setup/blocks/{mode}/{unit.key}", unit.ok[mode], "run", "block_id")
            for unit in sources.estimates.units.values()
            if mode in unit.ok
        ]
        if not counts:
            continue
        slots: dict[str, Fragment] = {"blocks": span(sources, f"setup/blocks/{mode}", counts)}
        if mode == "hot":
            hot = sources.ok("hot", "measured", "bursts", "layout_sampling")
            slots |= {"rounds": _rounds(sources, hot), "layout": _layout(hot)}
            slots |= {"each": _each(sources), "sides": _sides(sources)}
        if all(one.value == 1 for one in counts):
            del slots["blocks"]
            parts.append(say(f"setup/trials/{mode}/one", **slots))
        else:
            parts.append(say(f"setup/trials/{mode}", **slots))
    if not parts:
        yield LeftOut("trials", say("lacks/ok"))
        return
    yield Sentence("trials", say("setup/trials", modes=listed(parts, "sentences"), threads=_threads(sources)))


def _each(sources: Sources) -> Fragment:
    """Return what has blocks of its own; nothing where there is one workload on one compiler."""
    if len(sources.estimates.units) == 1:
        return Name("")
    return say("setup/each/workload" if len(sources.estimates.compilers) == 1 else "setup/each/compiler")


def _sides(sources: Sources) -> Fragment:
    """Return what takes turns in a hot block, as far as it was ever there."""
    there = set(sources.part(pl.col("mode") == "hot", "role")["role"].unique().to_list())
    sides: dict[str, Fragment] = {
        "measured": say("setup/side/measured"),
        "reference": sources.eager(),
        "twin": say("setup/side/twin"),
    }
    return listed(side for role, side in sides.items() if role in there)


def _rounds(sources: Sources, hot: pl.DataFrame) -> Fragment:
    known = hot.filter(pl.col("bursts").is_not_null())
    if known.is_empty() or known["bursts"].n_unique() > 1:
        return Name("")
    return say("setup/rounds", rounds=sources.ledger.value("setup/rounds", known, "bursts", WHOLE))


def _layout(hot: pl.DataFrame) -> Fragment:
    """Say what of the address-space layout was drawn anew, where all trials agree and it was anything."""
    samplings = hot["layout_sampling"].unique().to_list()
    if len(samplings) != 1 or samplings[0] in (None, "run"):
        return Name("")
    return say(f"layout/{samplings[0]}")


def _threads(sources: Sources) -> Fragment:
    """Return how many threads runs had, as read back: one number where all libraries agree."""
    held: dict[int, list[pl.DataFrame]] = {}
    columns = [name for name in sources.trials.columns if name.startswith("threads_")]
    libraries: list[Fragment] = []
    for column in columns:
        reported = sources.part(pl.col(column).is_not_null(), column)
        numbers = []
        for (value,), part in sorted(reported.partition_by(column, as_dict=True).items()):
            library = column.removeprefix("threads_")
            numbers.append(sources.ledger.value(f"setup/threads/{key_part(library)}/{value}", part, column, WHOLE))
            held.setdefault(int(value), []).append(part)
        if numbers:
            name = column.removeprefix("threads_")
            called: Fragment = Name(SOFTWARE[name]) if name in SOFTWARE else sources.compiler(name)
            libraries.append(say("threads_of", library=called, threads=listed(numbers)))
    if not libraries:
        return Name("")
    if len(held) == 1:
        value = next(iter(held))
        first = next(name for name in columns if sources.trials[name].drop_nulls().len())
        part = sources.part(pl.col(first).is_not_null(), first)
        if value == 1:
            return say("threads/one")
        return say("threads", threads=sources.ledger.value(f"setup/threads/{value}", part, first, WHOLE))
    return say("threads_by_library", threads=listed(libraries))


def span(sources: Sources, key: str, numbers: Sequence[Number]) -> Fragment:
    """Return the smallest and the largest of numbers: one number if they are equal, and neighbours as a choice."""
    least = sources.ledger.minimum_of(f"{key}/least", numbers)
    most = sources.ledger.greatest_of(f"{key}/most", numbers)
    if most.value - least.value == 1.0:
        return say("either", one=least, other=most)
    return least if least.value == most.value else say("from_to", least=least, most=most)


SETUP: tuple[Writes, ...] = (machine, software, workloads, knobs, departures, trials)
