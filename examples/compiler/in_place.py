"""A whole compiler as a plug-in: it writes Python that calls torch's operators, pointwise ones in place if asked.

Its knobs are the planner's (``partition``, ``reuse``), the usual ones of a cache and of dynamic sizes, and one of its
own: with ``in_place: on`` a pointwise operator overwrites an input that nothing else reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablatrix.plugin import (
    CACHE_TAG,
    PARTITION,
    UPPER_BOUND,
    CompilerEntry,
    CompileRequest,
    CompilerError,
    KnobEntry,
    LevelEntry,
    TaskDump,
    TaskFacts,
    TaskwiseCompiler,
    digest_bytes,
    reuse_between_tasks,
)

if TYPE_CHECKING:
    import torch

    from ablatrix.plugin import BuiltTask, TaskFunction, TaskProgram

VERSION = "1"
POINTWISE = ("relu.default", "sigmoid.default", "add.Tensor", "mul.Tensor")
FRESH = (*POINTWISE, "matmul.default", "convolution.default")  # results that are a view of nothing


class InPlaceCompiler(TaskwiseCompiler[bool]):
    """Knobs and levels stand in ``ENTRY`` below; its options are whether pointwise operators write in place."""

    name = "in_place"

    def preload(self) -> None:
        """Import what forked processes should find imported. No thread may be left when this returns."""
        import torch  # noqa: F401

        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of whatever generates or runs code."""
        import torch

        return {"in_place": VERSION, "torch": str(torch.__version__)}

    def set_threads(self, threads: int) -> None:
        """Set the threads of a run."""
        import torch

        torch.set_num_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        """Return what the library itself says."""
        import torch

        return {"torch": torch.get_num_threads()}

    def options(self, request: CompileRequest) -> bool:
        """Return what the knobs say."""
        return request.knobs["in_place"] == "on"

    def key_facts(self, request: CompileRequest, options: bool, task: TaskProgram) -> Mapping[str, Any]:
        """Return whatever the code depends on beyond the task itself; it enters the key in the cache."""
        return {"in_place": options, "source": digest_bytes(Path(__file__).read_bytes())}

    def build(self, request: CompileRequest, options: bool, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Write a task's code into a file; return it with what is known of the code."""
        dump = TaskDump.of(request, task)
        with request.clock.phase("import"):
            graph = task.exported.graph
            dump.text("before", "before.txt", "The graph as it was exported.", graph.__str__)
        with request.clock.phase("compile"):
            if options:
                graph = write_in_place(graph)
            text = graph.python_code("self").src
            dump.text("after", "after.txt", "The graph that is written as Python.", graph.__str__)
            dump.text("code", "code.py", "The Python that runs.", lambda: text)
        with request.clock.phase("link"):
            file = request.work_dir / f"{key}.py"
            file.write_text(text, encoding="utf-8")
        calls = [str(node.target) for node in graph.nodes if node.op == "call_function"]
        silent = "torch allocates what a run needs, and plans nothing"
        return file, TaskFacts(
            generated_calls=len(calls),
            generated_kernels=len(set(calls)),
            reasons={"compiler_planned_bytes": silent, "estimator": silent},
        )

    def load(self, request: CompileRequest, options: bool, built: Sequence[BuiltTask]) -> Sequence[TaskFunction]:
        """Load the files, each just built or found in the cache; the phase ``load`` is open."""
        return [PythonTask(task.file) for task in built]


def write_in_place(original: torch.fx.Graph) -> torch.fx.Graph:
    """Return a copy in which pointwise operators overwrite a first argument that nothing else reads."""
    import torch

    graph = torch.fx.Graph()
    output = graph.graph_copy(original, {})
    graph.output(output)
    for node in graph.nodes:
        operator = str(node.target).removeprefix("aten.")
        if operator not in POINTWISE:
            continue
        first = node.args[0]
        fresh = str(first.target).removeprefix("aten.") in FRESH
        same = fresh and str(first.meta["val"].shape) == str(node.meta["val"].shape)
        if same and len(first.users) == 1 and first.meta["val"].dtype == node.meta["val"].dtype:
            name, _, overload = operator.partition(".")
            node.target = getattr(getattr(torch.ops.aten, f"{name}_"), overload)
    return graph


class PythonTask:
    """A loaded task."""

    def __init__(self, file: Path) -> None:
        import torch

        names = {"torch": torch, "device": torch.device, "inf": float("inf"), "nan": float("nan")}
        try:
            exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
        except SyntaxError as error:
            raise CompilerError(f"the code of a task cannot be loaded: {error}") from error
        self._forward: Callable[..., tuple[torch.Tensor, ...]] = names["forward"]

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return one run: it reads the inputs, weights among them, and writes the outputs."""
        import torch

        def run() -> None:
            with torch.no_grad():
                for result, output in zip(self._forward(None, *inputs), outputs, strict=True):
                    output.copy_(result)

        return run


IN_PLACE = KnobEntry(
    name="in_place",
    kind="primary",
    summary="Whether pointwise operators overwrite an input that nothing else reads.",
    levels=(
        LevelEntry(name="off", summary="Each operator has a result of its own."),
        LevelEntry(name="on", summary="relu, sigmoid, additions and multiplications write in place."),
    ),
    default="off",
    affects="code",
)
ENTRY = CompilerEntry(
    name="in_place",
    summary="Python that calls torch's operators.",
    modules=("torch",),
    extra="",
    adapter="in_place:InPlaceCompiler",
    knobs=(PARTITION, reuse_between_tasks("in_place"), IN_PLACE, UPPER_BOUND, CACHE_TAG),
)
COMPILERS = [ENTRY]
