"""What is written for a person to read, and what is said where there is nothing to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.dump import INDEX, TaskDump, claim_directory, finish_dump, start_dump
from ablatrix.errors import TrialError
from ablatrix.testing.checks import ContractError, check_dump
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import make_program, make_request


@pytest.fixture
def asked(tmp_path: Path) -> CompileRequest:
    """A request for three equal blocks, with a dump."""
    program = make_program(Stack(3), (torch.ones(1, 4, 8),))
    request = make_request(program, tmp_path, {"fusion": "on"}, partition="regions", dump=tmp_path / "dump")
    claim_directory(tmp_path / "dump")
    start_dump(request, "mine")
    return request


def index_of(request: CompileRequest) -> dict[str, Any]:
    assert request.dump is not None
    index: dict[str, Any] = json.loads((request.dump / INDEX).read_text())
    return index


def test_dump_index_lists_what_was_compiled_and_tasks_of_plan(asked: CompileRequest) -> None:
    index = index_of(asked)
    assert (index["compiler"], index["workload"]) == ("mine", "toy")
    assert index["knobs"] == {"partition": "regions", "reuse": "keep", "fusion": "on"}
    assert [task["directory"] for task in index["tasks"]] == ["task-0"] * 3
    assert [task["region"] for task in index["tasks"]] == ["layers.0", "layers.1", "layers.2"]
    assert [one["file"] for one in index["files"]] == ["task-0/program.txt"]


def test_dump_by_adapter_without_files_or_reason_breaks_contract(asked: CompileRequest) -> None:
    with pytest.raises(ContractError, match="task-0: nothing of 'after', and no reason"):
        check_dump(asked)
    dump = TaskDump.of(asked, asked.tasks[0])
    for stage in ("before", "after", "code"):
        dump.lacks(stage, "it has none")
    check_dump(asked)


def test_dump_with_unwritable_file_reports_it_and_continues(asked: CompileRequest) -> None:
    dump = TaskDump.of(asked, asked.tasks[0])
    dump.text("before", "first.txt", "A text.", lambda: "text")
    dump.text("after", "second.txt", "Another.", lambda: str(1 // 0))
    index = index_of(asked)
    assert index["files"][-1] == {
        "directory": "task-0",
        "file": "task-0/first.txt",
        "stage": "before",
        "what": "A text.",
    }
    (missing,) = index["missing"]
    assert missing["stage"] == "after"
    assert missing["why"].startswith("second.txt cannot be written: ZeroDivisionError")


def test_dump_without_compiler_answer_gives_reason_from_trial_ending(asked: CompileRequest) -> None:
    assert asked.dump is not None
    TaskDump.of(asked, asked.tasks[0]).text("before", "first.txt", "A text.", lambda: "text")
    finish_dump(asked.dump, "0123", "it failed")
    index = index_of(asked)
    assert index["trial"] == "0123"
    assert index["missing"] == [{"directory": "task-0", "stage": "after", "why": "it failed"}]


def test_dump_writing_counts_to_no_phase(asked: CompileRequest) -> None:
    with asked.clock.phase("compile"):
        TaskDump.of(asked, asked.tasks[0]).text("before", "first.txt", "A text.", lambda: str(torch.ones(500, 500)))
    assert set(asked.clock.milliseconds) == {"compile"}
    assert asked.clock.uncounted_ms["dump"] > asked.clock.milliseconds["compile"]


def test_dump_of_model_with_weights_omits_their_numbers() -> None:
    onnx = pytest.importorskip("onnx")
    from ablatrix.compilers.onnxruntime.build import model_text

    weights = [onnx.numpy_helper.from_array(numpy.full(size, 0.625, "f4"), f"w{size}") for size in (33, 2)]
    nodes = [onnx.helper.make_node("Add", ["x", "w33"], ["y"]), onnx.helper.make_node("Add", ["y", "w2"], ["z"])]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [33]) for name in "xz"]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], weights))
    text = model_text(model.SerializeToString())
    assert text.count("0.625") == 2
    assert "float[33] w33" in text


def test_dump_when_off_makes_no_text(asked: CompileRequest) -> None:
    nowhere = TaskDump(None, 0, asked.clock)
    nowhere.text("before", "first.txt", "A text.", lambda: pytest.fail("it was made"))
    nowhere.lacks("code", "nothing")
    nowhere.collect("own", "code", "Nothing.")
    assert nowhere.folder("own") is None


def test_dump_into_non_empty_or_invalid_directory_is_refused(tmp_path: Path) -> None:
    claim_directory(tmp_path / "new" / "deep")
    claim_directory(tmp_path / "new" / "deep")
    (tmp_path / "file").touch()
    with pytest.raises(TrialError, match="is not empty; a dump goes into an empty or new directory"):
        claim_directory(tmp_path)
    with pytest.raises(TrialError, match="cannot hold a dump"):
        claim_directory(tmp_path / "file")
