"""Wrong usage is one clear message and exit code 2; looking around needs no framework."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import STUDY, Ablatrix

EXAMPLE = Path(__file__).parents[2] / "examples" / "command"
HEAVY = ("torch", "tvm", "matplotlib", "polars", "transformers", "scipy")


@pytest.mark.parametrize(
    ("line", "wrong", "expected"),
    [
        ("name: mlp", "name: mpl", "there is no workload 'mpl'"),
        ("fusion: [off, on]", "fusion: [off, maybe]", "has no level 'maybe'; it has: off, on"),
        ("fusion: [off, on]", "fussion: [off, on]", "has no knob 'fussion'"),
        ("modes:", "mode:", "unknown key 'mode'; did you mean 'modes'?"),
        ("[cold, hot]", "[cold, hot", "not valid YAML"),
    ],
)
@pytest.mark.parametrize("command", ["run", "design", "artifact"])
def test_command_with_wrong_study_gives_one_message_and_exits_with_2(
    here: Ablatrix, tmp_path: Path, command: str, line: str, wrong: str, expected: str
) -> None:
    study = tmp_path / "wrong.yaml"
    assert line in STUDY
    study.write_text(STUDY.replace(line, wrong))
    out = [] if command == "design" else ["--out", str(tmp_path / "out")]
    done = here(command, study, *out)
    message = done.stderr.decode()
    assert done.returncode == 2
    assert expected in message
    assert message.startswith(f"error: {study}:")
    assert "Traceback" not in message
    assert done.stdout == b""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["knobs", "gcc"], "there is no compiler 'gcc'; there are: eager, inductor, onnxruntime, openvino, tvm, xla"),
        (["verify", "/nonexistent"], "no such directory"),
        (["tabulate", "/nonexistent", "--out", "/tmp/never"], "there is no such file"),
        (["schema", "nothing"], "there is no schema of 'nothing'"),
        (["doctor", "--compiler", "gcc"], "there is no compiler 'gcc'"),
        (["run", "x.yaml"], "Missing option '--out'"),
        (["--log-level", "loud", "compilers"], "'loud' is not one of 'debug'"),
    ],
)
def test_command_with_wrong_arguments_gives_one_message_and_exits_2(
    here: Ablatrix, arguments: list[str], expected: str
) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert expected in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["knobs", "gcc"], ["run", "x.yaml"], ["knobs", "eager", "--json"]])
def test_command_in_own_process_answers_as_in_this_one(
    ablatrix: Ablatrix, here: Ablatrix, arguments: list[str]
) -> None:
    """A refusal of ours, one of the parser of arguments, and an answer."""
    apart, within = ablatrix(*arguments), here(*arguments)
    assert (apart.returncode, apart.stdout) == (within.returncode, within.stdout)
    assert apart.stderr.splitlines()[-3:] == within.stderr.splitlines()[-3:]  # above them the parser names the program


def test_only_condition_that_matches_nothing_is_named(here: Ablatrix, study_file: Path) -> None:
    done = here("design", study_file, "--only", "workload=resnet")
    assert done.returncode == 2
    assert b"no trial of this study has workload=resnet; there are: mlp" in done.stderr


@pytest.mark.parametrize("code", ["import ablatrix", "import ablatrix.cli.main", "import ablatrix.study.load"])
def test_import_loads_no_framework(code: str) -> None:
    probe = f"{code}; import sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_framework() -> None:
    probe = (
        "import sys, contextlib; from ablatrix.cli.main import app\n"
        "with contextlib.suppress(SystemExit): app(['--help'])\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_show_completion_prints_shell_script(shell: str) -> None:
    command = [sys.executable, "-c", "from ablatrix.cli.main import main; main()", "--show-completion", shell]
    named = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(command, env=named, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "complete" in done.stdout
    assert done.stderr == ""


def test_log_level_ends_with_command(here: Ablatrix) -> None:
    logger = logging.getLogger("ablatrix")
    before = (logger.level, list(logger.handlers))
    done = here("--log-level", "debug", "knobs", "eager", "--json")
    assert done.returncode == 0
    assert done.stderr.decode().startswith("INFO ablatrix.cli.main: ablatrix ")
    assert json.loads(done.stdout) is not None
    assert (logger.level, list(logger.handlers)) == before


def test_design_of_study_with_old_key_shows_note_on_stderr(here: Ablatrix, tmp_path: Path) -> None:
    study = tmp_path / "old.yaml"
    stages = "stages: [{name: primary, factorial: {fusion: [off, on]}}]"
    study.write_text(f"name: old\nworkloads: [mlp]\ncompilers: [tvm]\nmodes: [cold]\nchecks: {{draws: 2}}\n{stages}\n")
    done = here("design", study)
    assert done.returncode == 0
    assert done.stderr == b"note: study: key 'draws' is now called 'input_sets'; the old spelling is still read\n"


def test_public_names_are_few_sorted_and_present() -> None:
    import ablatrix

    assert sorted(ablatrix.__all__) == ablatrix.__all__
    assert all(getattr(ablatrix, name) is not None for name in ablatrix.__all__)


def test_design_reports_number_of_trials_of_run(here: Ablatrix, study_file: Path) -> None:
    text = here("design", study_file).stdout.decode()
    trials = json.loads(here("design", study_file, "--json").stdout)["trials"]
    assert f"trials: {len(trials)} " in text


def test_compilers_and_knobs_are_listed_with_one_sentence_each(here: Ablatrix) -> None:
    compilers = {one["name"]: one for one in json.loads(here("compilers", "--json").stdout)}
    assert set(compilers) == {"tvm", "inductor", "onnxruntime", "xla", "openvino", "eager"}
    assert all(one["installed"] for one in compilers.values())
    knobs = json.loads(here("knobs", "tvm", "--json").stdout)
    assert [knob["name"] for knob in knobs if knob["kind"] == "primary"] == [
        "partition",
        "reuse",
        "memory_plan",
        "fusion",
    ]
    assert [knob["name"] for knob in knobs][-2:] == ["vectorise", "unroll"]  # settings that a study may name
    sentences = [knob["summary"] for knob in knobs] + [level["summary"] for knob in knobs for level in knob["levels"]]
    assert all(sentence.endswith(".") and len(sentence) > 10 for sentence in sentences)


def test_knobs_of_program_are_those_of_its_study(here: Ablatrix, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    text = (EXAMPLE / "study.yaml").read_text().replace("numpy_compiler.py", str(EXAMPLE / "numpy_compiler.py"))
    study.write_text(text.replace("modes:", "    knobs: {weights: [fortran, given]}\nmodes:"))
    done = here("knobs", "--study", study, "numpy", "--json")
    assert done.returncode == 0, done.stderr.decode()
    levels = {knob["name"]: [level["name"] for level in knob["levels"]] for knob in json.loads(done.stdout)}
    assert (levels["buffers"], levels["weights"]) == (["fresh", "kept"], ["fortran", "given"])
    unknown = here("knobs", "--study", study, "nothing")
    assert unknown.returncode == 2
    assert b"there is no compiler 'nothing'; there are: " in unknown.stderr
    assert b"numpy" in unknown.stderr


@pytest.mark.parametrize("what", ["study", "record", "template", "manifest"])
def test_schema_command_prints_json(here: Ablatrix, what: str) -> None:
    assert "properties" in json.loads(here("schema", what).stdout)


def test_settings_of_compiler_are_listed_by_address(here: Ablatrix) -> None:
    done = here("knobs", "openvino", "--all", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = {f"{one['kind']}:{one['name']}": one for one in json.loads(done.stdout)}
    assert found["property:INFERENCE_PRECISION_HINT"]["value"] == "f32"
    assert found["property:ENABLE_CPU_PINNING"]["type"] == "switch"
    shown = here("knobs", "openvino", "--all").stdout.decode()
    assert "property:NUM_STREAMS" in shown
    assert json.loads(here("knobs", "eager", "--all", "--json").stdout) == []
