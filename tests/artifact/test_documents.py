"""README, appendix, citation and crate say what the records hold, and stay the same for the same artifact."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ablatrix.artifact.contents.answered_claims import RecordedClaim
from ablatrix.artifact.contents.environment import (
    ENVIRONMENT_VERSION,
    RunCost,
    environment_schema_text,
    make_environment,
)
from ablatrix.artifact.contents.manifest import read_manifest
from ablatrix.artifact.contents.reading import read_artifact
from ablatrix.artifact.documents.facts import Facts, duration, read_facts, size
from ablatrix.artifact.documents.make import make_documents
from ablatrix.records.model import Record
from tests.artifact.conftest import FINDING
from tests.synthetic import Plant, make_records

CHECKLIST = (
    "Algorithm", "Program", "Compilation", "Transformations", "Binary", "Model", "Data set", "Run-time environment",
    "Hardware", "Run-time state", "Execution", "Metrics", "Output", "Experiments",
    "How much disk space required (approximately)?", "How much time is needed to prepare workflow (approximately)?",
    "How much time is needed to complete experiments (approximately)?", "Publicly available?",
    "Code licenses (if publicly available)?", "Data licenses (if publicly available)?", "Workflow framework used?",
    "Archived (provide DOI)?",
)  # fmt: skip
SECTIONS = (
    "Abstract", "Artifact check-list (meta-information)", "Description", "How to access", "Hardware dependencies",
    "Software dependencies", "Data sets", "Models", "Installation", "Experiment workflow",
    "Evaluation and expected results", "Experiment customization", "Notes", "Methodology",
)  # fmt: skip
CLAIM = RecordedClaim(
    id="fast_attention",
    statement="fusion cuts the run time of attention on tvm by a factor of at least 1.5",
    wanted=">= 1.5",
    state="holds",
    found="1.67 [1.61, 1.72]",
    workload="attention",
    compiler="tvm",
    modes=("cold",),
)


@pytest.fixture(scope="module")
def facts(assembled: Path, records: list[Record]) -> Facts:
    return read_facts(read_artifact(assembled), records, read_manifest(assembled).files)


@pytest.fixture(scope="module")
def failed(facts: Facts) -> Facts:
    plant = Plant("crashed", "attention", "cold", {"fusion": "on", "reuse": "keep"})
    records = make_records(workloads=("attention",), blocks=1, modes=("cold",), plants=[plant])
    cost = RunCost(seconds=754.0, trials=len(records), largest_process_bytes=3 << 29, work_bytes=5 << 20)
    environment = make_environment([FINDING], cost)
    return replace(facts, records=tuple(records), environment=environment, claims=(CLAIM,))


def test_appendix_has_every_section_and_checklist_entry(facts: Facts) -> None:
    texts = make_documents(facts)
    headings = re.findall(r"^#+ (.*)$", texts["APPENDIX.md"], re.M)
    assert headings[1:] == list(SECTIONS)
    assert re.findall(r"^- \*\*([A-Z].*?):?\*\*", texts["APPENDIX.md"], re.M)[: len(CHECKLIST)] == list(CHECKLIST)
    for title in SECTIONS:
        assert re.search(rf"\\(sub)+section\{{{re.escape(title)}\}}", texts["appendix.tex"])
    for entry in CHECKLIST:
        assert f"{{\\bfseries {entry}" in texts["appendix.tex"]


def test_appendix_ties_claims_to_trials_tolerances_and_values(failed: Facts) -> None:
    texts = make_documents(failed)
    (row,) = [line for line in texts["APPENDIX.md"].splitlines() if line.startswith("| `fast_attention`")]
    assert CLAIM.statement in row
    assert "attention, cold: 27 s" in row
    assert "\\>= 1.5" in row
    assert "1.67 \\[1.61, 1.72\\]: holds" in row
    assert r"fast\_\allowbreak{}attention" in texts["appendix.tex"]


def test_readme_has_commands_of_claims_and_measured_costs(failed: Facts) -> None:
    text = make_documents(failed)["README.md"]
    assert (
        "    ablatrix run study.yaml --out ../again-attention-cold --only mode=cold --only workload=attention" in text
    )
    assert "about 13 min on the recorded machine" in text
    assert "1.5 GiB: the largest process" in text
    assert "5 MiB of programs and caches" in text
    assert "Time: 27 s of trials." in text


def test_documents_report_failed_trials_as_failed_actions(failed: Facts) -> None:
    texts = make_documents(failed)
    count = sum(record.status == "crashed" for record in failed.records)
    assert count == 4
    assert "4 trials failed; they are recorded as such" in texts["README.md"]
    assert "4 trials failed and stand in the records" in texts["APPENDIX.md"]
    graph = json.loads(texts["ro-crate-metadata.json"])["@graph"]
    actions = {entity["@id"]: entity for entity in graph if entity["@type"] == "CreateAction"}
    assert len(actions) == 1 + count
    assert actions["#run"]["actionStatus"].endswith("CompletedActionStatus")
    for name, action in actions.items():
        if name != "#run":
            assert action["actionStatus"].endswith("FailedActionStatus")
            assert action["error"].startswith("crashed: SIGSEGV: planted")


def test_crate_lists_every_file_with_digest_and_resolves_references(facts: Facts, assembled: Path) -> None:
    crate = json.loads((assembled / "ro-crate-metadata.json").read_text())
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    files = {name: entity["sha256"] for name, entity in graph.items() if entity["@type"] == "File"}
    named = {entry.path: entry.sha256 for entry in facts.entries if entry.path != "ro-crate-metadata.json"}
    assert files == named
    for entity in crate["@graph"]:
        for key, value in entity.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and not one["@id"].startswith("https://w3id.org/ro/crate"):
                    assert one["@id"] in graph, (entity["@id"], key)


def test_citation_date_is_that_of_first_trial(facts: Facts) -> None:
    text = make_documents(facts)["CITATION.cff"]
    assert "date-released: 2026-01-01\n" in text
    assert 'title: "Artifact of the ablation study synthetic"' in text
    assert 'version: "0.1.0"' in text


def test_documents_of_same_artifact_are_same(facts: Facts, assembled: Path) -> None:
    texts = make_documents(facts)
    assert texts == make_documents(replace(facts, entries=facts.entries[::-1]))
    for name, text in texts.items():
        assert (assembled / name).read_text() == text


def test_environment_file_validates_by_frozen_schema(assembled: Path) -> None:
    frozen = Path(__file__).parents[2] / f"schemas/environment-{ENVIRONMENT_VERSION}.json"
    assert frozen.read_text() == environment_schema_text(), "raise ENVIRONMENT_VERSION and freeze a new schema file"
    validator = jsonschema.Draft202012Validator(json.loads(frozen.read_text()))
    written = json.loads((assembled / "environment.json").read_text())
    validator.validate(written)
    assert not validator.is_valid(written | {"unknown": 1})


def test_documents_escape_foreign_text_in_markdown_and_latex(facts: Facts) -> None:
    texts = make_documents(replace(facts, study={"description": "100 % of `a_b` & $x$ | <b> \\end{document} #1"}))
    assert "100 % of 'a\\_b' & $x$ \\| \\<b\\> \\\\end\\{document\\} \\#1" in texts["README.md"]
    assert r"100 \% of 'a\_b' \& \$x\$ \textbar{} \textless{}b\textgreater{}" in texts["appendix.tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed (Debian: texlive-latex-base)")
def test_appendix_compiles_in_plain_two_column_article(failed: Facts, tmp_path: Path) -> None:
    many = tuple(replace(CLAIM, id=f"claim-{number}") for number in range(40))
    (tmp_path / "appendix.tex").write_text(make_documents(replace(failed, claims=many))["appendix.tex"])
    whole = r"\documentclass[twocolumn]{article}\begin{document}\input{appendix}\end{document}"
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", whole]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    widths = [float(width) for width in re.findall(r"Overfull \\hbox \(([0-9.]+)pt", done.stdout)]
    assert max(widths, default=0) < 12, "text runs into the other column"
    assert "Overfull \\vbox" not in done.stdout


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "under 1 s"), (27.0, "27 s"), (89.0, "89 s"), (754.0, "13 min"), (9000.0, "2.5 h")]
)
def test_duration_is_formatted_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "not recorded"), (0, "0 B"), (1023, "1023 B"), (3 << 29, "1.5 GiB"), (179 << 10, "179 KiB")],
)
def test_size_is_formatted_for_people(count: int | None, text: str) -> None:
    assert size(count) == text


def test_readme_without_claims_names_no_claims_file(facts: Facts) -> None:
    without, stated = (make_documents(one)["README.md"] for one in (facts, replace(facts, claims=(CLAIM,))))
    assert "ablatrix compare . ../again" in without
    assert "ablatrix reproduce . --out ../again" not in without
    assert "--claims claims.yaml" not in without
    assert "ablatrix reproduce . --out ../again" in stated
