"""A compiler as an author writes it from the docs alone: a tape of instructions in JSON, which numpy runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablatrix.plugin import (
    CACHE_TAG,
    PARTITION,
    CompilerEntry,
    CompileRequest,
    TaskDump,
    TaskFacts,
    TaskwiseCompiler,
    UnsupportedError,
    digest_bytes,
    reuse_between_tasks,
    switch,
)

if TYPE_CHECKING:
    import torch

    from ablatrix.plugin import BuiltTask, TaskFunction, TaskProgram

OPERATORS = {
    "aten.matmul.default": "matmul",
    "aten.add.Tensor": "add",
    "aten.mul.Tensor": "multiply",
    "aten.relu.default": "relu",
    "aten.sigmoid.default": "sigmoid",
}


class TapeCompiler(TaskwiseCompiler[bool]):
    """Fuses a product with the addition behind it, if asked."""

    name = "tape"

    def preload(self) -> None:
        import numpy  # noqa: F401
        import torch  # noqa: F401

        super().preload()

    def versions(self) -> Mapping[str, str]:
        import numpy

        return {"tape": "1", "numpy": numpy.__version__}

    def set_threads(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        import torch

        return {"torch": torch.get_num_threads()}

    def options(self, request: CompileRequest) -> bool:
        return request.knobs["fuse"] == "on"

    def key_facts(self, request: CompileRequest, options: bool, task: TaskProgram) -> Mapping[str, Any]:
        return {"fuse": options, "source": digest_bytes(Path(__file__).read_bytes())}

    def build(self, request: CompileRequest, options: bool, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        with request.clock.phase("import"):
            tape = record(task)
        with request.clock.phase("compile"):
            if options:
                tape["steps"] = fuse(tape["steps"])
        dump = TaskDump.of(request, task)
        dump.lacks("before", "there is a tape alone")
        dump.lacks("after", "there is a tape alone")
        dump.text("code", "tape.json", "The instructions.", lambda: json.dumps(tape))
        with request.clock.phase("link"):
            file = request.work_dir / f"{key}.json"
            file.write_text(json.dumps(tape))
        silent = "numpy allocates as it goes"
        reasons = {"compiler_planned_bytes": silent, "estimator": silent, "generated_kernels": "numpy's own are called"}
        return file, TaskFacts(generated_calls=len(tape["steps"]), reasons=reasons)

    def load(self, request: CompileRequest, options: bool, built: Sequence[BuiltTask]) -> Sequence[TaskFunction]:
        return [TapeTask(one.file) for one in built]


def record(task: TaskProgram) -> dict[str, Any]:
    """Return inputs, steps (operator, result, arguments) and outputs of a task, by name."""
    nodes = list(task.exported.graph.nodes)
    steps = []
    for node in nodes:
        if str(getattr(node.meta.get("val"), "dtype", "")) == "torch.bfloat16":
            raise UnsupportedError("tape has no bfloat16, as numpy has none")
        if node.op == "call_function":
            if str(node.target) not in OPERATORS:
                raise UnsupportedError(f"tape has no instruction for {node.target}")
            steps.append([OPERATORS[str(node.target)], node.name, *(one.name for one in node.args)])
    inputs = [node.name for node in nodes if node.op == "placeholder"]
    return {"inputs": inputs, "steps": steps, "outputs": [one.name for one in nodes[-1].args[0]]}


def fuse(steps: list[list[str]]) -> list[list[str]]:
    """Put a product and the addition right behind it into one step."""
    fused: list[list[str]] = []
    for step in steps:
        before = fused[-1] if fused else ["", ""]
        if step[0] == "add" and before[0] == "matmul" and step[2] == before[1]:
            fused[-1] = ["affine", step[1], *before[2:], step[3]]
        else:
            fused.append(step)
    return fused


class TapeTask:
    """A loaded tape."""

    def __init__(self, file: Path) -> None:
        self._tape = json.loads(file.read_text())

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        import numpy

        operators: Mapping[str, Callable[..., Any]] = {
            "matmul": numpy.matmul,
            "add": numpy.add,
            "multiply": numpy.multiply,
            "relu": lambda x: numpy.maximum(x, 0),
            "sigmoid": lambda x: 1 / (1 + numpy.exp(-x)),
            "affine": lambda x, weight, bias: x @ weight + bias,
        }
        given = dict(zip(self._tape["inputs"], (tensor.numpy() for tensor in inputs), strict=True))
        results = [tensor.numpy() for tensor in outputs]

        def run() -> None:
            values = dict(given)
            for operator, result, *arguments in self._tape["steps"]:
                values[result] = operators[operator](*(values[name] for name in arguments))
            for buffer, name in zip(results, self._tape["outputs"], strict=True):
                numpy.copyto(buffer, values[name])

        return run


FUSE = switch(
    name="fuse",
    kind="primary",
    affects="code",
    summary="Whether a product takes up the addition behind it.",
    off="Two steps.",
    on="One step.",
)
ENTRY = CompilerEntry(
    name="tape",
    summary="A tape that numpy runs.",
    modules=("numpy", "torch"),
    extra="",
    adapter="tape_compiler:TapeCompiler",
    knobs=(PARTITION, reuse_between_tasks("tape"), FUSE, CACHE_TAG),
)
COMPILERS = [ENTRY]
