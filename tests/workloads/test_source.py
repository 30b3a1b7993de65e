"""Sources: which text means which model, what is read of a function, and what is refused, with the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from ablatrix.errors import WorkloadError
from ablatrix.trials.messages.message import decode, encode
from ablatrix.trials.messages.task import PrepareTask
from ablatrix.workloads.parameters import check_parameters
from ablatrix.workloads.source import derive_name, is_source, read_source, seen_from

MODEL = """
import a_module_that_is_nowhere

SIZE = 3

def make(width: int = 8, rate: float = 0.5, kind="relu", bias=True, depth=None):
    pass

def sized(width, *, layers: int = 2):
    pass

def counted(size=SIZE):
    pass

def free(*sizes):
    pass
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(MODEL.replace(", depth=None", ""))
    (tmp_path / "none.py").write_text(MODEL)
    (tmp_path / "torn.py").write_text("def make(:")
    (tmp_path / "saved.pt2").write_bytes(b"program")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("net.py:make", "net"),
        ("models/net.py:small", "net-small"),
        ("package.models:make", "models"),
        ("package.models:tiny", "models-tiny"),
        ("exported/saved.pt2", "saved"),
        ("hf:llama?layers=2&hidden=256", "llama"),
    ],
)
def test_source_name_is_short_and_derived(source: str, name: str) -> None:
    assert is_source(source)
    assert derive_name(source) == name


def test_source_with_registry_name_is_none() -> None:
    assert not is_source("mlp")


def test_function_parameters_have_types_and_nothing_is_imported(directory: Path) -> None:
    entry = read_source("net", "net.py:make", {}, directory)
    assert check_parameters(entry, {"rate": 1}) == {"width": 8, "rate": 1, "kind": "relu", "bias": True}
    assert entry.tier == "hard"
    assert entry.builder == f"{directory / 'net.py'}:make"
    for wrong in ({"width": 2.5}, {"width": True}, {"kind": 3}, {"bias": 1}, {"rate": "high"}, {"depth": 1}):
        with pytest.raises(WorkloadError, match=next(iter(wrong))):
            check_parameters(entry, wrong)


def test_parameter_without_default_must_be_given(directory: Path) -> None:
    entry = read_source("net", "net.py:sized", {}, directory)
    with pytest.raises(WorkloadError, match="'width' has no default; give it under 'parameters'"):
        check_parameters(entry, {})
    assert check_parameters(entry, {"width": 4}) == {"width": 4, "layers": 2}


def test_source_digest_of_changed_file_differs(directory: Path) -> None:
    before = read_source("net", "net.py:make", {}, directory).origin
    (directory / "net.py").write_text("def make(width: int = 9):\n    pass\n")
    after = read_source("net", "net.py:make", {}, directory)
    assert before is not None
    assert after.origin is not None
    assert before.digest != after.origin.digest
    assert check_parameters(after, {}) == {"width": 9}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.py:make", "there is no file .*absent.py; paths are relative to the study file"),
        ("net.py:build", "no function 'build' at its top level; there are: make, sized, counted, free"),
        ("net.py:counted", r"net.py:\d+: the default of 'size' of 'counted' must be a number, a text or a boolean"),
        ("net.py:free", "'free' must name its parameters"),
        ("none.py:make", "the default of 'depth'"),
        ("torn.py:make", "is not Python that can be read"),
        ("no_such_module_here:make", "there is no module 'no_such_module_here'"),
        ("net.py", r"none of the forms: file.py:function, module:function, file.pt2, file.onnx\?tokens=32, hf:"),
        ("net.onnx", "there is no file .*net.onnx"),
        ("hf:llama?layers", "'layers' must be of the form field=value"),
        (
            "hf:lama?layers=2",
            r"source 'hf:lama\?layers=2': transformers has no architecture 'lama'; similar names: .*llama",
        ),
    ],
)
def test_source_that_cannot_be_read_is_refused_with_remedy(directory: Path, source: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        read_source("net", source, {}, directory)


def test_architecture_takes_fields_from_source_and_study(directory: Path) -> None:
    entry = read_source("llama", "hf:llama?layers=2&hidden=64&tie=true&depths=1,2", {"hidden": 32}, directory)
    assert check_parameters(entry, {"hidden": 32}) == {"layers": 2, "hidden": 32, "tie": True, "depths": "1,2"}


def test_entry_reaches_other_process_in_its_task(directory: Path) -> None:
    entry = read_source("net", "net.py:make", {}, directory, "tiny", ["tokens"])
    task = PrepareTask(
        entry=entry,
        parameters={},
        input_sets=1,
        seed=0,
        largest={},
        threads=1,
        directory=directory,
        memory_limit_mb=None,
    )
    assert decode(encode(task), TypeAdapter(PrepareTask)).entry == entry


def test_source_from_other_directory_keeps_its_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(directory)
    assert seen_from(directory / "out", "net.py:make") == "../net.py:make"
    assert seen_from(directory / "out", "saved.pt2") == "../saved.pt2"
    assert seen_from(directory / "out", "net.onnx?tokens=8") == "../net.onnx?tokens=8"
    assert seen_from(directory / "out", "package.models:make") == "package.models:make"
    assert seen_from(directory / "out", "hf:bert?layers=1") == "hf:bert?layers=1"


def test_sources_are_read_without_torch(directory: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ablatrix.workloads.source import read_source; "
        f"read_source('net', 'net.py:make', {{}}, Path({str(directory)!r})); "
        "read_source('bert', 'hf:bert?layers=1', {}, Path()); "
        "print({'torch', 'transformers', 'a_module_that_is_nowhere'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
