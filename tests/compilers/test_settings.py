"""Settings against the installed compilers: listed, applied in one place, proven by digest, read back."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry, Level, SettingValue
from ablatrix.compilers.settings import Address, AddressList, add_settings, ask_addresses
from ablatrix.errors import CompilerError
from ablatrix.import_spec import import_place
from ablatrix.testing.subject import Case, Subject
from tests.compilers.conftest import COMPUTES_BF16

pytestmark = pytest.mark.usefixtures("exported_once")
COMPILERS = ("onnxruntime", "inductor", "tvm", "xla", "openvino")
EXPECTED = {
    "onnxruntime": [
        "optimizer:SkipLayerNormFusion",
        "optimizer:ConstantFolding",
        "optimizer:EliminateIdentity",
        "session:session.intra_op.allow_spinning",
        "session:session.disable_prepacking",
        "option:execution_mode",
        "option:inter_op_num_threads",
    ],
    "inductor": [
        "config:cpp.simdlen",
        "config:epilogue_fusion",
        "config:cpp.enable_unsafe_math_opt_flag",
        "pass:pre_grad_passes.group_batch_fusion_passes",
        "pass:joint_graph_passes.remove_noop_ops",
        "pass:post_grad_passes.remove_noop_ops",
        "pass:post_grad_passes.pass_pattern_2",
        "lowering:aten._softmax",
        "lowering:aten.gelu",
        "lowering:aten.sigmoid",
    ],
    "tvm": [
        "pass:FoldConstant",
        "pass:tirx.UnrollLoop",
        "config:tirx.UnrollLoop.auto_max_step",
        "config:tirx.disable_vectorize",
        "target:opt-level",
        "target:mattr",
    ],
    "xla": ["flag:xla_cpu_prefer_vector_width", "pass:algsimp", "pass:dce"],
    "openvino": ["property:INFERENCE_PRECISION_HINT", "property:SNIPPETS_MODE", "property:ENABLE_HYPER_THREADING"],
}
# Settings, one of each kind, with the level that changes the code of a small program.
ACTING: list[tuple[str, dict[str, Any]]] = [
    ("onnxruntime", {"setting": "optimizer:MatMulAddFusion", "level": "off", "around": {"fusion": "on"}}),
    ("inductor", {"setting": "config:cpp.simdlen", "levels": [1], "level": 1}),
    ("tvm", {"setting": "pass:FuseOps", "level": "off", "around": {"fusion": "on"}}),
    ("tvm", {"setting": "config:tirx.UnrollLoop.auto_max_step", "levels": [0, 128], "level": 128}),
    ("tvm", {"setting": "target:opt-level", "levels": [0, 3], "level": 0}),
    ("tvm", {"setting": "llvm:vectorize-loops:bool", "level": "off"}),
    ("xla", {"setting": "flag:xla_cpu_prefer_vector_width", "levels": [128, 512], "level": 128}),
    ("xla", {"setting": "pass:algsimp", "level": "off"}),
    ("openvino", {"setting": "property:INFERENCE_PRECISION_HINT", "levels": ["f32", "bf16"], "level": "bf16"}),
]
IDLE = {"setting": "optimizer:AttentionFusion"}


@pytest.fixture(scope="module")
def listed() -> dict[str, AddressList]:
    return {name: ask_addresses(SHIPPED[name]) for name in COMPILERS}


def with_setting(name: str, words: dict[str, Any], known: AddressList) -> CompilerEntry:
    kept = {key: value for key, value in words.items() if key not in {"level", "around"}}
    entry, faults = add_settings(SHIPPED[name], {"it": kept}, known, Path())
    assert not faults
    return entry


def subject(entry: CompilerEntry, directory: Path) -> Subject:
    return Subject(import_place(entry.adapter)(), entry, directory)


def output(case: Case) -> torch.Tensor:
    bound = case.executable.bind((case.draw.inputs[0].clone(),))
    bound.run()
    (found,) = bound.outputs()
    return found.clone()


def wrapper(case: Case) -> str:
    """Return the program that Inductor generated: part of the artifact, a zip."""
    file = next(one for one in case.directory.rglob("*") if one.is_file() and zipfile.is_zipfile(one))
    return zipfile.ZipFile(file).read("wrapper.py").decode()


@pytest.mark.parametrize("name", COMPILERS)
def test_settings_of_installed_compiler_are_listed(name: str, listed: dict[str, AddressList]) -> None:
    found = {f"{one.kind}:{one.name}" for one in listed[name].addresses}
    assert [address for address in EXPECTED[name] if address not in found] == []


@pytest.mark.parametrize("name", COMPILERS)
def test_knobs_of_catalogue_act_by_addresses_and_values_that_are_there(
    name: str, listed: dict[str, AddressList]
) -> None:
    """The catalogue is data: an address or a word that the installed compiler does not have would do nothing."""
    wrong = []
    for knob in (*SHIPPED[name].knobs, *SHIPPED[name].offers):
        for setting in knob.acts:
            address = listed[name].find(setting.kind, setting.name)
            values = [value for _, value in setting.values if value is not None]
            wrong += [setting.address] if address is None else []
            wrong += [f"{setting.address}={value}" for value in values if address and not takes(address, value)]
    assert wrong == []


def takes(address: Address, value: SettingValue) -> bool:
    """Return whether an address can be set to a value."""
    if address.type == "switch":
        return value in (address.off, address.on)
    if address.type == "text":
        return isinstance(value, str) and (not address.choices or value in address.choices)
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_setting_on_offer_is_in_force_and_read_back(tmp_path: Path) -> None:
    made = subject(SHIPPED["onnxruntime"].taking(["spinning", "inter_op_threads"]), tmp_path)
    one = made.case()
    made.compile({"spinning": "on", "inter_op_threads": 2}, one.directory)
    assert made.compiler.settings_in_force() == {  # type: ignore[attr-defined]
        "session:session.intra_op.allow_spinning": "1",
        "session:session.inter_op.allow_spinning": "1",
        "option:inter_op_num_threads": "2",
    }


@pytest.mark.parametrize(("name", "words"), ACTING, ids=[words["setting"] for _, words in ACTING])
def test_setting_changes_code_and_default_level_does_not(
    name: str, words: dict[str, Any], listed: dict[str, AddressList], tmp_path: Path
) -> None:
    if words["level"] == "bf16" and not COMPUTES_BF16:
        pytest.skip("OpenVINO computes in bfloat16 with AVX-512 alone")
    made = subject(with_setting(name, words, listed[name]), tmp_path)
    around = words.get("around", {})
    moved = {**around, "it": words["level"]}
    one, other = made.case(around), made.case(moved)
    assert one.executable.facts.artifact_digest != other.executable.facts.artifact_digest
    assert one.counters.misses == other.counters.misses == 1
    again = made.compile(moved, other.directory)
    assert again.counters.hits_disk == 1
    missed = made.compile(around, other.directory)
    assert missed.counters.misses == 1
    assert missed.executable.facts.artifact_digest == one.executable.facts.artifact_digest


def test_inductor_pass_and_lowering_switched_off_change_code(listed: dict[str, AddressList], tmp_path: Path) -> None:
    words = {
        "fuse": {"setting": "pass:post_grad_passes.pass_pattern_2"},
        "sigmoid": {"setting": "lowering:aten.sigmoid"},
        "idle": {"setting": "pass:post_grad_passes.remove_assert_ops"},
    }
    entry, faults = add_settings(SHIPPED["inductor"], words, listed["inductor"], Path())
    assert not faults
    made = subject(entry, tmp_path)
    levels: list[dict[str, Level]] = [{}, {"fuse": "off"}, {"sigmoid": "off"}, {"idle": "off"}]
    base, fuse, sigmoid, idle = (made.case(one) for one in levels)
    assert len({base.digest, fuse.digest, sigmoid.digest}) == 3
    assert idle.digest == base.digest
    assert "torch.ops.aten.sigmoid.default(" in wrapper(sigmoid)
    assert "torch.ops.aten.sigmoid.default(" not in wrapper(base)
    assert made.compile({"sigmoid": "off"}, sigmoid.directory).counters.hits_disk == 1
    for one in (fuse, sigmoid):
        torch.testing.assert_close(output(one), output(base))


def test_setting_that_does_nothing_has_same_digest(listed: dict[str, AddressList], tmp_path: Path) -> None:
    made = subject(with_setting("onnxruntime", IDLE, listed["onnxruntime"]), tmp_path)
    digests = {made.case({"it": level}).executable.facts.artifact_digest for level in ("off", "on")}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("onnxruntime", {"setting": "session:session.intra_op.allow_spinning", "level": "on"}, "1"),
        ("onnxruntime", {"setting": "option:inter_op_num_threads", "levels": [1, 2], "level": 2}, "2"),
        ("openvino", {"setting": "property:ENABLE_CPU_PINNING", "level": "on"}, "True"),
    ],
)
def test_setting_of_run_time_is_read_back_and_hits_cache(
    name: str,
    words: dict[str, Any],
    value: str,
    listed: dict[str, AddressList],
    tmp_path: Path,
) -> None:
    made = subject(with_setting(name, words, listed[name]), tmp_path)
    one = made.case()
    before = dict(made.compiler.settings_in_force())  # type: ignore[attr-defined]
    other = made.compile({"it": words["level"]}, one.directory)
    assert other.counters.hits_disk == 1
    after = dict(made.compiler.settings_in_force())  # type: ignore[attr-defined]
    assert after == {words["setting"]: value}
    assert before.keys() == after.keys()
    assert before != after


def test_value_that_compiler_does_not_take_up_is_read_back_as_it_is(
    listed: dict[str, AddressList], tmp_path: Path
) -> None:
    words = {"setting": "option:execution_mode", "levels": ["ORT_SEQUENTIAL", "ORT_PARALLEL"]}
    made = subject(with_setting("onnxruntime", words, listed["onnxruntime"]), tmp_path)
    made.case({"it": "ORT_PARALLEL"})  # with one thread between operators, ONNX Runtime runs them in order
    assert made.compiler.settings_in_force() == {"option:execution_mode": "ORT_SEQUENTIAL"}  # type: ignore[attr-defined]


def test_compiler_that_fails_with_setting_raises_typed_error(listed: dict[str, AddressList], tmp_path: Path) -> None:
    made = subject(with_setting("tvm", {"setting": "pass:LegalizeOps"}, listed["tvm"]), tmp_path)
    with pytest.raises(CompilerError, match="tvm failed on task 0"):
        made.case({"it": "off"})


def test_answer_of_compiler_is_kept_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    entry = SHIPPED["openvino"]
    first = ask_addresses(entry)
    (kept,) = (tmp_path / "ablatrix" / "settings").iterdir()
    monkeypatch.setattr(subprocess, "run", None)
    assert ask_addresses(entry) == first
    kept.write_text("damaged")
    with pytest.raises(TypeError):
        ask_addresses(entry)


@pytest.mark.parametrize(
    ("name", "setting", "levels", "message"),
    [
        ("onnxruntime", "optimizer:SkipLayerNormFuson", None, "nearest: SkipLayerNormFusion"),
        ("onnxruntime", "option:execution_mode", ["parallel"], "must be one of ORT_SEQUENTIAL, ORT_PARALLEL"),
        ("inductor", "config:cpp.simdlenn", [256], "nearest: cpp.simdlen"),
        ("inductor", "config:cpp.simdlen", ["wide"], "must be a whole number"),
        ("inductor", "pass:remove_noop_ops", None, "nearest: .*post_grad_passes.remove_noop_ops"),
        ("inductor", "lowering:aten.softmax", None, "nearest: aten._softmax"),
        ("inductor", "lowering:aten.copy_", None, "has no lowering .aten.copy_. among"),
        ("tvm", "pass:FoldConstants", None, "nearest: FoldConstant"),
        ("tvm", "config:tirx.UnrollLoop.auto_max_steps", [16], "nearest: tirx.UnrollLoop.auto_max_step"),
        ("tvm", "target:fast-math", [2], "must be off or on"),
        ("xla", "flag:xla_cpu_fast_math", None, "nearest: .*xla_cpu_enable_fast_math"),
        ("xla", "pass:algsimpl", None, "nearest: algsimp"),
        ("openvino", "property:INFERENCE_PRECISION_HINTS", ["f32"], "nearest: INFERENCE_PRECISION_HINT"),
        ("openvino", "property:INFERENCE_PRECISION_HINT", ["float32"], "must be one of .*f32"),
        ("openvino", "property:INFERENCE_NUM_THREADS", [2], "what the knob 'threads' sets"),
    ],
)
def test_wrong_name_or_level_is_one_message_with_remedy(
    name: str, setting: str, levels: list[Any] | None, message: str, listed: dict[str, AddressList]
) -> None:
    words = {"setting": setting, **({} if levels is None else {"levels": levels})}
    _, faults = add_settings(SHIPPED[name], {"it": words}, listed[name], Path())
    (text,) = faults.values()
    assert re.search(message, text), text
    assert "\n" not in text
