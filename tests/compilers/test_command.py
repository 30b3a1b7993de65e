"""A program as a compiler: what it says is read with suspicion, and what becomes of it is recorded as for any other."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.compilers.command.entry import describe_command
from ablatrix.compilers.command.handover import read_tensor, write_task, write_tensor
from ablatrix.compilers.command.replies import doubt_times, read_compiled, read_threads, read_times
from ablatrix.compilers.command.session import Session
from ablatrix.errors import CompilerError, ProgramEndedError, StudyError, UnsupportedError
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.study.design import make_design
from ablatrix.study.design_file import refuse_changed_sources
from ablatrix.study.load import load_study
from ablatrix.testing.programs import make_gates
from ablatrix.testing.requests import make_program, make_request
from ablatrix.trials.fork_server import serve as zygote
from ablatrix.trials.fork_server.child import import_compiler
from ablatrix.trials.host.linux import descendants_of, is_stopped
from ablatrix.trials.messages.orders import WorkerState
from ablatrix.trials.run.runner import run
from ablatrix.workloads.capture import capture, value_tensors
from tests.compilers import faulty_program

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLE = ROOT / "examples" / "command"
PAGE = (ROOT / "docs" / "command-protocol.md").read_text(encoding="utf-8")

STUDY = """\
name: faults
workloads:
  - name: mlp
    parameters: {{layers: 1, hidden: 16, batch: 2}}
compilers:
  - name: faulty
    command: [python3, {program}]
modes: [hot]
stages:
  - name: primary
    factorial:
      fault: [none, garbage, exit, signal, silence, shapes, fewer, long_times, short_times, two_times, absent]
checks: {{draws: 1}}
protocol:
  threads: 1
  repeats: 0
  hot: {{blocks: 1, max_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 6}}
"""


def answering(text: str) -> list[str]:
    """Return the command of a program that answers the first request with Python code, and then ends."""
    return [sys.executable, "-c", f"import sys, os, time\nsys.stdin.readline()\n{text}"]


def ask(tmp_path: Path, text: str, timeout_s: float | None = 20) -> dict[str, Any]:
    return Session("mine", answering(text), tmp_path).ask({"do": "describe"}, timeout_s)


def test_reply_is_one_line_of_json(tmp_path: Path) -> None:
    assert ask(tmp_path, "print('{\"a\": 1}', flush=True)") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("print('hello', flush=True)", CompilerError, "not a JSON object: 'hello'.*standard error"),
        ("print('[1]', flush=True)", CompilerError, r"not a JSON object: '\[1\]'"),
        ("sys.stdout.buffer.write(b'\\xff\\x00\\n')", CompilerError, "not a JSON object"),
        ('print(\'{"error": "no such flag"}\')', CompilerError, "'describe' failed: no such flag"),
        ('print(\'{"unsupported": "too big"}\')', UnsupportedError, "too big"),
        ("sys.exit(3)", ProgramEndedError, "left with exit code 3 during 'describe'"),
        ("os.kill(os.getpid(), 11)", ProgramEndedError, "was ended by SIGSEGV during 'describe'"),
        ("print('half', end='', flush=True)", ProgramEndedError, "left with exit code 0"),
    ],
)
def test_reply_that_is_malformed_is_distinguished(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        ask(tmp_path, text)
    assert type(caught.value) is error


def test_reply_from_silent_program_times_out(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match=r"no answer to 'describe' within 0\.2 s"):
        ask(tmp_path, "time.sleep(60)", 0.2)


def test_line_that_nobody_asked_for_names_request_before_it(tmp_path: Path) -> None:
    session = Session("mine", answering("print('{}\\n{}', flush=True)\nsys.stdin.readline()"), tmp_path)
    assert session.ask({"do": "describe"}, 20) == {}
    with pytest.raises(CompilerError, match=r"after its answer to 'describe' it wrote '\{\}"):
        session.ask({"do": "load"}, 20)


def test_reply_of_many_parts_is_whole(tmp_path: Path) -> None:
    long = "data = b'{\"a\": \"' + b'x' * 20_000_000 + b'\"}\\n'\nsys.stdout.buffer.write(data)\nsys.stdout.flush()"
    assert len(ask(tmp_path, long)["a"]) == 20_000_000


def test_program_that_is_missing_is_reported_with_searched_location(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match=f"no program 'compile-it', neither in {tmp_path} nor on the PATH"):
        describe_command("mine", ["compile-it"], tmp_path, {})


def describing(tmp_path: Path, **changed: Any) -> list[str]:
    """Write a program that describes itself so, and return its command."""
    knob = {"name": "level", "levels": ["O0", "O1"], "default": "O0"}
    description = {"protocol": 1, "knobs": [knob], **changed}
    (tmp_path / "mine.py").write_text(f"import sys\nsys.stdin.readline()\nprint({json.dumps(description)!r})\n")
    return ["python3", "mine.py"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"protocol": 2}, "protocol"),
        ({"knobs": []}, "no primary knob"),
        ({"knobs": [{"name": "reuse", "levels": ["a"], "default": "a"}]}, "ablatrix itself has one of that name"),
        ({"knobs": [{"name": "k", "levels": ["a"], "default": "b"}]}, "default 'b' of knob 'k' is none of its levels"),
        ({"knobs": [{"name": "k", "levels": ["a", "a"], "default": "a"}]}, "lists a level twice"),
        ({"wrong": 1}, "wrong: Extra inputs"),
        ({"files": ["absent.cpp"]}, "absent.cpp cannot be read"),
    ],
)
def test_description_that_is_invalid_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        describe_command("mine", describing(tmp_path, **changed), tmp_path, {})


def test_study_with_program_limits_and_declares_knobs(tmp_path: Path) -> None:
    words: dict[str, Any] = {"level": {"levels": ["O1"]}, "flag": {"levels": ["off", "on"], "affects": "run_time"}}
    entry = describe_command("mine", describing(tmp_path), tmp_path, words)
    level, flag = entry.knob("level"), entry.knob("flag")
    assert level is not None
    assert flag is not None
    assert ([one.name for one in level.levels], level.default) == (["O1"], "O1")
    assert (flag.default, flag.affects, flag.kind) == ("off", "run_time", "primary")
    assert entry.primary == ("level", "flag")
    assert entry.knobs[-1].name == "cache_tag"


def test_program_that_changed_is_another_one(tmp_path: Path) -> None:
    command = describing(tmp_path, files=["kernel.cpp"])
    (tmp_path / "kernel.cpp").write_text("one")
    first = describe_command("mine", command, tmp_path, {})
    assert describe_command("mine", command, tmp_path, {}) == first
    (tmp_path / "kernel.cpp").write_text("other")
    other = describe_command("mine", command, tmp_path, {})
    assert other.program_digest != first.program_digest
    assert other.digest != first.digest


def test_results_of_changed_program_are_not_continued(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "numpy_compiler.py", tmp_path)
    study = tmp_path / "study.yaml"
    study.write_text((EXAMPLE / "study.yaml").read_text(encoding="utf-8"))
    before = make_design(load_study(study))
    with (tmp_path / "numpy_compiler.py").open("a") as stream:
        stream.write("# changed\n")
    after = make_design(load_study(study))
    with pytest.raises(StudyError, match="program or plug-in of compiler 'numpy' has changed"):
        refuse_changed_sources(before, after)
    refuse_changed_sources(after, after)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("command: [python3, numpy_compiler.py]", "command: [python3, no.py]", r":10: numpy: left with exit code 2"),
        ("name: numpy\n    command", "name: tvm\n    command", "'tvm' is the name of a compiler that there is"),
        ("buffers: [fresh, kept]", "buffers: [fresh, old]", "knob 'buffers' of compiler 'numpy' has no level 'old'"),
        ("    command: [python3, numpy_compiler.py]\n", "    knobs: {a: [b]}\n", "'knobs' goes with 'command'"),
    ],
)
def test_study_with_wrong_program_is_refused_with_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    shutil.copy(EXAMPLE / "numpy_compiler.py", tmp_path)
    text = (EXAMPLE / "study.yaml").read_text(encoding="utf-8")
    assert old in text
    study = tmp_path / "study.yaml"
    study.write_text(text.replace(old, new))
    with pytest.raises(StudyError, match=message):
        load_study(study)


def test_tensors_through_files_come_back_unchanged(tmp_path: Path) -> None:
    for form in ("npy", "raw"):
        for tensor in (torch.randn(3, 4).T, torch.arange(5), torch.zeros(0, 2), torch.tensor(1.5)):
            manifest = write_tensor(tensor, tmp_path / "one", form)
            assert torch.equal(read_tensor(manifest, tmp_path, form, "it"), tensor)
    brain = write_tensor(torch.ones(2, dtype=torch.bfloat16), tmp_path / "one", "raw")
    assert read_tensor(brain, tmp_path, "raw", "it").dtype == torch.bfloat16
    with pytest.raises(UnsupportedError, match="bfloat16"):
        write_tensor(torch.ones(2, dtype=torch.bfloat16), tmp_path / "one", "npy")


@pytest.mark.parametrize(
    ("form", "manifest", "message"),
    [
        ("npy", {"file": "one.npy", "dtype": "float32", "shape": [3]}, r"holds torch.float32 of shape \[2\]"),
        ("npy", {"file": "one.npy", "dtype": "float64", "shape": [2]}, "says torch.float64"),
        ("npy", {"file": "two.npy", "dtype": "float32", "shape": [2]}, "cannot be read"),
        ("npy", {"file": "objects.npy", "dtype": "float32", "shape": [1]}, "cannot be read"),
        ("raw", {"file": "one.bin", "dtype": "float32", "shape": [3]}, "8 bytes, but its manifest says 12"),
        ("raw", {"file": "one.bin", "dtype": "floaty", "shape": [2]}, "must be"),
        ("raw", {"file": "one.bin", "shape": [2]}, "must be"),
        ("raw", ["one.bin"], "must be"),
    ],
)
def test_output_that_contradicts_its_manifest_is_refused(
    tmp_path: Path, form: str, manifest: Any, message: str
) -> None:
    numpy.save(tmp_path / "one.npy", numpy.zeros(2, dtype=numpy.float32))
    numpy.save(tmp_path / "objects.npy", numpy.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "one.bin").write_bytes(bytes(8))
    with pytest.raises(CompilerError, match=message):
        read_tensor(manifest, tmp_path, form, "it")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"ms": [1.0, 2.0]}, "3 numbers, one an iteration, got 2 numbers"),
        ({"times": [1.0]}, "one an iteration, got"),
        ({"ms": [1.0, -1.0, 1.0]}, "a time of -1.0 ms"),
        ({"ms": [1.0, float("nan"), 1.0]}, "a time of nan ms"),
        ({"ms": [1.0, "2", 1.0]}, "a time of '2' ms"),
        ({"ms": [4.0, 4.0, 4.0]}, "claims 12.000 ms for 3 iterations, but the request took 10.000 ms"),
    ],
)
def test_times_that_are_impossible_are_refused(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        read_times(answer, 3, 10.0, "mine")
    assert read_times({"ms": [3, 3.0, 3.5]}, 3, 10.0, "mine") == [3.0, 3.0, 3.5]


def test_times_below_processor_time_are_refused_unless_program_waited() -> None:
    with pytest.raises(CompilerError, match=r"claims 4\.000 ms so far, but the program used 40\.000 ms"):
        doubt_times(4.0, 40.0, 3, 1, "mine")
    doubt_times(4.0, 5.0, 1, 1, "mine")  # too little to tell
    doubt_times(22.0, 40.0, 3, 2, "mine")  # two threads
    doubt_times(500.0, 40.0, 3, 1, "mine")  # it waited for something


@pytest.mark.parametrize("answer", [{}, {"threads": {}}, {"threads": {"a": 0}}, {"threads": {"a": True}}])
def test_threads_must_be_reported(answer: dict[str, Any]) -> None:
    with pytest.raises(CompilerError, match="'load' must answer"):
        read_threads(answer, "mine")


def test_artifact_must_exist_with_counts_as_figures(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"code")
    for answer in ({}, {"artifact": "b.so"}, {"artifact": "a.so", "generated_calls": -1}):
        with pytest.raises(CompilerError):
            read_compiled(answer, tmp_path, "mine")
    file, facts = read_compiled({"artifact": "a.so", "generated_calls": 2}, tmp_path, "mine")
    assert (file, facts.generated_calls, facts.planned_bytes) == (tmp_path / "a.so", 2, None)
    assert set(facts.reasons) == {"generated_kernels", "compiler_planned_bytes", "estimator"}


def test_pause_stops_program_of_worker_even_outside_its_group() -> None:
    busy = "while True: pass"
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}], start_new_session=True)"
    worker = subprocess.Popen([sys.executable, "-c", start], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not descendants_of(worker.pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (program,) = descendants_of(worker.pid)
        assert zygote._pause(worker.pid) == WorkerState(state="stopped")
        assert is_stopped(program)
        assert zygote._resume(worker.pid) == WorkerState(state="running")
        assert not is_stopped(program)
    finally:
        for one in (*descendants_of(worker.pid), worker.pid):
            os.kill(one, signal.SIGKILL)
        worker.wait()


def test_pause_of_worker_that_starts_programs_never_waits_for_ever() -> None:
    """A stop between vfork and exec holds the program, and the program holds its parent."""
    start = "import subprocess\nwhile True: subprocess.run(['true'])"
    worker = subprocess.Popen([sys.executable, "-c", start], start_new_session=True)
    try:
        for _ in range(200):
            time.sleep(0.002)
            assert zygote._pause(worker.pid) == WorkerState(state="stopped")
            assert all(map(is_stopped, (worker.pid, *descendants_of(worker.pid))))
            assert zygote._resume(worker.pid) == WorkerState(state="running")
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """Return the record of each planted fault, by its level."""
    directory = tmp_path_factory.mktemp("faults")
    (directory / "study.yaml").write_text(STUDY.format(program=HERE / "faulty_program.py"))
    summary = run(load_study(directory / "study.yaml"), directory / "out")
    return {
        str(one.config.knobs["fault"]): one
        for one in read_records(summary.results, report=lambda _: None)
        if one.role == "measured"
    }


@pytest.mark.parametrize(
    ("fault", "status", "phase", "message"),
    [
        ("garbage", "run_error", "first_run", "not a JSON object: 'now it runs'"),
        ("exit", "crashed", "first_run", "left with exit code 3 during 'run'"),
        ("signal", "crashed", "first_run", "was ended by SIGSEGV during 'run'"),
        ("silence", "timeout", "first_run", "ended by the runner"),
        ("shapes", "wrong_output", "check", "shape"),
        ("fewer", "missing_check", "check", "returned 0 outputs of 1"),
        ("long_times", "run_error", "first_run", "its clock is not a wall clock"),
        ("short_times", "run_error", "run", "reports false times"),
        ("two_times", "run_error", "first_run", "one an iteration"),
        ("absent", "unsupported", None, "nobody has it"),
    ],
)
def test_planted_fault_is_recorded_with_its_status(
    outcomes: dict[str, Record], fault: str, status: str, phase: str | None, message: str
) -> None:
    record = outcomes[fault]
    assert record.status == status, record.error
    assert record.error is not None
    assert record.error.phase == phase
    assert message in record.error.message
    if fault == "signal":
        assert record.error.signal == signal.SIGSEGV
    if fault == "exit":
        assert record.error.exit_code == 3


def test_program_without_fault_is_timed_by_itself(outcomes: dict[str, Record]) -> None:
    assert set(outcomes) == {*faulty_program.FAULTS, "absent"}
    record = outcomes["none"]
    assert record.status == "ok"
    assert record.runtime is not None
    assert record.runtime.timed_by == "program"
    assert record.meta.threads == {"process": 1}
    assert "numpy" in record.meta.versions
    assert record.runtime.reasons["peak_rss_compile_bytes"]
    assert record.runtime.peak_rss_delta_bytes is not None


def test_page_session_matches_reference_replies(tmp_path: Path) -> None:
    found = re.search(r"<!-- session -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    numpy.save(tmp_path / "input_0.npy", numpy.array([[1.0, -2.0]], dtype=numpy.float32))
    numpy.save(tmp_path / "input_1.npy", numpy.array([[1.0, 0.0], [0.0, 1.0]], dtype=numpy.float32))
    session = Session("page", [sys.executable, str(EXAMPLE / "numpy_compiler.py")], tmp_path, 1)
    lines = found[1].replace("/place", str(tmp_path)).splitlines()
    for request, answer in zip(lines[::2], lines[1::2], strict=True):
        assert (request[:2], answer[:2]) == ("> ", "< ")
        got, wanted = session.ask(json.loads(request[2:]), 60), json.loads(answer[2:])
        if "versions" in wanted:
            wanted["versions"] = got["versions"]
        if "ms" in wanted:
            assert len(got["ms"]) == len(wanted["ms"])
            wanted["ms"] = got["ms"]
        assert got == wanted
    session.close()
    assert numpy.load(tmp_path / "output_0.npy").tolist() == [[1.0, 0.0]]


class Crossed(torch.nn.Module):  # type: ignore[misc]
    """Reads its second input first, and makes its second output first."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        early = torch.relu(right)
        return left + early, early


def test_inputs_and_outputs_at_bind_say_which_of_workload_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    plain_ask = Session.ask

    def ask(self: Session, request: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        asked.append(request)
        return plain_ask(self, request, timeout_s)

    monkeypatch.setattr(Session, "ask", ask)
    entry = describe_command("numpy", ["python3", "numpy_compiler.py"], EXAMPLE, {})
    inputs = (torch.tensor([1.0, 2.0]), torch.tensor([-5.0, 5.0]))
    request = make_request(make_program(Crossed(), inputs), tmp_path, entry.levels(()), entry=entry)
    bound = import_compiler(entry).compile(request).bind(inputs)
    bound.run()
    assert [one.tolist() for one in bound.outputs()] == [[1.0, 7.0], [0.0, 5.0]]
    (bind,) = [one for one in asked if one["do"] == "bind"]
    assert [(one["name"], one["input"]) for one in bind["inputs"]] == [("input_0", "right"), ("input_1", "left")]
    assert [one["output"] for one in bind["outputs"]] == [1, 0]


def test_program_is_exported_in_requested_forms(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    module, x = make_gates()
    request = make_request(make_program(module, (x,)), tmp_path)
    (task,) = request.tasks
    manifest = write_task(request, task, ("graph", "pt2", "onnx"), tmp_path)
    weights = dict(request.program.lowered.state_dict)
    assert [one["parameter"] for one in manifest["inputs"]] == [False] + [True] * len(weights)
    assert len(manifest["graph"]["nodes"]) == len(request.graph.nodes if request.graph else ())
    (task_of_plan,) = request.plan.tasks
    parameters = value_tensors(request.program.lowered, capture(request.program.lowered))
    inputs = [parameters.get(value, x) for value in task_of_plan.reads]
    (wanted,) = task.exported.module()(*inputs)
    (loaded,) = torch.export.load(manifest["pt2"]).module()(*inputs)
    assert torch.equal(loaded, wanted)
    session = onnxruntime.InferenceSession(manifest["onnx"], providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    (answer,) = session.run(None, dict(zip(names, (one.detach().numpy() for one in inputs), strict=True)))
    assert torch.allclose(torch.from_numpy(answer), wanted, atol=1e-5)
