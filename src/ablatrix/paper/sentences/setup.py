"""The set-up: machine, software, workloads with their sizes, knobs with the baseline, and how trials were run."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.effects import MAIN
from ablatrix.analysis.groups import has_control_of_each_build
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import GENERAL, KILO, MEGA, WHOLE, Form, Number, byte_size
from ablatrix.paper.sentences.knobs import departures, knobs
from ablatrix.paper.sentences.said import block_counts, counted, scaled, span
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit

MACHINE = ("cpu", "isa", "cores", "memory_bytes", "os", "kernel", "container", "smt")
SOFTWARE = {
    "python": "Python", "torch": "PyTorch", "llvm": "LLVM", "cuda": "CUDA", "jax": "JAX", "jaxlib": "jaxlib",
    "onnxscript": "ONNX Script", "onnx": "ONNX", "g++": "GCC",
}  # fmt: skip
"""Names of software that is no compiler of the study; all else goes by the key of its version."""
CARRIERS: Mapping[str, tuple[str, str]] = {"inductor": ("TorchInductor", "torch"), "xla": ("XLA", "jaxlib")}
"""Compilers that are part of other software: what they are called there, and the key of its version."""
SMALL = 10 * MEGA
"""Parameters up to which models are called small."""
WORKLOADS, SIZES = 4, 6
"""Workloads that are described one by one; sizes of workloads that are listed. Of more, the numbers and the table."""


def machine(sources: Sources) -> Written:
    """The machines, as far as the records know them."""
    columns = [name for name in MACHINE if name in sources.trials.columns]
    held = sources.trials.select(ROW, *columns).partition_by(columns, as_dict=True)
    parts = [part for _, part in sorted(held.items(), key=str)]
    keys = [_machine_key(part) for part in parts]
    # Machines may differ in what is in no key (instructions, system, threads of a core).
    unique = [key if keys.count(key) == 1 else f"{key}/{number}" for number, key in enumerate(keys)]
    machines = [_machine(sources, part, key) for part, key in zip(parts, unique, strict=True)]
    gpus = sorted(map(str, sources.trials["gpu_name"].drop_nulls().unique().to_list()))
    machines += [say("gpu", gpu=name) for name in gpus]
    yield Sentence("machine", say("setup/machine", machines=listed(machines, "clauses")))


def _machine_key(part: pl.DataFrame) -> str:
    return "/".join(key_part(part[name][0]) for name in ("cpu", "kernel", "container") if name in part.columns)


def _machine(sources: Sources, part: pl.DataFrame, key: str) -> Fragment:
    facts = {name: part[name][0] for name in MACHINE if name in part.columns}
    memory = int(facts["memory_bytes"])
    kernel, system = str(facts.get("kernel")).split("-")[0], facts.get("os")
    return say(
        "setup/of_machine",
        cpu=str(facts["cpu"]),
        isa=say("setup/isa", isa=listed(str(facts["isa"]).split(", "), "facts")) if facts.get("isa") else Name(""),
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
    """The compilers, each with the version of its own or of what it is part of; and what else is in use."""
    versions: dict[str, Fragment] = {}
    names = [name for name in sources.trials.columns if name.startswith("version_")]
    for key in sorted((name.removeprefix("version_") for name in names), key=_software_order):
        held = sorted(map(str, sources.trials[f"version_{key}"].drop_nulls().unique().to_list()))
        if held:
            versions[key] = listed(_short(key, one) for one in held)
    if not versions:
        yield LeftOut("software", say("lacks/versions"))
        return
    order = sorted(sources.estimates.compilers, key=lambda name: sources.compiler(name).texts["en"].lower())
    compilers = listed(_with_version(sources, name, versions) for name in order)
    named = {*sources.estimates.compilers, *(CARRIERS[name][1] for name in order if name in CARRIERS)}
    items = [_version(sources, key, held) for key, held in versions.items() if key not in named]
    if items:
        yield Sentence("software", say("setup/software/compilers", compilers=compilers, versions=listed(items)))
    else:
        yield Sentence("software", say("setup/software", compilers=compilers))


def _with_version(sources: Sources, name: str, versions: Mapping[str, Fragment]) -> Fragment:
    """Return a compiler with its version; one of other software with that, and with what it is called there."""
    called = sources.compiler(name)
    if name in versions:
        return say("setup/version", name=called, versions=versions[name])
    official, carrier = CARRIERS.get(name, ("", ""))
    if carrier not in versions:
        return called
    of = _version(sources, carrier, versions[carrier])
    if official.endswith(called.texts["en"]):
        return say("setup/compiler_of", name=called, carrier=of)
    return say("setup/compiler_of/called", name=called, official=official, carrier=of)


def _version(sources: Sources, key: str, versions: Fragment) -> Fragment:
    name: Fragment = Name(SOFTWARE[key]) if key in SOFTWARE else sources.compiler(key)
    return say("setup/version", name=name, versions=versions)


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
        form = "/one" if len(units) == 1 else ""
        small = say(f"setup/small{form}") if _are_small([part for _, part in held]) else Name("")
        slots = {"small": small, "workloads": listed(items), "see": Name("") if whole else see}
        yield Sentence("workloads", say(f"setup/workloads{form}", **slots))
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
    phrase = "setup/many/small" if _are_small([part for _, part in held]) else "setup/many"
    yield Sentence("workloads", say(phrase, count=count, see=see, **ends))


def _are_small(parts: Sequence[pl.DataFrame]) -> bool:
    """Return whether each workload is known to be far smaller than what its name may make a reader think of."""
    weights = [part["parameter_count"].max() for part in parts]
    return all(isinstance(one, int) and one <= SMALL for one in weights)


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
    return say("setup/workload", workload=workload, sizes=listed(sizes, "facts")) if sizes else workload


def _weights(sources: Sources, unit: Unit, part: pl.DataFrame) -> Number:
    count = int(part["parameter_count"].max())  # type: ignore[arg-type]
    size, unit_of = (MEGA, "M") if count >= MEGA else (KILO, "k") if count >= KILO else (1, None)
    form = WHOLE if unit_of is None else Form(".3g" if count / size < 999.5 else ".0f", float(size), unit_of)
    return sources.ledger.greatest(f"setup/{unit.workload_key}/weights", part, "parameter_count", form)


def trials(sources: Sources) -> Written:
    """How trials are isolated and repeated: processes, blocks, rounds, order, layout, threads."""
    parts: list[Fragment] = []
    for mode in ("cold", "hot"):
        counts = block_counts(sources, mode)
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


def hosts(sources: Sources) -> Written:
    """That trials ran on several hosts, what repeats then, and which effects differ between hosts."""
    if not sources.findings.hosts:
        return
    column = "host_id" if sources.trials["host_id"].null_count() == 0 else "host"
    count = sources.ledger.distinct("setup/hosts", sources.part(pl.col(column).is_not_null(), column), column)
    held = [one for evidence in sources.findings.evidence for one in evidence.on_hosts if one[0].kind in MAIN]
    differing = dict.fromkeys(str(effect.knob) for effect, _, judgement in held if judgement.differs)
    tested = any(on.is_tested for _, on, _ in held)
    named = listed(map(sources.knob, differing))
    outcome = say("hosts/differ", knobs=named) if differing else say("hosts/alike" if tested else "hosts/untested")
    yield Sentence("hosts", say("setup/hosts", count=count, outcome=outcome))


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
        "twin": say("setup/side/twins" if has_control_of_each_build(sources.trials) else "setup/side/twin"),
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


SETUP: tuple[Writes, ...] = (machine, software, workloads, knobs, departures, trials, hosts)
