"""The backend tests of ``onnx``, each prepared, compiled and checked as any ONNX file, and judged.

A case is *right* where the compiled model passes our check and gives the outputs that onnx states, *refused* where we
refuse it for a reason that plain use of onnx and ONNX Runtime bears out, and *wrong* otherwise.
"""

from __future__ import annotations

import importlib
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import torch
from onnx.backend.test.case.node import _NodeTestCases, collect_testcases
from onnx.backend.test.loader import load_model_tests

from ablatrix.compilers.adapter import Compiler, Executable
from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.errors import AblatrixError, CompilerError, UnsupportedError, WorkloadError
from ablatrix.study.model import Checks
from ablatrix.testing.requests import make_request
from ablatrix.trials.worker.check import Comparison
from ablatrix.workloads.onnx.given_data import RELATIVE
from ablatrix.workloads.onnx.tensors import TYPES
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program
from ablatrix.workloads.source import read_source

RANDOM = {
    "Bernoulli",
    "Dropout",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}
CHECKS = Checks()
FINDING = {"Compress", "NonMaxSuppression", "NonZero", "Unique", "StringSplit", "Loop", "If"}


@dataclass(frozen=True)
class Case:
    """One test: a model, its inputs and the outputs that onnx states; an input may be a sequence, or missing."""

    name: str
    kind: str
    model: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]


def node_cases(modules: Sequence[str] = ()) -> Iterator[Case]:
    """Yield the tests of single operators, which onnx generates: those of some of its modules, or all."""
    for module in modules:
        importlib.import_module(f"{onnx.backend.test.case.node.__name__}.{module}")
    for one in list(_NodeTestCases if modules else collect_testcases()):
        inputs, outputs = one.data_sets[0]
        yield Case(one.name, "node", one.model, list(inputs), list(outputs))


def stored_cases(kind: str) -> Iterator[Case]:
    """Yield tests whose files come with onnx: ``simple``, ``pytorch-converted``, ``pytorch-operator``."""
    for one in sorted(load_model_tests(kind=kind), key=lambda one: one.name):
        folder = Path(one.model_dir)
        model = onnx.load(folder / "model.onnx")
        ends = ((model.graph.input, "input"), (model.graph.output, "output"))
        read = [
            [_read(folder / "test_data_set_0" / f"{word}_{index}.pb", value) for index, value in enumerate(values)]
            for values, word in ends
        ]
        yield Case(one.name, kind, model, [value for value in read[0] if value is not None], read[1])


def _read(file: Path, value: Any) -> Any:
    if not file.exists():
        return None
    if value.type.HasField("sequence_type"):
        return onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(file.read_bytes()))
    if value.type.HasField("optional_type"):
        return onnx.numpy_helper.to_optional(onnx.OptionalProto.FromString(file.read_bytes()))
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes()))


@dataclass
class Judge:
    """Judges cases on one compiler, and counts them by kind."""

    compiler: Compiler
    directory: Path
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def look_at(self, case: Case) -> str:
        """Judge one case; return the verdict."""
        folder = self.directory / case.name
        _write(case, folder)
        verdict, reason = self._judged(case, folder)
        shutil.rmtree(folder)
        self.counts[case.kind, verdict] += 1
        if verdict == "refused":
            self.reasons[reason] += 1
        elif verdict == "wrong":
            self.wrong.append(f"{case.name}: {reason}")
        return verdict

    def _judged(self, case: Case, folder: Path) -> tuple[str, str]:
        try:
            entry = read_source("case", "model.onnx", {}, folder)
            program = prepare(entry, input_sets=2)
            catalogued = SHIPPED[self.compiler.name]
            request = make_request(program, folder, catalogued.defaults(), entry=catalogued)
            executable = self.compiler.compile(request)
        except AblatrixError as error:
            reason = _borne_out(str(error), error, case, self.compiler.name)
            return ("wrong", f"refused, but: {error}") if reason is None else ("refused", reason)
        except Exception as error:
            return "wrong", f"{type(error).__name__}: {error}"
        return self._compared(program, executable)

    def _compared(self, program: Program, executable: Executable) -> tuple[str, str]:
        found = Comparison(rms_factor=CHECKS.rms_factor, rms_floor=CHECKS.rms_floor, input_sets=2)
        for index, inputs in enumerate(program.input_sets):
            try:
                bound = executable.bind(inputs.inputs)
                bound.run()
            except Exception as error:
                return "wrong", f"{type(error).__name__} in a run: {error}"
            found.compare(bound.outputs(), inputs, f"input set {index}")
        return ("right", "") if found.passed else ("wrong", f"called wrong: {found.note}")


def _write(case: Case, folder: Path) -> None:
    """Write a case as a file with its test data, where that is tensors alone."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(case.model, folder / "model.onnx")
    for word, values in (("input", case.inputs), ("output", case.outputs)):
        for index, value in enumerate(values):
            if isinstance(value, (numpy.ndarray, numpy.generic)):
                tensor = onnx.numpy_helper.from_array(numpy.asarray(value))
                (data / f"{word}_{index}.pb").write_bytes(tensor.SerializeToString())


def _borne_out(text: str, error: AblatrixError, case: Case, compiler: str) -> str | None:
    """Return in a word why a case is refused, where that is so; None where it is not."""
    for pattern, word, holds in REASONS:
        if re.search(pattern, text):
            return word if holds(case) else None
    if isinstance(error, (UnsupportedError, CompilerError)) and not isinstance(error, WorkloadError):
        return f"{compiler} itself fails on it" if _fails_plainly(case, compiler) else None
    return None


def _has_other_values(case: Case) -> bool:
    values = [*case.inputs, *case.outputs]
    kinds = [one.type.WhichOneof("value") for one in (*case.model.graph.input, *case.model.graph.output)]
    return any(not isinstance(one, (numpy.ndarray, numpy.generic)) or one.dtype.kind in "OUS" for one in values) or any(
        kind not in {"tensor_type", None} for kind in kinds
    )


def _has_other_types(case: Case) -> bool:
    known = {str(one).removeprefix("torch.") for one in TYPES}
    kinds = [one.type.tensor_type.elem_type for one in (*case.model.graph.input, *case.model.graph.output)]
    return any(onnx.helper.tensor_dtype_to_np_dtype(kind).name not in known for kind in kinds if kind)


def _session(case: Case) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(case.model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _answer(case: Case) -> list[Any]:
    """Return what plain ONNX Runtime makes of a case."""
    session = _session(case)
    names = [one.name for one in session.get_inputs()]
    return list(session.run(None, dict(zip(names, case.inputs, strict=True))))


def _fails_plainly(case: Case, compiler: str = "onnxruntime") -> bool:
    try:
        if compiler == "openvino":
            from ablatrix.compilers.openvino.library import import_openvino

            ov = import_openvino()
            ov.compile_model(ov.convert_model(case.model), "CPU")
        else:
            _answer(case)
    except Exception:
        return True
    return False


def _differs_plainly(case: Case) -> bool:
    """Return whether plain ONNX Runtime gives other outputs than onnx states, or onnx's evaluator does."""
    from onnx.reference import ReferenceEvaluator

    names = [one.name for one in case.model.graph.input]
    found = _answer(case)
    with suppress(Exception):
        evaluated = ReferenceEvaluator(case.model).run(None, dict(zip(names, case.inputs, strict=False)))
        if not all(map(_close, evaluated, found)):
            return True
    return not all(map(_close, found, case.outputs))


def _close(one: Any, other: Any) -> bool:
    one, other = (torch.as_tensor(numpy.asarray(value).astype("float64")) for value in (one, other))
    scale = float(other[other.isfinite()].square().mean().sqrt()) if other.isfinite().any() else 0.0
    return one.shape == other.shape and bool(
        torch.isclose(one, other, rtol=RELATIVE, atol=RELATIVE * scale, equal_nan=True).all()
    )


def _has(operators: set[str]) -> Callable[[Case], bool]:
    return lambda case: bool(operators & {node.op_type for node in case.model.graph.node}) or bool(case.model.functions)


def _too_old(case: Case) -> bool:
    return all(one.version < 7 for one in case.model.opset_import if one.domain in {"", "ai.onnx"})


REASONS: Sequence[tuple[str, str, Callable[[Case], bool]]] = (
    ("and programs here take and return tensors", "sequence, map, optional or text", _has_other_values),
    ("a value is a \\w+, and programs", "sequence, map, optional or text", _has_other_values),
    ("programs here (take and return|cannot take or return)", "type that torch lacks", _has_other_types),
    ("it takes no input", "no input", lambda case: not case.inputs),
    ("it is random", "random", _has(RANDOM)),
    ("sizes that depend on values", "size by values", _has(FINDING)),
    ("it is of operator set", "old operators", _too_old),
    ("ONNX Runtime cannot run it", "ONNX Runtime itself fails on it", _fails_plainly),
    ("beside the file states|do not agree in float32", "ONNX Runtime gives other outputs", _differs_plainly),
)
"""Pattern of a message, what it is called, and whether that is so."""
