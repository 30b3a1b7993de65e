"""Some backend tests of onnx, judged as benchmarks/onnx_backend.py judges all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.trials.fork_server.child import import_compiler

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

MODULES = ("gemm", "if_", "qlinearmatmul", "bernoulli", "string_concat")
CHOSEN = {
    "test_gemm_default_zero_bias": "right",
    "test_if": "right",
    "test_qlinearmatmul_2D_uint8_float32": "right",
    "test_if_seq": "refused",
    "test_bernoulli": "refused",
    "test_string_concat": "refused",
}


def test_onnx_backend_tests_are_right_or_refused_truthfully(tmp_path: Path) -> None:
    from tests.workloads.backend_cases import Judge, node_cases

    compiler = import_compiler(SHIPPED["onnxruntime"])
    compiler.set_threads(1)
    judge = Judge(compiler, tmp_path)
    verdicts = {case.name: judge.look_at(case) for case in node_cases(MODULES) if case.name in CHOSEN}
    assert judge.wrong == []
    assert verdicts == CHOSEN
