"""Records of studies at the ends of what a study can be: what every part of the page must survive."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from ablatrix.canonical import content_id, digest_value
from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.workloads.shipped import SHIPPED
from tests.made_study import Truth, write_results
from tests.synthetic import broken, make_records
from tests.with_builds import only_memory_and_fusion

LONG = "a_workload_whose_name_has_40_characters_"
LONG_KNOB = "a_knob_with_a_name_of_forty_characters_"
ALL_KNOBS = tuple(f"knob_number_{number}" for number in range(12))


def many_workloads(count: int = 25, growth: float = 1.3) -> list[Record]:
    """A small study of one workload, under this many names, each slower than the one before by this factor."""
    held = [one for one in make_records(workloads=["attention"], blocks=2) if one.role != "primer"]
    return [_renamed(one, f"workload-{number:02d}", growth**number) for number in range(count) for one in held]


def long_names() -> list[Record]:
    """Workloads with names of 40 characters."""
    names = {"attention": f"{LONG}a"[-40:], "encoder": f"{LONG}b"[-40:]}
    return [_renamed(one, names[one.workload.name]) for one in make_records(blocks=2)]


def only_failures() -> list[Record]:
    """No trial is ok."""
    return [broken(one, "crashed") for one in make_records(blocks=2)]


def one_workload() -> list[Record]:
    return make_records(workloads=["encoder"], blocks=3)


def one_block() -> list[Record]:
    return make_records(blocks=1)


def many_knobs(directory: Path, knobs: tuple[str, ...] = ALL_KNOBS) -> list[Record]:
    """Each of many knobs moved alone, four of them also together."""
    entry = CompilerEntry(
        name="a_compiler_with_a_name_of_40_characters_",
        summary="Mine.",
        modules=(),
        extra="",
        adapter="a:B",
        knobs=tuple(
            KnobEntry(
                name=name,
                kind="primary",
                summary="A knob.",
                levels=(LevelEntry("off", "Off."), LevelEntry("on", "On.")),
                default="off",
                affects="code",
            )
            for name in knobs
        ),
    )
    catalogue = Catalogue(
        Entries(COMPILER_FAMILY, {one.name: one for one in (EAGER, entry)}, {}),
        Entries(WORKLOAD_FAMILY, dict(SHIPPED), {}),
    )
    study = {
        "name": "many-knobs",
        "workloads": ["mlp", "attention", "convolution"],
        "compilers": [entry.name],
        "modes": ["cold", "hot"],
        "stages": [
            {"name": "together", "factorial": {name: ["off", "on"] for name in knobs[:4]}},
            {"name": "each", "around": {}, "vary": {name: ["off", "on"] for name in knobs[4:]}},
        ],
        "protocol": {"cold": {"replicates": 3}, "hot": {"blocks": 3, "max_blocks": 4}},
    }
    truth = Truth({(name, "on"): 1.0 - 0.02 * index for index, name in enumerate(knobs)}, frozenset(knobs), noise=0.004)
    made = write_results(random.Random(1), resolve_study(Study.model_validate(study), catalogue), directory, truth)
    return list(read_records(made.results / "results.jsonl"))


SHAPES: Mapping[str, Callable[[Path], list[Record]]] = {
    "12 knobs": many_knobs,
    "25 workloads": lambda _: only_memory_and_fusion(many_workloads()),
    "one workload": lambda _: one_workload(),
    "one block": lambda _: one_block(),
    "long names": lambda _: long_names(),
    "only failures": lambda _: only_failures(),
    "25 workloads, 4 knobs": lambda _: many_workloads(),
}
IN_LONG = "25 workloads, 4 knobs"
"""This one is looked at by the long form alone."""


def _renamed(record: Record, name: str, factor: float = 1.0) -> Record:
    """Return the record as one of another workload, with times that are longer by a factor."""
    ids = {
        field: content_id([getattr(record, field), name]) for field in ("record_id", "trial_id", "cell_id", "block_id")
    }
    digest = digest_value([record.workload.digest, name])
    workload = record.workload.model_copy(update={"name": name, "digest": digest})
    runtime = record.runtime
    if runtime is not None:
        times = {
            field: value * factor
            for field, value in runtime
            if field.endswith(("_ms", "_ms_cold")) or field.startswith("run_ms_")
            if isinstance(value, float)
        }
        runtime = runtime.model_copy(update=times)
    return record.model_copy(update={**ids, "workload": workload, "runtime": runtime})
