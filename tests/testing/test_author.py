"""An author with the docs alone: her compiler passes the suite, and the suite shows her three faults."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.testing import CompilerContract
from tests.testing.tape_compiler import ENTRY

SOURCE = Path(__file__).with_name("tape_compiler.py").read_text(encoding="utf-8")
TEST = """
from {name} import ENTRY
from ablatrix.testing import CompilerContract

class Test(CompilerContract):
    entry = ENTRY
"""
RULES = "configurations or change_code or rebuild"
FAULTS = {
    "wrong_value": (
        "copyto(buffer, values[name])",
        "copyto(buffer, values[name] + 1)",
        "test_configurations_are_right_quiet_and_give_facts",
        r"program 'gates', default levels: the outputs are not those of the float64 reference: .*output 0: "
        r"\d+ of \d+ elements are wrong",
    ),
    "idle_knob": (
        "            if options:\n",
        "            if False:\n",
        "test_code_knobs_change_code",
        r"compiler 'tape': 'fuse: on' must change the code of a small program, but the code is the same",
    ),
    "unsteady": (
        "file.write_text(json.dumps(tape))",
        'file.write_text(json.dumps({**tape, "built": __import__("time").time_ns()}))',
        "test_rebuild_gives_same_code",
        r"the same request gave artifact_digest \w+\.\.\., then \w+\.\.\.; leave times, paths",
    ),
}


class TestTape(CompilerContract):
    entry = replace(ENTRY, adapter="tests.testing.tape_compiler:TapeCompiler")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of three faulty compilers, each in a file of its own with its test."""
    directory = tmp_path_factory.mktemp("author")
    for name, (right, wrong, _, _) in FAULTS.items():
        assert SOURCE.count(right) == 1
        text = SOURCE.replace(right, wrong).replace("tape_compiler:", f"{name}:")
        (directory / f"{name}.py").write_text(text, encoding="utf-8")
        (directory / f"test_{name}.py").write_text(TEST.format(name=name), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-q", "-k", RULES, "--tb=short", "--show-capture=no"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_fails_its_rule_with_message(report: str, name: str) -> None:
    _, _, rule, message = FAULTS[name]
    assert re.findall(rf"^FAILED test_{name}\.py::Test::(\w+)", report, re.MULTILINE) == [rule]
    assert re.search(message, report)
