import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ablatrix.catalogue import WORKLOAD_FAMILY, installed_catalogue
from ablatrix.errors import WorkloadError
from ablatrix.records.workload import InputFacts
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.parameters import (
    build_workload,
    check_parameters,
)
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.shipped import SHIPPED, get_shipped

EXAMPLE = Path(__file__).parents[2] / "examples" / "workload"


def test_shipped_workloads_cover_tiers() -> None:
    tiers = {entry.tier for entry in SHIPPED.values()}
    assert tiers == {"tiny", "medium", "hard"}


def test_defaults_are_filled_in_and_fit_their_own_rules() -> None:
    for entry in SHIPPED.values():
        assert list(check_parameters(entry, {})) == [
            name for name, spec in entry.parameters.items() if not (spec.optional or spec.beside)
        ]
    assert check_parameters(SHIPPED["encoder"], {"layers": 2})["layers"] == 2


def test_unknown_workload_is_refused_with_known_ones() -> None:
    with pytest.raises(WorkloadError, match=r"no workload 'bert'; there are: mlp, .*encoder"):
        get_shipped("bert")
    with pytest.raises(WorkloadError, match=r"no workload 'bert'; there are: mlp, .*encoder"):
        installed_catalogue().workload("bert")


def test_unknown_parameter_is_refused_with_known_ones() -> None:
    with pytest.raises(WorkloadError, match=r"'mlp' has no parameter 'depth'; it has: layers, hidden, .*batch"):
        check_parameters(SHIPPED["mlp"], {"depth": 2})


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("mlp", {"layers": 0}, "layers >= 1 must hold, but got layers=0"),
        ("mlp", {"layers": 1.5}, "'layers' must be a whole number, but got 1.5"),
        ("mlp", {"layers": True}, "'layers' must be a whole number, but got True"),
        ("encoder", {"hidden": 10}, "hidden must be a multiple of heads, but got hidden=10, heads=4"),
        ("decoder", {"tokens": 300}, "tokens_bound >= tokens must hold, but got tokens_bound=128, tokens=300"),
        ("resnet", {"layers": 18}, r"'layers' must be one of \(14, 26, 50, 101\), but got 18"),
    ],
)
def test_size_that_breaks_rule_is_refused(name: str, given: dict[str, int], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        check_parameters(SHIPPED[name], given)


def test_parameters_with_several_faults_report_all_at_once() -> None:
    with pytest.raises(WorkloadError) as caught:
        check_parameters(SHIPPED["mlp"], {"depth": 2, "layers": 0, "hidden": -1})
    assert len(str(caught.value).splitlines()) == 3


def test_registry_loads_without_torch() -> None:
    code = (
        "import sys; from ablatrix.catalogue import *; from ablatrix.workloads.parameters import *; "
        "[check_parameters(entry, {}) for entry in installed_catalogue().workloads.values()]; "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_documented_package_adds_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    point = EntryPoint("polynomial", "polynomial:ENTRY", WORKLOAD_FAMILY.group)
    monkeypatch.setattr(
        "ablatrix.catalogue.entry_points", lambda group: [point] if group == WORKLOAD_FAMILY.group else []
    )
    catalogue = installed_catalogue()
    assert list(catalogue.workloads)[-1] == "polynomial"
    entry = catalogue.workload("polynomial")
    assert check_parameters(entry, {}) == {"degree": 3, "points": 8}
    program = prepare(entry, {"degree": 5})
    assert program.facts.inputs == [InputFacts(name="points", shape=["points"], dtype="float32")]


def test_builder_that_cannot_be_imported_is_named() -> None:
    entry = WorkloadEntry(
        name="lost", tier="tiny", summary="Has no builder.", parameters={}, builder="tests.workloads.nowhere:build"
    )
    with pytest.raises(WorkloadError, match=r"'lost' needs a package that is not installed: No module named .*nowhere"):
        build_workload(entry, {})


def test_entry_point_that_names_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("broken", "tests.workloads.nowhere:ENTRY", WORKLOAD_FAMILY.group),
        EntryPoint("wrong", "ablatrix.workloads.mlp:build", WORKLOAD_FAMILY.group),
    ]
    monkeypatch.setattr("ablatrix.catalogue.entry_points", lambda group: points)
    catalogue = installed_catalogue()
    with pytest.raises(WorkloadError, match=r"'broken' of tests\.workloads\.nowhere:ENTRY cannot be imported"):
        catalogue.workload("broken")
    with pytest.raises(WorkloadError, match="must name a WorkloadEntry called 'wrong'"):
        catalogue.workload("wrong")
