"""README, appendix, citation and crate say what the records hold, and stay the same for the same artifact."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ablatrix.artifact.contents import gather
from ablatrix.artifact.contents.answered_claims import RecordedClaim
from ablatrix.artifact.contents.environment import (
    ENVIRONMENT_VERSION,
    RunCost,
    environment_schema_text,
    make_environment,
)
from ablatrix.artifact.contents.manifest import FileEntry, read_manifest
from ablatrix.artifact.contents.reading import read_artifact
from ablatrix.artifact.documents.abridged import abridged
from ablatrix.artifact.documents.facts import Facts, duration, read_facts, size
from ablatrix.artifact.documents.make import make_documents
from ablatrix.artifact.documents.origins import SHIPPED_COMPILERS, SHIPPED_WORKLOADS
from ablatrix.compilers.catalogue import SHIPPED as COMPILERS
from ablatrix.documents.about import About, Author
from ablatrix.records.gpu import Gpu
from ablatrix.records.model import Record, WorkloadFacts
from ablatrix.records.status import Status
from ablatrix.workloads.shipped import SHIPPED as WORKLOADS
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
    statement="fusion reduces the run time of attention on tvm by a factor of at least 1.5",
    wanted=">= 1.5",
    state="holds",
    found="1.67 [1.61, 1.72]",
    workload="attention",
    compiler="tvm",
    modes=("cold",),
    is_portable=False,
)


@pytest.fixture(scope="module")
def facts(assembled: Path, records: list[Record]) -> Facts:
    return read_facts(read_artifact(assembled), gather(records), read_manifest(assembled).files)


@pytest.fixture(scope="module")
def failed(facts: Facts) -> Facts:
    plant = Plant("crashed", "attention", "cold", {"fusion": "on", "reuse": "keep"})
    records = make_records(workloads=("attention",), blocks=1, modes=("cold",), plants=[plant])
    cost = RunCost(seconds=754.0, trials=len(records), largest_process_bytes=3 << 29, work_bytes=5 << 20)
    environment = make_environment([FINDING], cost)
    return replace(facts, recorded=gather(records), environment=environment, claims=(CLAIM,))


def test_appendix_has_every_section_and_checklist_entry(facts: Facts) -> None:
    texts = make_documents(facts)
    headings = re.findall(r"^#+ (.*)$", texts["APPENDIX.md"], re.M)
    assert headings[1:] == list(SECTIONS)
    assert re.findall(r"^- \*\*([A-Z].*?):?\*\*", texts["APPENDIX.md"], re.M)[: len(CHECKLIST)] == list(CHECKLIST)
    for title in SECTIONS:
        for name in ("appendix.tex", "appendix_long.tex"):
            assert re.search(rf"\\(sub)+section\{{{re.escape(title)}\}}", texts[name])
    for entry in CHECKLIST:
        for name in ("appendix.tex", "appendix_long.tex"):
            assert f"{{\\bfseries {entry}" in texts[name]


def test_appendix_ties_claims_to_trials_tolerances_and_values(failed: Facts) -> None:
    texts = make_documents(failed)
    (row,) = [line for line in texts["APPENDIX.md"].splitlines() if line.startswith("| `fast_attention`")]
    assert CLAIM.statement in row
    assert "attention, cold: 27 s" in row
    assert "\\>= 1.5" in row
    assert "1.67 \\[1.61, 1.72\\]: holds" in row
    assert r"fast\_\allowbreak{}attention" in texts["appendix_long.tex"]


def test_readme_has_commands_of_claims_and_measured_costs(failed: Facts) -> None:
    text = make_documents(failed)["README.md"]
    assert (
        "    ablatrix run study.yaml --out ../again-attention-cold --only mode=cold --only workload=attention" in text
    )
    assert "about 13 min on the recorded machine" in text
    assert "1.5 GiB for the largest process" in text
    assert "5 MiB for programs and caches" in text
    assert "Time: 27 s for the trials." in text


def test_documents_report_failed_trials_as_failed_actions(failed: Facts) -> None:
    texts = make_documents(failed)
    count = failed.trials.statuses[Status.CRASHED]
    assert count == len(failed.trials.failed) == 4
    assert "4 trials failed; they are recorded as such" in texts["README.md"]
    assert "4 trials failed; their records contain the messages" in texts["APPENDIX.md"]
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
    assert "100 % of 'a_b' & $x$ \\| \\<b\\> \\\\end\\{document\\} \\#1" in texts["README.md"]
    assert r"100 \% of 'a\_b' \& \$x\$ \textbar{} \textless{}b\textgreater{}" in texts["appendix.tex"]


def entries_of(text: str) -> dict[str, str]:
    """The check-list of an appendix in Markdown, unescaped."""
    items = re.findall(r"^- \*\*(.*?):?\*\* (.*)$", text, re.M)
    return {label: item.replace("\\", "") for label, item in items}


def assembled_records() -> list[Record]:
    """The records of the assembled artifact."""
    return make_records(workloads=("attention",), blocks=1, modes=("cold",), superseded=1)


def changed(facts: Facts, workload: dict[str, object], **config: object) -> Facts:
    """The facts with another workload and configuration in every record."""
    made = [
        record.model_copy(
            update={
                "workload": WorkloadFacts(**record.workload.model_dump() | workload),
                "config": record.config.model_copy(update={} if record.role == "reference" else config),
            }
        )
        for record in assembled_records()
    ]
    return replace(facts, recorded=gather(made))


OWN: dict[str, tuple[dict[str, object], str, str]] = {
    "shipped": (
        {},
        "drawn from a fixed seed by ablatrix; nothing is downloaded",
        "none: all inputs are drawn",
    ),
    "function": (
        {"name": "net", "source": "net.py:make", "source_digest": "ab" * 32},
        "as `net.py:make` makes them (SHA-256 abababababababab, not in this artifact); to be filled in by the authors "
        "(where they come from, and what is downloaded)",
        "for net, the inputs that `net.py:make` gives, and what is sampled from them by seed",
    ),
    "module": (
        {"name": "net", "source": "nets.big:make"},
        "as `nets.big:make` makes them (not in this artifact)",
        "for net, the inputs that `nets.big:make` gives",
    ),
    "saved": (
        {"name": "net", "source": "net.pt2", "source_digest": "ab" * 32},
        "as stored in `net.pt2` (SHA-256 abababababababab, not in this artifact)",
        "for net, the example inputs saved in `net.pt2` and values sampled from them by seed, or random ones",
    ),
    "onnx": (
        {"name": "net", "source": "net.onnx?tokens=32", "source_digest": "ab" * 32},
        "as stored in `net.onnx?tokens=32`",
        "none: all inputs are drawn from the study's seed",
    ),
    "architecture": (
        {"name": "bert", "source": "hf:bert?layers=2"},
        "architecture of transformers `hf:bert?layers=2`, drawn from a fixed seed; nothing is downloaded",
        "none: all inputs are drawn from the study's seed",
    ),
    "plug-in": (
        {"name": "polynomial"},
        "from a plug-in; to be filled in by the authors (where they come from, and what is downloaded)",
        "for polynomial, inputs that its plug-in makes; to be filled in by the authors (what they are)",
    ),
}


@pytest.mark.parametrize("kind", OWN)
def test_appendix_says_of_models_and_data_what_is_known(facts: Facts, kind: str) -> None:
    workload, model, data = OWN[kind]
    found = entries_of(make_documents(changed(facts, workload))["APPENDIX.md"])
    assert model in found["Model"]
    assert data in found["Data set"]


def test_appendix_of_file_beside_study_says_it_is_in_artifact(facts: Facts) -> None:
    there = replace(facts, entries=(*facts.entries, replace_path(facts, "net.py")))
    own = changed(there, {"name": "net", "source": "net.py:make"})
    found = entries_of(make_documents(own)["APPENDIX.md"])
    assert "(in this artifact)" in found["Model"]
    assert found["Binary"] == "generated code is not kept; files of the authors: `net.py`"


def replace_path(facts: Facts, path: str) -> FileEntry:
    return facts.entries[0].model_copy(update={"path": path, "role": "other"})


def test_appendix_asks_for_licences_that_only_authors_know(facts: Facts) -> None:
    plain = entries_of(make_documents(facts)["APPENDIX.md"])
    licence = "to be filled in by the authors (licence; set `about: licence` in `study.yaml`)"
    assert plain["Code licenses (if publicly available)?"] == "ablatrix: Apache-2.0 (`LICENSE`)"
    assert plain["Data licenses (if publicly available)?"] == f"study, records and results: {licence}"
    assert plain["Publicly available?"].startswith("to be filled in by the authors")
    assert plain["Archived (provide DOI)?"].startswith("to be filled in by the authors (DOI")
    own = changed(facts, {"name": "net", "source": "net.py:make"}, compiler="gcc")
    found = entries_of(make_documents(own)["APPENDIX.md"])
    assert "the authors' own code: to be filled in by the authors" in found["Code licenses (if publicly available)?"]
    assert "models: to be filled in" in found["Data licenses (if publicly available)?"]
    assert "data: to be filled in" in found["Data licenses (if publicly available)?"]
    text = make_documents(own)["APPENDIX.md"]
    assert "Further requirements of `net.py:make`, compiler gcc: to be filled in by the authors" in text


ABOUT = About(
    title="Fusion on small models",
    authors=[
        Author(name="Lovelace, Ada", orcid="0000-0002-1825-0097", affiliation="Analytical Engines"),
        Author(name="Consortium"),
    ],
    licence="CC-BY-4.0",
    doi="10.5281/zenodo.1234",
    repository="https://example.org/fusion",
    model_licence="MIT",
    data_licence="none",
)


def test_documents_say_what_about_says(facts: Facts) -> None:
    own = changed(facts, {"name": "net", "source": "net.py:make"})
    texts = make_documents(replace(own, about=ABOUT))
    found = entries_of(texts["APPENDIX.md"])
    assert found["Code licenses (if publicly available)?"] == (
        "ablatrix: Apache-2.0 (`LICENSE`); the authors' own code: CC-BY-4.0"
    )
    assert found["Data licenses (if publicly available)?"] == (
        "study, records and results: CC-BY-4.0; models: MIT; data: none"
    )
    assert found["Archived (provide DOI)?"] == "10.5281/zenodo.1234"
    assert found["Publicly available?"].startswith("DOI 10.5281/zenodo.1234, https://example.org/fusion")
    assert "Authors: Ada Lovelace (Analytical Engines), Consortium." in texts["README.md"]


def test_citation_and_crate_take_authors_and_licence_from_about(facts: Facts) -> None:
    texts = make_documents(replace(facts, about=ABOUT))
    assert texts["CITATION.cff"].split("\n")[3:17] == [
        'title: "Fusion on small models"',
        "authors:",
        '  - family-names: "Lovelace"',
        '    given-names: "Ada"',
        '    affiliation: "Analytical Engines"',
        '    orcid: "https://orcid.org/0000-0002-1825-0097"',
        '  - name: "Consortium"',
        f'version: "{facts.recorded.study_digest[:16]}"',
        "date-released: 2026-01-01",
        'license: "CC-BY-4.0"',
        'doi: "10.5281/zenodo.1234"',
        'repository: "https://example.org/fusion"',
        "keywords:",
        "  - ablation study",
    ]
    graph = {one["@id"]: one for one in json.loads(texts["ro-crate-metadata.json"])["@graph"]}
    ada, consortium = {"@id": "https://orcid.org/0000-0002-1825-0097"}, {"@id": "#author-2"}
    assert graph["./"]["author"] == [ada, consortium]
    assert graph["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert graph["./"]["identifier"] == "https://doi.org/10.5281/zenodo.1234"
    assert graph["./"]["name"] == "Fusion on small models"
    assert graph[ada["@id"]] == {
        "@id": ada["@id"], "@type": "Person", "name": "Ada Lovelace", "affiliation": {"@id": "#affiliation-1"},
    }  # fmt: skip
    assert graph["#author-2"]["@type"] == "Organization"
    assert "#authors" not in graph


def test_citation_without_about_leaves_authors_to_fill_in(facts: Facts) -> None:
    texts = make_documents(facts)
    assert (
        '  - name: "The authors of the study synthetic: to be filled in by the authors (names; set about: authors in '
        'study.yaml)"\n'
    ) in texts["CITATION.cff"]
    assert "\n# license: to be filled in by the authors" in texts["CITATION.cff"]
    assert "license: Apache-2.0" not in texts["CITATION.cff"].split("references:")[0]
    graph = {one["@id"]: one for one in json.loads(texts["ro-crate-metadata.json"])["@graph"]}
    assert graph["./"]["license"] == {"@id": "#licence"}
    assert graph["#licence"]["name"].startswith("to be filled in by the authors")


GPU = Gpu(name="NVIDIA H100", memory_bytes=80 << 30, l2_bytes=50 << 20, count=1, driver="570.1")


def test_documents_name_gpu_that_trials_used_or_that_none_was(facts: Facts) -> None:
    assert entries_of(make_documents(facts)["APPENDIX.md"])["Hardware"] == (
        "Synthetic CPU 3000, 2 cores, 8 GiB of memory; no GPU was used"
    )

    def on_gpu(record: Record) -> Record:
        if record.role == "reference":
            return record
        machine = record.meta.machine.model_copy(update={"gpu": GPU})
        return record.model_copy(update={"meta": record.meta.model_copy(update={"machine": machine})})

    texts = make_documents(replace(facts, recorded=gather(map(on_gpu, assembled_records()))))
    assert entries_of(texts["APPENDIX.md"])["Hardware"] == (
        "Synthetic CPU 3000, 2 cores, 8 GiB of memory; GPU: NVIDIA H100, 80 GiB, driver 570.1"
    )
    assert "The study asks for an NVIDIA GPU." in texts["README.md"]
    assert "no GPU" not in "".join(texts.values())
    asked = changed(facts, {}, device="cuda")
    assert "a GPU was asked for, and no trial opened one" in make_documents(asked)["APPENDIX.md"]


def test_appendix_counts_what_was_compiled_anew_and_threads(facts: Facts) -> None:
    def cached(record: Record) -> Record:
        if record.compile is None or record.config.knobs["fusion"] == "off":
            return record
        update = {"compile_cache_miss_delta_first_run": 0}
        return record.model_copy(update={"compile": record.compile.model_copy(update=update)})

    found = entries_of(make_documents(replace(facts, recorded=gather(map(cached, assembled_records()))))["APPENDIX.md"])
    assert found["Compilation"] == (
        "by the compilers under study (tvm 0.27.0); of the 17 trials that report it, 9 compiled anew and 8 took "
        "everything from a cache"
    )
    assert "threads in force: torch 2, tvm 2;" in found["Run-time state"]


def test_documents_of_cold_study_say_nothing_of_hot_trials(facts: Facts) -> None:
    texts = make_documents(facts)
    found = entries_of(texts["APPENDIX.md"])
    assert found["Execution"] == "mode cold, in a seeded random order"
    assert found["Metrics"].startswith("cold-start time (compile and first run), planned")
    assert "Hot trials" not in texts["APPENDIX.md"]
    assert "raw samples of 18" not in texts["APPENDIX.md"]
    assert (
        "their outputs are checked after" in texts["APPENDIX.md"] or "outputs are checked after" in texts["APPENDIX.md"]
    )
    assert "Outputs are compared with those of the same program in float64." in texts["APPENDIX.md"]
    single = make_documents(changed(facts, {"oracle": "float32"}))["APPENDIX.md"]
    assert "compared with those of the same program in unoptimized float32" in single


def test_documents_of_study_without_claims_ask_for_no_reproduction_of_claims(facts: Facts, failed: Facts) -> None:
    text = make_documents(facts)["README.md"]
    assert (
        "    ablatrix run study.yaml --out ../again\n    ablatrix compare results.jsonl ../again/results.jsonl\n"
        in text
    )
    assert "    ablatrix reproduce . --out ../again\n" in make_documents(failed)["README.md"]


def test_documents_name_statuses_of_trials_that_were_not_run(facts: Facts) -> None:
    made = make_records(
        workloads=("attention",), blocks=1, modes=("cold",), plants=[Plant("not_run_budget", "attention", "cold", {})]
    )
    texts = make_documents(replace(facts, recorded=gather(made)))
    assert "16 trials were not run or not completed (16 not_run_budget)." in texts["APPENDIX.md"]


def test_names_of_shipped_workloads_and_compilers_are_those_of_catalogue() -> None:
    assert set(WORKLOADS) == SHIPPED_WORKLOADS
    assert set(COMPILERS) == SHIPPED_COMPILERS


needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed (Debian: texlive-latex-base)"
)
TWO_COLUMNS = r"\documentclass[twocolumn]{article}"
MLSYS = (  # its text block, distances and headings; its font is narrower
    r"\documentclass[10pt,twocolumn]{article}"
    r"\usepackage[letterpaper,textwidth=6.75in,textheight=9in,columnsep=0.25in]{geometry}"
    r"\parindent0pt\parskip6pt\makeatletter"
    r"\def\subsection{\@startsection{subsection}{2}{0pt}{-0.1in}{0.01in}{\normalsize\bfseries}}"
    r"\def\subsubsection{\@startsection{subsubsection}{3}{0pt}{-0.08in}{0.01in}{\normalsize\itshape}}\makeatother"
)


def compiled(directory: Path, head: str, name: str) -> str:
    """What LaTeX says of a document that holds an appendix alone; every overfull box that a reader would see fails."""
    whole = rf"{head}\begin{{document}}\sloppy\input{{{name}}}\end{{document}}"
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", whole]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    widths = [float(width) for width in re.findall(r"Overfull \\hbox \(([0-9.]+)pt", done.stdout)]
    assert max(widths, default=0) < 12, "text runs into the other column"
    assert "Overfull \\vbox" not in done.stdout
    return done.stdout


@needs_latex
@pytest.mark.parametrize("name", ["appendix", "appendix_long"])
def test_appendix_compiles_in_plain_two_column_article(failed: Facts, tmp_path: Path, name: str) -> None:
    many = tuple(replace(CLAIM, id=f"claim-{number}") for number in range(40))
    (tmp_path / f"{name}.tex").write_text(make_documents(replace(failed, claims=many))[f"{name}.tex"])
    compiled(tmp_path, TWO_COLUMNS, name)


def crowded(facts: Facts) -> Facts:
    """The facts of a large study: 25 workloads with long names, versions of much software, many claims."""
    records = [
        one.model_copy(
            update={
                "workload": one.workload.model_copy(
                    update={"name": f"a_workload_with_a_name_of_forty_letters{at:02d}", "digest": f"{at:064x}"}
                ),
                "meta": one.meta.model_copy(update={"versions": {f"package{i}": f"{i}.10.0.post1" for i in range(30)}}),
            }
        )
        for at in range(25)
        for one in assembled_records()[1:5]
    ]
    statement = (
        "partition=regions, reuse=release, memory_plan=on, fusion=on reduces the run time of encoder on tvm by 3"
    )
    claims = tuple(replace(CLAIM, id=f"claim-{at}", statement=f"{statement}, {at}") for at in range(40))
    about = About(authors=tuple(Author(name=f"Family{at}, Given", affiliation="An Institute") for at in range(12)))
    return replace(
        facts, recorded=gather(records), claims=claims, about=about, study={"description": "long words " * 90}
    )


@needs_latex
@pytest.mark.parametrize("shape", ["plain", "failed", "crowded"])
def test_short_appendix_has_two_pages_of_mlsys_at_most(facts: Facts, failed: Facts, tmp_path: Path, shape: str) -> None:
    found = {"plain": facts, "failed": failed, "crowded": crowded(facts)}[shape]
    (tmp_path / "appendix.tex").write_text(make_documents(found)["appendix.tex"])
    pages = re.search(r"\((\d+) pages?,", compiled(tmp_path, MLSYS, "appendix"))
    assert pages
    assert int(pages[1]) <= 2


def test_short_appendix_says_where_the_rest_stands(facts: Facts) -> None:
    texts = make_documents(crowded(facts))
    assert r"more in \texttt{APPENDIX.\allowbreak{}md}" in texts["appendix.tex"]
    assert "These are 4 of the 40 claims" in texts["appendix.tex"]
    assert "more in" not in texts["APPENDIX.md"]
    assert all(f"forty_letters{at:02d}" in texts["APPENDIX.md"] for at in range(25))


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("a, b", 10, "a, b"),
        ("one part, another part; a third part that is long", 45, "one part, another part; more in `rest.md`"),
        ("one sentence. Another sentence that is too long.", 40, "one sentence; more in `rest.md`."),
        ("`code, that; goes on`, and more of the text here", 30, "more in `rest.md`"),
    ],
)
def test_abridged_text_keeps_whole_parts(text: str, most: int, found: str) -> None:
    assert abridged(text, most, "rest.md") == found


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
    assert "ablatrix compare results.jsonl ../again/results.jsonl" in without
    assert "ablatrix reproduce . --out ../again" not in without
    assert "--claims claims.yaml" not in without
    assert "ablatrix reproduce . --out ../again" in stated
