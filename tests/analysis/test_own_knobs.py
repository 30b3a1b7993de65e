"""Records of a program with knobs of its own: what is primary there follows from the stage of its baseline."""

import pytest

from ablatrix.analysis.effects.estimates import main_effects
from ablatrix.analysis.groups import primary_knobs
from ablatrix.analysis.groups.ordering import PRIMARY_KNOBS
from ablatrix.analysis.runs.primary_matrix import primary_matrices
from ablatrix.analysis.runs.stability import find_stability
from ablatrix.records.model import Record
from tests.analysis.made import table
from tests.synthetic import make_records

OWN = {"partition": "level", "reuse": "vectorize", "memory_plan": "unroll", "fusion": "fast_math"}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return make_records(workloads=["encoder"], blocks=3)


def renamed(record: Record) -> Record:
    """Return a record of a compiler that has other names for its knobs."""

    def named(knobs: object) -> dict[str, object]:
        assert isinstance(knobs, dict)
        return {OWN.get(knob, f"own_{knob}"): level for knob, level in knobs.items()}

    config = record.config
    name = config.compiler if config.compiler == "eager" else "gcc"
    changed = {"knobs": named(config.knobs), "baseline": named(config.baseline), "compiler": name}
    return record.model_copy(update={"config": config.model_copy(update=changed)})


def test_own_knobs_varying_in_baseline_stage_are_primary(records: list[Record]) -> None:
    assert primary_knobs(table(records)) == {"tvm": PRIMARY_KNOBS}
    assert primary_knobs(table([renamed(one) for one in records])) == {"gcc": tuple(sorted(OWN.values()))}


def test_own_knobs_under_other_names_give_same_results(records: list[Record]) -> None:
    before, after = table(records), table([renamed(one) for one in records])
    wholes = [[(one.mode, one.whole, one.gaps) for one in primary_matrices(trials)] for trials in (before, after)]
    assert wholes[0] == wholes[1] == [("cold", 16, ()), ("hot", 16, ())]
    widths = [
        [sorted(effect.half_width or 0.0 for effect in one.effects) for one in find_stability(trials)]
        for trials in (before, after)
    ]
    for old_widths, new_widths in zip(*widths, strict=True):
        assert len(new_widths) == 4
        assert new_widths == pytest.approx(old_widths)
    (old,) = main_effects(before, "run_ms_paired", "hot", ["fusion"])
    (new,) = main_effects(after, "run_ms_paired", "hot", ["fast_math"])
    assert new.logs == pytest.approx(old.logs)
