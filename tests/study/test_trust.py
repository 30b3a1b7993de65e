"""Studies of bundles: what they would run is named, and nothing of it runs unless it is trusted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablatrix.canonical import digest_bytes
from ablatrix.errors import StudyError
from ablatrix.records.bundle import bundle_of
from ablatrix.study.load import load_study, read_study
from ablatrix.study.trust import ForeignStudy, refuse_untrusted_study, refuse_untrusted_work

REST = "modes: [cold]\nstages: [{name: all, factorial: {fusion: [off, on]}}]\n"
PLAIN = "name: s\nworkloads: [mlp]\ncompilers: [tvm]\n" + REST
TRAP = "open('ran', 'w').close()\n"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, which has a manifest; whatever of it is imported or started leaves a file ``ran``."""
    monkeypatch.chdir(tmp_path)
    for name in ("plug.py", "net.py", "passes.py", "tool.py", "net.pt2"):
        (tmp_path / name).write_text(TRAP)
    (tmp_path / "plug.py").write_text(f"def later():\n    import beside\n{TRAP}")
    (tmp_path / "beside.py").write_text(TRAP)
    names = ("plug.py", "net.py", "passes.py", "tool.py", "net.pt2")
    files = [{"path": name, "sha256": digest_bytes((tmp_path / name).read_bytes())} for name in names]
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": files}))
    yield tmp_path
    sys.modules.pop("plug", None)


@pytest.mark.parametrize(
    ("study", "named"),
    [
        ("plugins: [plug.py]\n" + PLAIN, ["plug.py", "a plug-in, imported when the study is read", "beside.py"]),
        (
            PLAIN.replace("[mlp]", "[{name: n, source: 'net.py:make'}]"),
            ["net.py", "the model 'n', imported and called"],
        ),
        (PLAIN.replace("[mlp]", "[{name: n, source: net.pt2}]"), ["net.pt2", "which torch loads and runs"]),
        (PLAIN.replace("[mlp]", "[{name: n, source: 'os:system'}]"), ["os:system", "an installed module"]),
        (
            PLAIN.replace("[tvm]", "[{name: c, command: [python, tool.py]}]"),
            ["python tool.py", "a program that is started", "tool.py", "a file of the compiler 'c'"],
        ),
        (
            PLAIN.replace("[tvm]", f"[{{name: c, command: [python, -c, '{'x' * 300}']}}]"),
            ["python -c xxx", "a program that is started"],
        ),
        (
            PLAIN.replace("[tvm]", "[{name: tvm, knobs: {p: {pass: 'passes.py:Mine', after: FuseOps}}}]"),
            ["passes.py", "a pass of the knob 'p', imported and run"],
        ),
        (
            PLAIN.replace("[tvm]", "[{name: tvm, knobs: {p: {pipeline: 'passes.py:make'}}}]"),
            ["passes.py", "a pipeline of the knob 'p', imported and run"],
        ),
        (
            PLAIN.replace("[tvm]", "[{name: tvm, knobs: {p: {setting: 'env:LD_PRELOAD', levels: [./x.so]}}}]"),
            ["env:LD_PRELOAD", "set to ./x.so, which may load a library or a program"],
        ),
        (
            PLAIN.replace("[tvm]", "[{name: xla, knobs: {p: {setting: 'flag:xla_dir'}}}]").replace(
                "fusion: [off, on]", "p: [none, ./lib]"
            ),
            ["flag:xla_dir", "set to none, ./lib"],
        ),
    ],
)
def test_study_of_bundle_with_code_is_refused_and_names_it(bundle: Path, study: str, named: list[str]) -> None:
    (bundle / "study.yaml").write_text(study)
    with pytest.raises(StudyError) as refused:
        load_study("study.yaml")
    (line,) = str(refused.value).splitlines()
    assert line.startswith("study.yaml: comes with the bundle ")
    assert line.endswith("nothing was run; read it, and if you trust it, give --trust (docs/security.md)")
    for words in named:
        assert words in line
    for name in named:
        if (bundle / name).is_file():
            assert digest_bytes((bundle / name).read_bytes()) in line
    assert not (bundle / "ran").exists()


def test_study_with_faults_runs_no_code_either(bundle: Path) -> None:
    (bundle / "study.yaml").write_text("plugins: [plug.py]\nnonsense: 1\n" + PLAIN)
    with pytest.raises(StudyError, match=r"would run code of it: plug\.py"):
        load_study("study.yaml")
    assert not (bundle / "ran").exists()


def test_file_that_manifest_does_not_list_so_is_marked(bundle: Path) -> None:
    (bundle / "net.py").write_text(TRAP + "# changed\n")
    (bundle / "study.yaml").write_text(PLAIN.replace("[mlp]", "['net.py:make', 'net.pt2']"))
    with pytest.raises(StudyError) as refused:
        load_study("study.yaml")
    changed = digest_bytes((bundle / "net.py").read_bytes())
    assert f"net.py (SHA-256 {changed}, NOT as the manifest lists it, the model" in str(refused.value)
    assert str(refused.value).count("NOT as the manifest") == 1


def test_trusted_study_is_loaded_and_runs_its_plugin(bundle: Path) -> None:
    (bundle / "study.yaml").write_text("plugins: [plug.py]\n" + PLAIN)
    with pytest.raises(StudyError, match="adds nothing"):  # it was imported
        load_study("study.yaml", trust=True)
    assert (bundle / "ran").exists()


@pytest.mark.parametrize("answer", [True, False])
def test_whoever_is_asked_sees_the_code_and_decides(bundle: Path, answer: bool) -> None:
    (bundle / "study.yaml").write_text("plugins: [plug.py]\n" + PLAIN)
    asked: list[ForeignStudy] = []

    def ask(found: ForeignStudy) -> bool:
        asked.append(found)
        return answer

    with pytest.raises(StudyError, match="adds nothing" if answer else "nothing was run"):
        load_study("study.yaml", trust=ask)
    assert [one.what for one in asked[0].code] == ["plug.py", "beside.py"]
    assert (bundle / "ran").exists() == answer


def test_study_of_ones_own_is_never_asked_about(bundle: Path) -> None:
    (bundle / "MANIFEST.json").unlink()
    (bundle / "study.yaml").write_text("plugins: [plug.py]\n" + PLAIN)
    study = read_study(bundle / "study.yaml")
    refuse_untrusted_study(study, bundle / "study.yaml", trust=False)


def test_study_of_bundle_without_code_is_loaded(bundle: Path) -> None:
    (bundle / "tiny").mkdir()
    (bundle / "tiny/study.yaml").write_text(PLAIN)
    assert load_study("tiny/study.yaml").study.name == "s"


def test_study_below_a_bundle_is_of_the_bundle(bundle: Path) -> None:
    (bundle / "tiny").mkdir()
    (bundle / "tiny/study.yaml").write_text("plugins: [../plug.py]\n" + PLAIN)
    with pytest.raises(StudyError, match=r"\.\./plug.py \(SHA-256"):
        load_study("tiny/study.yaml")
    found = bundle_of(bundle / "tiny")
    assert found is not None
    assert found.directory == bundle.resolve()


def test_names_of_strangers_are_shown_on_one_line(bundle: Path) -> None:
    text = PLAIN.replace("[tvm]", '[{name: c, command: ["sh", "-c", "x\\n\\e[2Jevil\\u202e"]}]')
    (bundle / "study.yaml").write_text(text)
    with pytest.raises(StudyError) as refused:
        load_study("study.yaml")
    assert str(refused.value).isprintable()
    assert r"sh -c x\n\x1b[2Jevil\u202e" in str(refused.value)


def test_plugin_that_is_no_plain_file_is_named_and_not_read(bundle: Path) -> None:
    (bundle / "study.yaml").write_text("plugins: [/dev/zero]\n" + PLAIN)
    with pytest.raises(StudyError, match="/dev/zero"):
        load_study("study.yaml")


def test_run_into_bundle_with_working_files_is_refused(bundle: Path) -> None:
    refuse_untrusted_work(bundle, trust=False)
    (bundle / "work").mkdir()
    refuse_untrusted_work(bundle, trust=True)
    with pytest.raises(StudyError, match="prepared programs and compile caches, which a run loads"):
        refuse_untrusted_work(bundle, trust=False)
