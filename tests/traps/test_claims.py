"""Traps 4, 7, 8 and 16: whether what is claimed belongs to what was run."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ablatrix.analysis.diagnosis.knob_proof import claimed_fault, proof_text, prove_knobs
from ablatrix.analysis.effects.evidence import Question, gather
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.contents.manifest import list_files
from ablatrix.artifact.contents.reading import Reading
from ablatrix.compilers.cache import CacheCounters
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.errors import AnalysisError
from ablatrix.paper.make import make_paper
from ablatrix.plotting.tabulate import tabulate
from ablatrix.records.model import Record
from ablatrix.records.part import Level
from ablatrix.statistics.ratio import Ratio
from ablatrix.testing.requests import Function, make_program, make_request
from ablatrix.workloads.program import Program
from tests.artifact.conftest import COMMAND, FINDING, derive_little, write_results
from tests.cli.conftest import answer_here
from tests.synthetic import make_records, write_records


def one_run(**changed: str) -> list[Record]:
    return make_records(workloads=["attention"], blocks=1, modes=["cold"], **changed)  # type: ignore[arg-type]


OTHERS: dict[str, Callable[[], list[Record]]] = {
    "ablatrix_commit": lambda: one_run(commit="d" * 40),
    "schema_version": lambda: [r.model_copy(update={"schema_version": "1.7"}) for r in one_run()],
}


@pytest.mark.parametrize("origin", OTHERS)
def test_tabulate_of_two_origins_does_not_mix_them_in_one_table(tmp_path: Path, origin: str) -> None:
    """Trap 4: two commits or versions of the schema are refused by name, and nothing is written."""
    files = [
        write_records(tmp_path / name, records)
        for name, records in (("a.jsonl", one_run()), ("b.jsonl", OTHERS[origin]()))
    ]
    with pytest.raises(AnalysisError, match=rf"{origin}: .*--allow-mixed"):
        tabulate(tidy(files), tmp_path / "out")
    with pytest.raises(AnalysisError, match=rf"{origin}: .*--allow-mixed"):
        make_paper(Findings(tidy(files)), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["effects", "blame"])
def test_commands_never_average_two_hosts(tmp_path: Path, command: str) -> None:
    """Trap 4: as a user meets it: of two studies, exit code 2, the two hosts by name, and no number on stdout.

    Hosts of one study are blocks, within which alone anything is compared: tests/analysis/test_over_hosts.py.
    """
    runs = [one_run(), make_records(workloads=["attention"], blocks=1, modes=["cold"], host="bench-2", seed=8)]
    files = [write_records(tmp_path / f"{number}.jsonl", records) for number, records in enumerate(runs)]
    done = answer_here(command, *files)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"host: bench-1, bench-2" in done.stderr


def without_fusion(knobs: dict[str, Level]) -> dict[str, Level]:
    return {**knobs, "fusion": "off"}


def test_knob_that_does_nothing_is_reported_as_no_op_without_effect(tmp_path: Path) -> None:
    """Trap 7: two levels that build the same program everywhere are told from the code, and never called a gain."""
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=4, built_as=without_fusion)
    found = tidy([write_records(tmp_path / "results.jsonl", records)])
    proofs = {proof.knob: proof for proof in prove_knobs(found.trials)}
    assert {knob for knob, proof in proofs.items() if proof.verdict == "no_op"} == {"fusion"}
    assert proof_text(proofs["fusion"]) == "the same program in all 8 pairs"
    (evidence,) = gather(found, Question(metrics=("run_ms_paired",)))
    verdicts = {
        effect.knob: judgement.verdict
        for effect, judgement in zip(evidence.effects, evidence.judgements, strict=True)
        if judgement is not None
    }
    assert verdicts["fusion"] == "no-op"
    assert verdicts["memory_plan"] == "faster"


def test_claim_of_speed_up_by_no_op_is_fault(tmp_path: Path) -> None:
    """Trap 7: were a ratio of it to leave out 1 all the same, the claim is refused with the reason."""
    records = make_records(workloads=["encoder"], modes=["hot"], built_as=without_fusion)
    path = write_records(tmp_path / "results.jsonl", records)
    proofs = {proof.knob: proof for proof in prove_knobs(tidy([path]).trials)}
    claim = Ratio(0.95, 0.94, 0.96, 5)
    fault = claimed_fault(proofs["fusion"], claim, "run_ms_p50")
    assert fault is not None
    assert (fault.code, dict(fault.facts)["knob"]) == ("no_op_claimed", "fusion")
    assert claimed_fault(proofs["memory_plan"], claim, "run_ms_p50") is None


X = torch.linspace(-2, 2, 12).reshape(2, 6)
PROGRAMS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]] = {
    "first": (lambda x: x * 2, X),
    "another constant": (lambda x: x * 3, X),
    "another shape": (lambda x: x * 2, X.reshape(3, 4)),
    "another dtype": (lambda x: x * 2, X.double()),
}


def build_and_run(program: Program, x: torch.Tensor, directory: Path) -> tuple[CacheCounters, torch.Tensor]:
    request = make_request(program, directory)
    bound = TvmCompiler().compile(request).bind((x,))
    bound.run()
    return request.cache.counters, bound.outputs()[0]


def test_cache_never_gives_program_code_built_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 8: programs that differ in one thing share a cache; each misses once, and is right then and later.

    The same program under another version of the compiler misses as well.
    """
    import tvm

    made = {name: make_program(Function(function), (x,)) for name, (function, x) in PROGRAMS.items()}
    for expected in (CacheCounters(misses=1), CacheCounters(hits_disk=1)):
        for name, (function, x) in PROGRAMS.items():
            counters, output = build_and_run(made[name], x, tmp_path)
            assert counters == expected, name
            torch.testing.assert_close(output, function(x), msg=name)
    for table in (torch.arange(6.0), torch.arange(1.0, 7.0)):  # handed in beside the inputs, so the code may be shared
        program = make_program(Function(lambda x, table=table: x + table), (X,))
        torch.testing.assert_close(build_and_run(program, X, tmp_path)[1], X + table)
    monkeypatch.setattr(tvm, "__version__", "99")
    assert build_and_run(made["first"], X, tmp_path)[0] == CacheCounters(misses=1)


def damaged(data: bytes, place: float) -> bytes:
    changed = bytearray(data)
    changed[round(place * (len(data) - 1))] ^= 1
    return bytes(changed)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "first bit": lambda data: damaged(data, 0.0),
    "a bit in the middle": lambda data: damaged(data, 0.5),
    "last bit": lambda data: damaged(data, 1.0),
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\n",
}


@pytest.fixture(scope="module")
def small_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("small")
    study = place / "study.yaml"
    study.write_text("name: synthetic\n")
    artifact = place / "artifact"
    artifact.mkdir()
    write_results(artifact, one_run())
    derive_little(Reading(artifact), artifact)
    assemble(artifact, Origin(study=study, commands=[COMMAND], findings=[FINDING]))
    return artifact


def changed_files(artifact: Path) -> set[str]:
    problems = examine(artifact, derive=derive_little).problems
    return {problem.path for problem in problems if problem.kind == "changed"}


READ = ("results.jsonl", "design.json")
"""Files that a verification reads: with one of them changed it may find less in the others."""


@pytest.mark.usefixtures("no_images")
def test_verify_finds_change_of_every_artifact_file(tmp_path: Path, small_artifact: Path) -> None:
    """Trap 16: a command reads the manifest again; one bit of one file, and it says which file."""
    artifact = shutil.copytree(small_artifact, tmp_path / "artifact")
    assert examine(artifact, derive=derive_little).problems == ()
    files = list_files(artifact)[0]
    assert {*READ, "tables/times.csv", "figures/times.png", "README.md"} <= set(files)
    changes = itertools.cycle(CHANGES.values())
    for names in ([one for one in files if one not in READ], *([one] for one in READ)):
        originals = {name: (artifact / name).read_bytes() for name in names}
        for name, original in originals.items():
            (artifact / name).write_bytes(next(changes)(original))
        assert changed_files(artifact) == set(names)
        for name, original in originals.items():
            (artifact / name).write_bytes(original)
    assert examine(artifact, derive=derive_little).problems == ()
    (artifact / "README.md").write_text("all is well\n")
    done = answer_here("verify", artifact)
    assert done.returncode == 1
    assert b"README.md" in done.stdout


@pytest.mark.long
def test_verify_finds_any_change_of_any_artifact_file(tmp_path: Path, small_artifact: Path) -> None:
    """Trap 16: each file changed alone, in all ways."""
    artifact = shutil.copytree(small_artifact, tmp_path / "artifact")
    for name in list_files(artifact)[0]:
        original = (artifact / name).read_bytes()
        for change in CHANGES.values():
            (artifact / name).write_bytes(change(original))
            assert name in changed_files(artifact)
        (artifact / name).write_bytes(original)
