"""From one task to its artifact: export to ONNX, ONNX Runtime's graph optimisers, the saved model."""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import onnx.printer
import torch

from ablatrix.canonical import digest_bytes
from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.built_task import TaskFacts, source_digest
from ablatrix.compilers.dump import Stage, TaskDump
from ablatrix.compilers.onnxruntime.options import VERBOSE, Options
from ablatrix.compilers.onnxruntime.passes import OPTIMIZER, read_runs
from ablatrix.compilers.onnxruntime.settings import rules
from ablatrix.compilers.output import STDERR, written_to
from ablatrix.compilers.passes import PassRun, total_ms
from ablatrix.compilers.reasons import first_reason, reason_of
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.workloads.onnx.operation import data_inputs, find_onnx, read_model
from ablatrix.workloads.onnx.precision import all_nodes
from ablatrix.workloads.program import TaskProgram

PROVIDERS = ["CPUExecutionProvider"]
REASONS = {
    "generated_kernels": "ONNX Runtime generates no kernel: it calls those that it came with",
    "compiler_planned_bytes": "ONNX Runtime plans memory while it first runs and reports no bytes",
    "estimator": "ONNX Runtime has no estimate of memory",
}
MAX_NUMBERS = 32  # of a constant in a text
LARGEST_FILE = 2**31 - 1  # of a message of protobuf
NO_KERNEL = "NotImplemented"  # name of the error of a type, or of an operator, that no kernel of its has
RULE_BASED = "RuleBased"  # in the names of the optimisers that hold others


def key_facts(options: Options) -> dict[str, Any]:
    """Return what the optimised model depends on beyond the task."""
    import onnxruntime

    return {
        "settings": options.settings.by_address(),
        "disabled": options.disabled(),
        "first": options.first(),  # constants are folded with it
        "processor": onnxruntime.get_build_info(),
        "onnxruntime": onnxruntime.__version__,
        "onnx": onnx.__version__,
        "adapter": source_digest(Path(__file__).parent),
    }


def build_task(request: CompileRequest, task: TaskProgram, options: Options, key: str) -> tuple[Path, TaskFacts]:
    """Build a task's optimised model.

    Raises:
        UnsupportedError: An operation has no translation to ONNX.
        CompilerError: The export or ONNX Runtime failed on the task.
    """
    dump = TaskDump.of(request, task)
    with request.clock.phase("import"):
        model = _get_model(request, task)
    _dump_model(dump, "before", "exported", "The model as ONNX Runtime gets it", lambda: model)
    file = request.work_dir / f"{key}.onnx"
    try:
        with request.clock.phase("compile"):
            _optimise(model, options, options.optimising(file))
    except Exception as error:  # its errors are of several kinds that only its extension module has
        if type(error).__name__ == NO_KERNEL:
            raise UnsupportedError(
                f"onnxruntime has no kernel for an operation of task {task.kind}: {reason_of(error)}"
            ) from error
        raise CompilerError(
            f"onnxruntime failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}"
        ) from error
    _dump_model(dump, "after", "optimised", "The model after ONNX Runtime's optimisers", file.read_bytes)
    dump.lacks("code", REASONS["generated_kernels"])
    nodes = sum(1 for _ in all_nodes(onnx.load(file, load_external_data=False).graph.node))
    loading = {"inputs": data_inputs(task.exported)}
    return file, TaskFacts(generated_calls=nodes, reasons=dict(REASONS), loading=loading)


def time_passes(request: CompileRequest, task: TaskProgram, options: Options) -> dict[str, float]:
    """Optimise a task once more and read the log; return milliseconds by optimiser. Nothing built is kept."""
    directory = _directory(request)
    return total_ms(_observe(_get_model(request, task), options, directory / "optimised.onnx"))


def list_passes(request: CompileRequest, task: TaskProgram, options: Options) -> list[PassRun]:
    """Return every run of an optimiser on a task, in order.

    The log has no line for the rules that run within another optimiser. Where that one changed the model, it is
    optimised without each of them in turn: a rule without which it becomes the same changed nothing.
    """
    directory = _directory(request)
    model, optimised = _get_model(request, task), directory / "optimised.onnx"
    runs = _observe(model, options, optimised)
    holder = next((index for index, one in enumerate(runs) if RULE_BASED in one.name), None)
    if holder is None:
        return runs
    acting: list[str] = []
    able = [name for name in rules() if name not in options.disabled()]
    if any(one.changed for one in runs if RULE_BASED in one.name):
        whole, other = digest_bytes(optimised.read_bytes()), directory / "without.onnx"
        for name in able:
            _optimise(model, options, options.optimising(other), without=(name,))
            if digest_bytes(other.read_bytes()) != whole:
                acting.append(name)
    within = runs[holder].name
    held = [PassRun(name=name, kind=OPTIMIZER, within=within, changed=name in acting) for name in able]
    return [*runs[: holder + 1], *held, *runs[holder + 1 :]]


def _directory(request: CompileRequest) -> Path:
    return Path(tempfile.mkdtemp(prefix="passes-", dir=request.work_dir))


def _observe(model: bytes, options: Options, file: Path) -> list[PassRun]:
    """Optimise a model into a file, and return what the log says of the optimisers."""
    log = file.with_suffix(".log")
    session = options.optimising(file)
    session.log_severity_level = VERBOSE
    with written_to(log, STDERR):
        _optimise(model, options, session)
    return read_runs(log.read_text(encoding="utf-8"))


def _get_model(request: CompileRequest, task: TaskProgram) -> bytes:
    """Return the ONNX model that a task is, or is exported to."""
    if find_onnx(task.exported) is not None:
        return read_model(request.program)
    return bytes(export_model(task).SerializeToString())


def _optimise(model: bytes, options: Options, session: Any, without: Sequence[str] = ()) -> None:
    import onnxruntime

    disabled = [*options.disabled(), *without]
    onnxruntime.InferenceSession(model, session, providers=PROVIDERS, disabled_optimizers=disabled)


def _dump_model(dump: TaskDump, stage: Stage, name: str, what: str, model: Callable[[], bytes]) -> None:
    dump.file(stage, f"{name}.onnx", f"{what}.", lambda path: path.write_bytes(model()))
    dump.text(stage, f"{name}.txt", f"{what}, as text.", lambda: model_text(model()))


def model_text(model: bytes) -> str:
    """Return a model as text for people: a constant of many numbers shows its type and shape alone."""
    read = onnx.load_from_string(model)
    attributes = [one.t for node in read.graph.node for one in node.attribute if one.HasField("t")]
    for tensor in (*read.graph.initializer, *attributes):
        if math.prod(tensor.dims) > MAX_NUMBERS:
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type))
    return str(onnx.printer.to_text(read))


def export_model(task: TaskProgram) -> Any:
    """Return a task as an ONNX model: its inputs in order, its outputs named ``output_<index>``.

    Weights that are part of the task are initialisers, others are among the inputs.

    Raises:
        UnsupportedError: An operation has no translation, or the weights are more than one file can hold.
        CompilerError: The export failed.
    """
    held = sum(tensor.nbytes for tensor in task.exported.state_dict.values())
    if held > LARGEST_FILE:
        raise UnsupportedError(
            f"task {task.kind} has {held} bytes of weights, and an ONNX model in one file holds at most "
            f"{LARGEST_FILE}; take 'weights: input', or cut the program with 'partition: regions'"
        )
    count = len(task.exported.graph.output_node().args[0])
    names = [f"output_{index}" for index in range(count)]
    try:
        with _quiet():
            program = torch.onnx.export(
                task.exported, dynamo=True, verbose=False, output_names=names, external_data=False
            )
    except Exception as error:  # the exporter has many errors and no common one
        reason = first_reason(error)
        if "No ONNX function" in str(error) or "DispatchError" in str(error):
            raise UnsupportedError(f"an operation of task {task.kind} has no translation to ONNX: {reason}") from error
        raise CompilerError(f"task {task.kind} cannot be exported to ONNX: {reason}") from error
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes (torchvision is not installed, ...) out of the trial's output."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
