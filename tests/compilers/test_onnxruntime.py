"""What is ONNX Runtime's alone: what the first session of a process decides is the setting, whoever built."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.onnxruntime.build import key_facts
from ablatrix.compilers.onnxruntime.options import Options
from ablatrix.compilers.settings import Applied

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.slow,
    pytest.mark.skipif(not SHIPPED["onnxruntime"].installed, reason="onnxruntime is not installed"),
]
PRODUCT = """
import sys
from pathlib import Path

import torch

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.onnxruntime.compiler import OnnxRuntimeCompiler
from ablatrix.compilers.settings import Address, AddressList, add_settings
from ablatrix.testing.requests import Function, make_program, make_request

level, directory = sys.argv[1], Path(sys.argv[2])
x = torch.full((2,), 2e-20)
program = make_program(Function(lambda x: (x * 1e-20 * 1e20 * 1e20,)), (x,))
compiler = OnnxRuntimeCompiler()
compiler.set_threads(1)
knob = {"setting": "session:session.set_denormal_as_zero", "levels": ["0", "1"], "default": "0"}
name = "session.set_denormal_as_zero"  # listed here: asking the library makes a session
listed = Address(kind="session", name=name, type="switch", value="0", affects="run_time", off="0", on="1")
entry, faults = add_settings(SHIPPED["onnxruntime"], {"denormals": knob}, AddressList((listed,)), Path())
assert not faults, faults
request = make_request(program, directory, {"denormals": level}, entry=entry)
for turn in range(int(sys.argv[3])):
    bound = compiler.compile(request).bind((x,))
bound.run()
print(bound.outputs()[0].tolist(), compiler.settings_in_force()["session:session.set_denormal_as_zero"])
"""


def computed(directory: Path, level: str, turns: int) -> str:
    """Compute a product over a number that is below the smallest normal one, in a new process that builds it."""
    words = [sys.executable, "-c", PRODUCT, level, str(directory), str(turns)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("turns", [1, 2])  # built and run; and built, run, and taken from the cache in the same process
def test_onnxruntime_denormals_that_are_flushed_are_zero_where_the_process_builds(tmp_path: Path, turns: int) -> None:
    assert computed(tmp_path, "1", turns).startswith("[0.0, 0.0] 1")


def test_onnxruntime_denormals_that_are_kept_are_no_zero(tmp_path: Path) -> None:
    assert computed(tmp_path, "0", 1) == "[2.0000033378601074, 2.0000033378601074] 0\n"


def test_onnxruntime_denormals_that_are_flushed_share_no_model_with_others() -> None:
    one, other = (Options(1, Applied(run_time={("session", "session.set_denormal_as_zero"): it})) for it in "01")
    assert key_facts(one) != key_facts(other)
    assert key_facts(one) == key_facts(replace(one, threads=2))
