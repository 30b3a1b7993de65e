"""Which passes change a program, against the same passes switched off by settings: the code is another for those."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ablatrix.compilers.adapter import ObservesPasses
from ablatrix.compilers.catalogue import SHIPPED, Level
from ablatrix.compilers.passes import PassRun, summarise_passes
from ablatrix.compilers.settings import add_settings, ask_addresses
from ablatrix.errors import CompilerError
from ablatrix.import_spec import import_place
from ablatrix.testing.programs import GATES
from ablatrix.testing.subject import Subject

FUSED: dict[str, Level] = {"fusion": "on"}
FAILS = "fails"
# What they change in TVM's module is in no code of this program: nothing reads it, or another pass makes it, too.
IN_NO_CODE = {
    "pass:RemovePurityChecking",
    "pass:tirx.FP8StorageLegalize",
    "pass:tirx.LowerTVMBuiltin",
}


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A small program under observers, and the same compiler with a knob for each pass that has an address."""

    subject: Subject
    program: str
    runs: tuple[PassRun, ...]
    acting: frozenset[str]
    idle: frozenset[str]

    def code(self, without: Iterable[str] = ()) -> str:
        """Return the digest of the code without some passes, or that there is none."""
        off: dict[str, Level] = {knob_of(name): "off" for name in without}
        try:
            return self.subject.case({**FUSED, **off}, self.program).digest
        except CompilerError:
            return FAILS


def knob_of(address: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in address)


def observe(name: str, program: str, directory: Path) -> Observed:
    entry = SHIPPED[name]
    known = ask_addresses(entry)
    plain = Subject(import_place(entry.adapter)(), entry, directory)
    request = plain.request(plain.example(program).program, FUSED, plain.new_directory())
    assert isinstance(plain.compiler, ObservesPasses)
    runs = plain.compiler.observe_passes(request).runs
    passes = [one for one in summarise_passes(runs, known) if one.address]
    knobs = {knob_of(one.address): {"setting": one.address} for one in passes}
    settable, faults = add_settings(entry, knobs, known, Path())
    assert faults == {}
    return Observed(
        subject=Subject(plain.compiler, settable, directory),
        program=program,
        runs=runs,
        acting=frozenset(one.address for one in passes if one.changed),
        idle=frozenset(one.address for one in passes if one.changed == 0),
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("passes")


@pytest.mark.usefixtures("exported_once")
def test_onnxruntime_code_differs_for_optimisers_that_changed_model(directory: Path) -> None:
    seen = observe("onnxruntime", "attention", directory)
    assert seen.acting == {
        "optimizer:MatMulAddFusion",
        "optimizer:MatmulTransposeFusion",
        "optimizer:SkipLayerNormFusion",
    }
    assert {"optimizer:ConvAddFusion", "optimizer:AttentionFusion"} <= seen.idle
    assert len(seen.acting | seen.idle) > 50
    whole = seen.code()
    assert {one for one in seen.acting if seen.code([one]) == whole} == set()
    assert seen.code(seen.idle) == whole


@pytest.mark.usefixtures("exported_once")
def test_xla_code_differs_for_passes_that_changed_module(directory: Path) -> None:
    seen = observe("xla", GATES, directory)
    assert {"pass:algsimp", "pass:cse", "pass:dot-library-rewriter", "pass:fusion"} <= seen.acting
    whole = seen.code()
    assert {one for one in seen.acting if seen.code([one]) == whole} == set()
    assert seen.code(seen.idle) == whole


@pytest.mark.long
def test_tvm_code_differs_for_passes_that_changed_module_but_three(directory: Path) -> None:
    seen = observe("tvm", GATES, directory)
    assert {"pass:LegalizeOps", "pass:FuseOps", "pass:FuseTIR"} <= seen.acting
    whole = seen.code()
    assert {one for one in seen.acting if seen.code([one]) == whole} == IN_NO_CODE
    assert seen.code(seen.idle) == whole


def test_inductor_lists_graph_passes_lowerings_and_fused_groups(directory: Path) -> None:
    seen = observe("inductor", GATES, directory)
    kinds = {one.kind for one in seen.runs}
    assert kinds == {"pass", "lowering", "fusion"}


def test_openvino_lists_passes_with_their_managers(directory: Path) -> None:
    seen = observe("openvino", GATES, directory)
    assert {one.changed for one in seen.runs} == {True, False}


def test_inductor_names_what_ran_as_its_addresses_do(directory: Path) -> None:
    seen = observe("inductor", GATES, directory)
    assert any(address.startswith("lowering:aten.") for address in seen.acting)
    assert any(address.startswith("pass:post_grad_passes.") for address in [*seen.acting, *seen.idle])
