"""The lock of a bundle: what its study needs, exactly as ablatrix is tested, and nothing of other compilers."""

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ablatrix.artifact.bundle.lock import study_lock

WHOLE = (Path(__file__).parents[2] / "requirements.lock").read_text(encoding="utf-8")
OF_COMPILER = {"tvm": "apache-tvm", "onnxruntime": "onnxruntime", "xla": "jax", "openvino": "openvino"}
OF_DEVELOPMENT = ("mypy", "playwright", "pytest", "ruff", "sphinx", "hypothesis")


def lines_of(lock: str) -> dict[str, str]:
    lines = (line for line in lock.splitlines() if line and not line.startswith("#"))
    return {canonicalize_name(line.partition("==")[0]): line for line in lines}


def test_lock_of_tvm_study_has_no_other_compiler_and_no_tool_of_ours() -> None:
    lines = lines_of(study_lock(WHOLE, {"tvm", "eager"}, (), {}))
    assert {"apache-tvm", "torch", "transformers", "polars", "setuptools"} <= lines.keys()
    assert lines.keys().isdisjoint({"onnxruntime", "jax", "openvino", *OF_DEVELOPMENT})
    assert set(lines.values()) <= set(WHOLE.splitlines())


@pytest.mark.parametrize("compiler", sorted(OF_COMPILER))
def test_lock_has_package_of_each_compiler_of_study(compiler: str) -> None:
    lines = lines_of(study_lock(WHOLE, {compiler}, (), {}))
    assert {OF_COMPILER[compiler], OF_COMPILER["tvm"]} <= lines.keys()  # the tiny study beside it runs TVM


def test_lock_of_study_with_onnx_file_can_read_it() -> None:
    assert {"onnx", "onnxscript"} <= lines_of(study_lock(WHOLE, {"tvm"}, ["models/net.onnx"], {})).keys()


def test_lock_has_all_that_its_packages_need() -> None:
    lines = lines_of(study_lock(WHOLE, {"tvm", "xla"}, (), {}))
    for name in lines:
        for text in metadata.requires(name) or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                assert canonicalize_name(one.name) in lines, (name, text)


def test_lock_where_metadata_is_missing_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = metadata.requires

    def requires(name: str) -> list[str] | None:
        if name == "torch":
            raise metadata.PackageNotFoundError(name)
        return asked(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert study_lock(WHOLE, {"tvm"}, (), {}) == WHOLE


def test_lock_has_plugins_packages_and_each_package_once() -> None:
    lock = study_lock(WHOLE, {"mine"}, (), {"mine-base": "3.13", "Torch": "2.0", "onnx": "1.0", "ablatrix": "1.0"})
    assert lock.endswith("# For the plug-ins of this study:\nmine-base==3.13\n")
    assert lines_of(lock)["onnx"] in WHOLE
