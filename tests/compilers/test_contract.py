"""Every shipped compiler, and the reference program on a pipe, pass the contract suite that ships with ablatrix."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ablatrix.compilers.catalogue import INDUCTOR, ONNXRUNTIME, OPENVINO, SHIPPED, TVM, XLA
from ablatrix.compilers.command.entry import describe_command
from ablatrix.testing.compiler_contract import CompilerContract
from ablatrix.testing.programs import GATES
from ablatrix.testing.subject import Subject
from tests.compilers.conftest import COMPUTES_BF16

ROOT = Path(__file__).parents[2]
DUMPS = (ROOT / "docs" / "dumps.md").read_text(encoding="utf-8")
BOTH = frozenset({"float16", "bfloat16"})
PRIMARY_ON_GATES = dict.fromkeys(("partition", "reuse", "memory_plan", "fusion"), GATES)


class ShippedContract(CompilerContract):
    """What holds beyond the contract for a compiler that comes with ablatrix."""

    acts_on = PRIMARY_ON_GATES
    passes: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture(autouse=True)
    def exports_are_shared(self, request: pytest.FixtureRequest) -> None:
        """Exports are made once, but where a test holds two builds of the same task against each other.

        What JAX has lowered once it compiles once, so that an observer would see nothing of the second time.
        """
        if not any(word in request.node.name for word in ("rebuild", "dump", "observers", "other_knobs", "timing")):
            request.getfixturevalue("exported_once")

    def test_dump_names_are_all_in_docs(self, subject: Subject) -> None:
        assert subject.dumped.request.dump is not None
        names = {path.name for path in subject.dumped.request.dump.rglob("*") if path.is_file()}
        assert [name for name in sorted(names) if f"`{name}`" not in DUMPS] == []

    def test_preload_imports_what_build_needs(self, subject: Subject) -> None:
        assert "ablatrix.compilers.task_building" in subject.preloaded.modules

    def test_pass_timing_names_passes(self, subject: Subject) -> None:
        observed = subject.case({"pass_timing": "on"})
        assert set(observed.executable.facts.pass_ms or ()) >= self.passes


def in_long_form(test: Callable[[Any, Subject], None]) -> Any:
    """Return a test of the contract for a compiler of which it takes long; others have it in the short form."""

    @pytest.mark.long
    @functools.wraps(test)
    def long(self: Any, subject: Subject) -> None:
        test(self, subject)

    return long


SHARE_NO_CODE = in_long_form(CompilerContract.test_configurations_share_no_code)
FORKABLE = in_long_form(CompilerContract.test_preload_leaves_process_forkable)
IMPORTS = in_long_form(ShippedContract.test_preload_imports_what_build_needs)


class TestTvm(ShippedContract):
    entry = TVM
    types = BOTH
    passes = frozenset({"LegalizeOps", "LowerAllocTensor"})


class TestInductor(ShippedContract):
    test_configurations_share_no_code = SHARE_NO_CODE
    test_preload_leaves_process_forkable = FORKABLE
    test_preload_imports_what_build_needs = IMPORTS
    entry = INDUCTOR
    types = BOTH
    acts_not: ClassVar = {"max_autotune: on": "of the candidates none beats the library at products this small"}
    passes = frozenset({"GraphLowering.run", "compile_file", "pass.post_grad_passes.pass_pattern_0"})


class TestOnnxruntime(ShippedContract):
    test_configurations_share_no_code = SHARE_NO_CODE
    test_preload_leaves_process_forkable = FORKABLE
    test_preload_imports_what_build_needs = IMPORTS
    entry = ONNXRUNTIME
    types = frozenset({"float16"})
    acts_with: ClassVar = {"graph_level": {"fusion": "on"}, "without": {"fusion": "on"}}
    acts_not: ClassVar = {
        "graph_level: extended": "it differs from 'all' by layouts alone, see 'layout'",
        "layout": "the small programs have nothing that a layout optimiser moves",
        "without: BiasGeluFusion": "no small program is left with an addition before a GELU",
        "without: MatMulScaleFusion": "no small program scales a product",
    }
    passes = frozenset({"ConstantFolding", "TransposeOptimizer"})


class TestXla(ShippedContract):
    test_configurations_share_no_code = SHARE_NO_CODE
    test_preload_leaves_process_forkable = FORKABLE
    test_preload_imports_what_build_needs = IMPORTS
    entry = XLA
    types = BOTH
    passes = frozenset({"algsimp", "layout-assignment", "FlattenTensorsPass"})


class TestOpenvino(ShippedContract):
    entry = OPENVINO
    types = BOTH
    acts_not: ClassVar = {} if COMPUTES_BF16 else {"precision: bf16": "OpenVINO computes in it with AVX-512 alone"}
    passes = frozenset({"ov::pass::ConstantFolding"})


class TestProgramOnAPipe(CompilerContract):
    entry = describe_command("numpy", ["python3", "numpy_compiler.py"], ROOT / "examples" / "command", {})


def test_catalogue_has_no_compiler_without_contract() -> None:
    tested = {case.entry.name for case in ShippedContract.__subclasses__()}
    assert {name for name, entry in SHIPPED.items() if entry.knobs} <= tested
