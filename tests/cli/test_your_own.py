"""A new user's path as the page says it: own model, own compiler, own study; and plug-ins, as their page says it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablatrix.cli.run import make_quick
from ablatrix.errors import StudyError
from ablatrix.records.journal import read_records
from ablatrix.study.load import load_study
from tests.cli.conftest import Ablatrix
from tests.pages import commands_of, files_of, write_files

PAGE = "your-own-model.md"
EXAMPLES = Path(__file__).parents[2] / "examples"


def write_onnx(path: Path) -> None:
    """Write a model of a product and a ReLU."""
    onnx = pytest.importorskip("onnx")
    weight = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [4, 4], [0.5] * 16)
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, 4]) for name in "xy")
    nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["p"]), onnx.helper.make_node("Relu", ["p"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "net", [x], [y], [weight])
    sets = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("own")
    write_files(PAGE, directory)
    return directory


def test_run_of_onnx_file_covers_both_levels(here: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_onnx(tmp_path / "net.onnx")
    monkeypatch.chdir(tmp_path)
    *_, command = commands_of(PAGE)
    assert "net.onnx" in command
    done = here(*command)
    assert done.returncode == 0, done.stderr.decode()
    records = list(read_records(tmp_path / "given" / "results.jsonl"))
    assert {(record.status, record.meta.process) for record in records} == {("ok", "forked")}
    assert {r.config.knobs["graph_level"] for r in records if r.role == "measured"} == {"disabled", "all"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "'encoder' is the name of a workload that there is; give your model another 'name' (--name)"),
        (["a", "b"], "--name is given 2 times and --model 1 times; each is of a model"),
    ],
)
def test_onnx_file_called_as_workload_needs_name(
    here: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], message: str
) -> None:
    write_onnx(tmp_path / "encoder.onnx")
    monkeypatch.chdir(tmp_path)
    options = [word for name in names for word in ("--name", name)]
    done = here("run", "--model", "encoder.onnx", *options, "--compiler", "onnxruntime", "--out", "given")
    assert done.returncode == 2
    assert message in " ".join(done.stderr.decode().split())


def test_name_of_command_line_is_what_study_calls_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_onnx(tmp_path / "encoder.ONNX")
    monkeypatch.chdir(tmp_path)
    knobs, modes = ["graph_level=disabled,all"], ["cold"]
    resolved, file = make_quick(["encoder.ONNX"], ["onnxruntime"], knobs, modes, None, "given", ["mine"])
    assert [(one.name, one.source) for one in resolved.study.workloads] == [("mine", "../encoder.ONNX")]
    assert load_study(file).study.digest == resolved.study.digest
    with pytest.raises(StudyError, match="--name other: 'mlp' has a name; --name is for a model of your own"):
        make_quick(["mlp"], ["onnxruntime"], knobs, modes, None, "given", ["other"])


def test_page_files_written_by_user_have_at_most_20_lines() -> None:
    files = files_of(PAGE)
    assert {"my_model.py", "my_compiler.py", "my_study.yaml"} <= set(files)
    for name, text in files.items():
        code = [line for line in text.splitlines()[1:] if line.strip()]
        assert len(code) <= 20, name


def test_page_commands_do_what_page_describes(
    ablatrix: Ablatrix, here: Ablatrix, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    quick, again, knobs, study, _ = commands_of(PAGE)
    made = ablatrix(*quick)
    assert made.returncode == 0, made.stderr.decode()
    kept = place / "quick" / "study.yaml"
    assert kept.read_bytes() in made.stderr  # the study is printed as it is kept
    assert load_study(kept).study.digest == json.loads((place / "quick" / "design.json").read_text())["study_digest"]
    records = list(read_records(place / "quick" / "results.jsonl"))
    assert {(record.status, record.mode) for record in records} == {("ok", "cold")}
    assert {record.workload.name for record in records} == {"my_model"}
    assert {record.workload.source for record in records} == {"../my_model.py:make"}
    assert {record.config.knobs["fusion"] for record in records if record.role == "measured"} == {"off", "on"}
    resumed = here(*again)
    assert resumed.returncode == 0
    assert b"0 trials to run" in resumed.stderr
    listed = here(*knobs)
    assert listed.returncode == 0
    assert b"Whether my passes run." in listed.stdout
    done = ablatrix(*study)
    assert done.returncode == 0, done.stderr.decode()
    records = list(read_records(place / "results" / "results.jsonl"))
    assert {record.status for record in records} == {"ok"}
    measured = [record for record in records if record.role == "measured"]
    assert {record.config.compiler for record in measured} == {"mine"}
    assert {record.workload.parameters["width"] for record in records} == {32}
    assert len({record.compile.artifact_digest for record in measured if record.compile}) == 1  # a no-op, as it says
    assert all(record.compile.compile_ms["compile"] > 0 for record in measured if record.compile)


def test_next_run_with_changed_model_notices_it(here: Ablatrix, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    model = place / "my_model.py"
    model.write_text(model.read_text().replace("GELU", "ReLU"))
    refused = here("run", "quick/study.yaml", "--out", "quick")
    assert refused.returncode == 2
    assert b"the file of workload 'my_model' has changed since these results were begun" in refused.stderr


def test_plugin_example_runs_in_every_process(
    ablatrix: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLES / "compiler" / "in_place.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    knobs, run, _ = commands_of("plug-ins.md")
    listed = ablatrix(*knobs)
    assert listed.returncode == 0
    assert "pointwise operators overwrite an input" in " ".join(listed.stdout.decode().split())
    run[run.index("hot")] = "cold"  # the same without 20 blocks
    done = ablatrix(*run, "--knob", "partition=whole,regions")
    assert done.returncode == 0, done.stderr.decode()
    records = [one for one in read_records(tmp_path / "out" / "results.jsonl") if one.role == "measured"]
    assert {one.status for one in records} == {"ok"}
    assert {(one.config.knobs["in_place"], one.config.knobs["partition"]) for one in records} == {
        *(("off", "whole"), ("off", "regions"), ("on", "whole"), ("on", "regions"))
    }
    for record in records:
        assert record.compile is not None
        assert {"import", "compile", "link", "load"} <= set(record.compile.compile_ms)
        assert record.compile.compile_cache_miss_delta_first_run == record.compile.expected_cache_misses
    assert "plugins: [../in_place.py]\n" in (tmp_path / "out" / "study.yaml").read_text()


def test_workload_example_is_listed(ablatrix: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(EXAMPLES / "workload" / "polynomial.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = ablatrix(*commands_of("plug-ins.md")[-1])
    assert listed.returncode == 0, listed.stderr.decode()
    assert b"polynomial" in listed.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "mlp"], "give a study file, or --model and --compiler"),
        (["study.yaml", "--model", "mlp"], "give them or a study file, not both"),
        (["study.yaml", "--device", "cuda"], "give them or a study file, not both"),
        (["--model", "mlp", "--compiler", "tvm", "--device", "gpu"], "'cpu' or 'cuda'"),
        (["--model", "mlp", "--compiler", "tvm", "--knob", "fusion"], "--knob fusion: must be of the form"),
        (["--model", "mlp", "--compiler", "tvm", "--knob", "fusion=maybe"], "has no level 'maybe'; it has: off, on"),
        (["--model", "mlp", "--compiler", "tvm", "--mode", "warm"], "'cold' or 'hot'"),
        (["--model", "mlp", "--compiler", "nvm"], "there is no compiler 'nvm'"),
        (["--model", "nowhere.py:make", "--compiler", "tvm"], "there is no file"),
        (["--model", "mlp", "--compiler", "tvm", "--plugin", "nowhere.py"], "there is no such Python file"),
    ],
)
def test_run_with_words_that_form_no_study_is_refused(
    here: Ablatrix, tmp_path: Path, words: list[str], message: str
) -> None:
    refused = here("run", *words, "--out", tmp_path / "out")
    assert refused.returncode == 2
    assert message in refused.stderr.decode()
    assert "Traceback" not in refused.stderr.decode()
    assert not (tmp_path / "out" / "study.yaml").exists()


@pytest.mark.long
def test_run_of_own_passes_judges_each_by_check_and_digest(ablatrix: Ablatrix, here: Ablatrix, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "own_passes", tmp_path / "own")
    done = ablatrix("run", tmp_path / "own" / "study.yaml", "--out", tmp_path / "out", "--only", "mode=cold")
    assert done.returncode == 1, done.stderr.decode()  # a pass that computes another function is a failure
    made = [one for one in read_records(tmp_path / "out" / "results.jsonl") if one.role == "measured"]
    for compiler in ("tvm", "inductor"):
        own = [one for one in made if one.config.compiler == compiler]
        by_moved = {knob: one for one in own for knob, level in one.config.knobs.items() if level == "on"}
        (base,) = (one for one in own if one.config.knobs == one.config.baseline)
        assert {knob: by_moved[knob].status for knob in ("reciprocal", "tanh_gelu", "nothing")} == {
            "reciprocal": "ok",
            "tanh_gelu": "wrong_output",
            "nothing": "ok",
        }
        digests = {knob: one.compile.artifact_digest for knob, one in by_moved.items() if one.compile is not None}
        assert base.compile is not None
        assert digests["nothing"] == base.compile.artifact_digest != digests["reciprocal"]
        assert base.config.settings["nothing"] == f"pass:{'tvm' if compiler == 'tvm' else 'fx'}_passes.py:nothing"
    found = json.loads(here("diagnose", tmp_path / "out", "--json").stdout)
    assert {(one["compiler"], one["knob"]): one["verdict"] for one in found["proofs"]} == {
        (compiler, knob): "no_op" if knob == "nothing" else "effective"
        for compiler in ("tvm", "inductor")
        for knob in ("reciprocal", "tanh_gelu", "nothing")
    }
    conditions = {
        (one["compiler"], one["trouble"]): [(part["knob"], part["levels"]) for part in one["causes"][0]["sets"][0]]
        for one in found["blame"]
    }
    assert conditions == {(compiler, "wrong_output"): [("tanh_gelu", ["on"])] for compiler in ("tvm", "inductor")}


def test_replay_of_complaint_names_the_two_optimisers_together(here: Ablatrix, tmp_path: Path) -> None:
    study = EXAMPLES / "complaints" / "cast_and_divide.yaml"
    done = here("run", study, "--out", tmp_path / "out", "--only", "fold=on")
    assert done.returncode == 1, done.stderr.decode()  # what cannot be compiled is a failure
    found = json.loads(here("diagnose", tmp_path / "out", "--json").stdout)
    (causes,) = found["blame"]
    assert (causes["trouble"], causes["settled"]) == ("compile_error", True)
    assert [[(one["knob"], one["levels"]) for one in conditions] for conditions in causes["causes"][0]["sets"]] == [
        [("cast", ["on"]), ("divide", ["on"])]
    ]
