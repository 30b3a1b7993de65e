"""Every compiler of the catalogue that is installed keeps the contract, and the contract catches planted faults.

A compiler that is added to the catalogue is tested here without a further line; the reference program that comes with
ablatrix stands for those that are a study's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry
from ablatrix.compilers.command.entry import describe_command
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.errors import UnsupportedError
from ablatrix.trials.child import import_compiler
from tests.compilers import contract, planted
from tests.compilers.contract import Broken, Subject, make_gates, other_levels
from tests.compilers.requests import make_program, make_request

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = describe_command("numpy", ["python3", "numpy_compiler.py"], EXAMPLES / "command", {})
ENTRIES = [*(entry for entry in SHIPPED.values() if entry.knobs and entry.installed), PROGRAM]
BOUND = 16
PASSES = {
    "tvm": {"LegalizeOps", "LowerAllocTensor"},
    "inductor": {"GraphLowering.run", "compile_file", "pass.post_grad_passes.pass_pattern_0"},
    "onnxruntime": {"ConstantFolding", "TransposeOptimizer"},
    "xla": {"algsimp", "layout-assignment", "FlattenTensorsPass"},
    "openvino": {"ov::pass::ConstantFolding"},
}
DUMPS = (Path(__file__).parents[2] / "docs" / "dumps.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=ENTRIES, ids=lambda entry: entry.name)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    entry: CompilerEntry = request.param
    yield Subject(import_compiler(entry), entry, tmp_path_factory.mktemp(entry.name))
    torch.set_num_threads(1)


def test_every_configuration_is_right_quiet_and_tells_its_facts(subject: Subject) -> None:
    for knobs in subject.configurations():
        case = subject.case(**knobs)
        contract.check_outputs(case)
        contract.check_runs_its_own_code(case)
        contract.check_quiet(case)
        contract.check_facts(case)
        contract.check_phases(case)
        contract.check_misses(case)


def test_a_primary_knob_changes_what_the_catalogue_says(subject: Subject) -> None:
    for knob in subject.primary():
        around = subject.regions() if knob.affects == "plan" else {}
        for level in other_levels(knob):
            contract.check_takes_effect(knob, subject.case(**around), subject.case(**around, **{knob.name: level}))


def test_a_knob_that_affects_code_is_in_the_keys(subject: Subject) -> None:
    for knob in subject.entry.knobs:
        for level in other_levels(knob):
            contract.check_keys(knob, subject.case(), subject.case(**{knob.name: level}))


def test_what_was_built_is_found_again_and_is_the_same(subject: Subject) -> None:
    for knobs in ({}, subject.configurations()[-1]):
        case = subject.case(**knobs)
        contract.check_warm_cache(case, subject.compile(knobs, case.request.work_dir.parent))


def test_the_same_request_has_the_same_code_and_a_dump_shows_it_and_changes_nothing(
    subject: Subject, tmp_path: Path
) -> None:
    knobs = subject.regions()
    dumped = subject.compile(knobs, tmp_path, dump=tmp_path / "dump")
    contract.check_rebuild(subject.case(**knobs), dumped)
    contract.check_dump(dumped)
    if subject.entry.program_digest is None:  # a program names its files as it likes
        names = {path.name for path in (tmp_path / "dump").rglob("*") if path.is_file()}
        assert [name for name in sorted(names) if f"`{name}`" not in DUMPS] == []


def test_an_observer_tells_times_and_changes_no_code(subject: Subject) -> None:
    for knob in subject.observers():
        observed = subject.case(**{knob.name: "on"})
        contract.check_observer(subject.case(), observed)
        contract.check_outputs(observed)
        contract.check_quiet(observed)
        contract.check_facts(observed)
        assert set(observed.executable.facts.pass_ms or ()) >= PASSES.get(subject.entry.name, set())


def test_threads_are_read_back(subject: Subject) -> None:
    case = subject.case()
    for threads in (2, 1):
        subject.compiler.set_threads(threads)
        if subject.entry.program_digest is not None:  # a program gets its number when it is started
            subject.compile({}, case.request.work_dir.parent, threads)
        contract.check_threads(subject.compiler, threads)
    contract.check_outputs(case)


def test_a_dynamic_program_is_right_at_every_size_within_its_bound(subject: Subject, tmp_path: Path) -> None:
    module, x = make_gates()
    program = make_program(module, (x,), ({0: torch.export.Dim("rows", min=2, max=64)},))
    (symbol,) = program.lowered.range_constraints
    knobs = {name: level for name, level in subject.entry.defaults().items() if name not in {"partition", "reuse"}}
    whole = subject.entry.knob("partition") is None
    plan: dict[str, Any] = {} if whole else {"partition": "regions", "reuse": "release"}
    request = make_request(program, tmp_path, knobs, bounds={str(symbol): BOUND}, **plan)
    executable = subject.compiler.compile(request)
    contract.check_dynamic(executable, module, (2, 5, BOUND), BOUND + 1)
    contract.check_facts(contract.Case(request, executable, contract.answer(module, x), "", request.cache.counters, {}))


def test_levels_that_a_compiler_does_not_have_are_refused(subject: Subject) -> None:
    for knob in subject.entry.knobs:
        for level in knob.levels:
            if level.unsupported:
                with pytest.raises(UnsupportedError, match=knob.name):
                    subject.entry.refuse_unsupported({knob.name: level.name})


def test_versions_are_told(subject: Subject) -> None:
    assert all(version for version in subject.compiler.versions().values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_after_preloading_a_process_can_still_be_forked(entry: CompilerEntry) -> None:
    code = (
        "import json\n"
        "from ablatrix.compilers.catalogue import read_compiler_entry\n"
        "from ablatrix.trials.child import import_compiler\n"
        "from ablatrix.trials.fork_safety import find_fork_hazard\n"
        f"import_compiler(read_compiler_entry(json.loads({json.dumps(asdict(entry))!r})))\n"
        "import sys\n"
        "print(find_fork_hazard(), 'ablatrix.compilers.task_building' in sys.modules)"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as the fork server is started
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "None True\n", done.stdout


Plant = Callable[[Any], Any]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A real adapter that the planted ones stand around, with its cache."""
    return Subject(TvmCompiler(), SHIPPED["tvm"], tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize(
    ("plant", "check", "message"),
    [
        (planted.FallsBack, contract.check_runs_its_own_code, "runs the program eagerly"),
        (planted.RunsTheCheck, contract.check_runs_its_own_code, "checks while it is timed"),
        (planted.Prints, contract.check_quiet, "compiling"),
        (planted.WritesItsInputs, contract.check_outputs, "an input was written"),
        (planted.Drifts, contract.check_outputs, "from run to run"),
        (planted.GuessesZero, contract.check_facts, "compiler_planned_bytes is null"),
    ],
)
def test_a_planted_fault_is_caught(real: Subject, plant: Plant, check: Callable[[Any], None], message: str) -> None:
    check(real.case())
    case = Subject(plant(real.compiler), real.entry, real.directory).compile({}, real.case().request.work_dir.parent)
    with pytest.raises(Broken, match=message):
        check(case)


def test_an_adapter_that_caches_too_broadly_is_caught(real: Subject, tmp_path: Path) -> None:
    knob = real.entry.knob("fusion")
    assert knob is not None
    broad = Subject(planted.CachesTooBroadly(real.compiler), real.entry, tmp_path)
    with pytest.raises(Broken, match="leaves the cache's keys as they are"):
        contract.check_keys(knob, broad.case(), broad.case(fusion="on"))
    with pytest.raises(Broken, match="the code is the same"):
        contract.check_takes_effect(knob, broad.case(), broad.case(fusion="on"))


def test_an_adapter_whose_digest_changes_is_caught(real: Subject, tmp_path: Path) -> None:
    changing = Subject(planted.ChangesItsDigest(real.compiler), real.entry, tmp_path)
    first = changing.case()
    with pytest.raises(Broken, match="the same request gave"):
        contract.check_rebuild(first, changing.compile({}, Path(changing.directory)))
