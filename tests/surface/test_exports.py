"""The public names of ablatrix, exactly, and that importing them is cheap."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

PUBLIC = {
    "ablatrix": """
        AblatrixError Catalogue Design Findings Question Record ResolvedStudy Results RunSummary Study __version__
        check_claims compare_builds compare_results diagnose find_break_even find_effects find_fronts load load_claims
        load_study make_design make_page make_paper make_study progress_bar prove_knobs reach_verdict read_catalogue
        read_records read_table resolve_study run study_text tabulate text_of verify_artifact
    """,
    "ablatrix.plugin": """
        CACHE_TAG PARTITION PASS_TIMING THREADS UPPER_BOUND Address BoundRun Built BuiltTask CompileFacts
        CompileRequest Compiler CompilerEntry CompilerError EagerCompiler EagerExecutable Executable KernelTimes
        KnobEntry Level LevelEntry MeasuresOverhead ObservedPasses ObservesPasses ParameterSpec PassRun
        PhaseClock ProfiledKernel Program ReadsSettings RunsElsewhere TaskCache TaskDump TaskExecutable
        TaskFacts TaskFunction TaskProfiler TaskProgram TaskwiseCompiler TimesItself UnsupportedError
        WatchesDevice WorkloadEntry WorkloadError complete_key_facts digest_bytes digest_value gather_facts
        generator prepare reuse_between_tasks seeded source_digest spread switch task_key
    """,
    "ablatrix.testing": "Case CompilerContract ContractError Subject make_program make_request",
}
HEAVY = ("torch", "transformers", "tvm", "jax", "onnxruntime", "openvino", "polars", "matplotlib", "pydantic", "pytest")


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_are_exactly_these(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(PUBLIC[package].split())
    assert dir(module) == sorted(module.__all__)


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_can_all_be_imported(package: str) -> None:
    module = import_module(package)
    assert [name for name in module.__all__ if getattr(module, name, None) is None] == []


@pytest.mark.parametrize("package", PUBLIC)
def test_unknown_name_raises_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        import_module(package).nothing  # noqa: B018


def test_import_of_public_modules_loads_nothing_heavy() -> None:
    code = f"import sys, {', '.join(PUBLIC)}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_plugin_entries_and_knobs_load_no_torch() -> None:
    names = "CompilerEntry, KnobEntry, LevelEntry, PARTITION, CompileRequest, CompileFacts, TaskDump, TaskwiseCompiler"
    code = f"import sys; from ablatrix.plugin import {names}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
