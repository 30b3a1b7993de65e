"""The verdict can fail: each criterion falls when what it asks for is broken in a good data set, and only then."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.runs.stability import Margins
from ablatrix.errors import AnalysisError, ArtifactError
from ablatrix.paper.make import Paper, make_paper
from ablatrix.paper.template.load import load_template
from ablatrix.records.model import SCHEMA_VERSION, Record
from ablatrix.records.part import Level
from ablatrix.verdict import Criterion, Make, Verdict, reach_verdict
from tests.artifact.conftest import write_results
from tests.synthetic import Plant, broken, make_records, write_records

WORKLOADS = ("attention", "encoder", "resnet")
CORNER: dict[str, Level] = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "on"}
Mutation = Callable[[list[Record]], list[Record]]


def made(plants: Sequence[Plant] = (), **options: object) -> list[Record]:
    """Records of three workloads, whole in as many blocks as are needed: 3 cold and 5 hot ones."""
    held: list[Record] = []
    for mode, blocks in (("cold", 3), ("hot", 5)):
        chosen = {"workloads": WORKLOADS, "modes": [mode], "blocks": blocks, "noise": 0.003, "plants": plants} | options
        held += make_records(**chosen)  # type: ignore[arg-type]
    return held


def small() -> list[Record]:
    return make_records(modes=["cold"], workloads=["attention"], blocks=1)


def quick_paper(findings: Findings, template: str | Path | None, out: str | Path) -> Paper:
    """Files by the names of the paper's, without the seconds that plotting takes."""
    chosen = load_template(template)
    names = [f"tables/table{one.number}.{kind}" for one in chosen.tables for kind in ("csv", "md", "tex")]
    names += [
        f"figures/fig{one.number}.{kind}" for one in chosen.figures for kind in ("pdf", "png", "svg", "csv", "tex")
    ]
    paths = [Path(out, name) for name in (*names, "text/left_out.md")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Nothing was left out.\n")
    return Paper(tuple(paths), ())


def write_report(path: Path, digest: str, *outcomes: str, host: str = "elsewhere") -> Path:
    claims = [{"name": f"claim {number}", "outcome": outcome} for number, outcome in enumerate(outcomes)]
    path.write_text(json.dumps({"schema_version": "1.0", "study_digest": digest, "host": host, "claims": claims}))
    return path


@pytest.fixture(scope="module")
def good() -> list[Record]:
    return made()


def judge(place: Path, records: list[Record], planned: list[Record] | None = None, make: Make = quick_paper) -> Verdict:
    """The verdict on records, with the design of `planned` beside them and a report that reproduces all."""
    if planned is None:
        write_records(place / "results.jsonl", records)
    else:
        write_results(place, planned)
        write_records(place / "results.jsonl", records)
    report = write_report(place / "report.json", records[0].study_digest, "reproduced", "reproduced")
    return reach_verdict([place / "results.jsonl"], report=report, make=make)


def criterion(verdict: Verdict, letter: str) -> Criterion:
    return next(one for one in verdict.criteria if one.letter == letter)


def fallen(verdict: Verdict) -> str:
    return "".join(one.letter for one in verdict.criteria if one.state != "holds")


@pytest.mark.usefixtures("no_images")
def test_verdict_on_good_data_with_reproduction_holds_in_all_four(tmp_path: Path, good: list[Record]) -> None:
    """With the real tables and figures, which are composed and not drawn."""
    write_results(tmp_path, good)
    report = write_report(tmp_path / "report.json", good[0].study_digest, "reproduced")
    found = reach_verdict([tmp_path / "results.jsonl"], report=report)
    assert found.holds, [one.findings for one in found.criteria]
    assert fallen(found) == ""
    numbers = criterion(found, "a").numbers
    assert numbers["workloads_whole_and_stable"] == 3
    assert numbers["configurations_whole"] == numbers["configurations"] == 3 * 2 * 16
    assert numbers["planned"] == numbers["trials"] == numbers["ok"] == len(good)
    assert numbers["planned_not_run"] == 0
    assert numbers["fewest_blocks"] == {"cold": 3, "hot": 5}
    assert criterion(found, "b").numbers["files_made"] == criterion(found, "b").numbers["files_wanted"] > 0
    assert criterion(found, "c").numbers["checked"] == 3 * len(good)


def timed_something_else(records: list[Record]) -> list[Record]:
    return changed(records, lambda one: one.mode == "hot", correctness={"timed_digest": "0" * 64})


def changed(records: list[Record], which: Callable[[Record], bool], **parts: dict[str, object]) -> list[Record]:
    """Change the first record that fits: a part of it by its fields, or None for no such part."""
    place = next(i for i, one in enumerate(records) if which(one) and one.role == "measured")
    update = {
        name: getattr(records[place], name).model_copy(update=fields) if fields else None
        for name, fields in parts.items()
    }
    return [*records[:place], records[place].model_copy(update=update), *records[place + 1 :]]


def another_version(records: list[Record]) -> list[Record]:
    return [records[0].model_copy(update={"schema_version": "1.0"}), *records[1:]]


def measured(records: list[Record]) -> Record:
    """The first trial that is no baseline: with a baseline, ratios of its block would go as well."""
    return next(one for one in records if one.role == "measured" and one.config.knobs != one.config.baseline)


def crashed(records: list[Record]) -> list[Record]:
    chosen = measured(records)
    return [broken(one, "crashed") if one is chosen else one for one in records]


MUTATIONS: dict[str, tuple[Mutation, str, str]] = {
    "a workload is dropped": (
        lambda records: [one for one in records if one.workload.name != "resnet"],
        "a",
        "2 workloads are whole and stable (attention, encoder), wanted at least 3",
    ),
    "a hot block is dropped": (
        lambda records: [one for one in records if (one.mode, one.meta.block) != ("hot", 4)],
        "a",
        "resnet on tvm, hot: 4 of at least 5 blocks",
    ),
    "a mode is dropped": (
        lambda records: [one for one in records if one.mode == "hot"],
        "a",
        "encoder on tvm, cold: no cold trial of its configurations",
    ),
    "a trial is dropped": (
        lambda records: [one for one in records if one.trial_id != measured(records).trial_id],
        "a",
        "ok in 2 of 3 blocks",
    ),
    "a level is dropped": (
        lambda records: [one for one in records if one.config.knobs["fusion"] != "on"],
        "a",
        "encoder on tvm, hot: knob fusion is at one level only",
    ),
    "a trial crashes": (crashed, "a", "ok in 2 of 3 blocks (1 crashed)"),
    "a row is wrong": (
        lambda records: changed(records, lambda one: one.mode == "cold", correctness={"ok": False, "rms_ratio": 9e5}),
        "c",
        "1 trials have differences beyond the tolerance",
    ),
    "a check is removed": (
        lambda records: changed(records, lambda one: one.mode == "cold", correctness={}),
        "c",
        "1 ok trials have no check",
    ),
    "no output is determined": (
        lambda records: changed(
            records, lambda one: one.mode == "cold", correctness={"checked": 0, "ok": None, "ill_conditioned": 3}
        ),
        "c",
        "1 ok trials have no output that their type determines (ill-conditioned)",
    ),
    "a comparison is missing": (
        lambda records: changed(records, lambda one: one.mode == "cold", correctness={"missing": 1, "checked": 2}),
        "c",
        "1 comparisons are missing",
    ),
    "another executable was timed": (
        timed_something_else,
        "ac",  # the trial does not count, so it is a gap as well
        "1 hot trials timed another executable than was checked",
    ),
    "what was timed is not told": (
        lambda records: changed(records, lambda one: one.mode == "hot", correctness={"timed_digest": None}),
        "c",
        "1 hot trials do not report which executable was checked or timed",
    ),
    "the schema version is swapped in one line": (
        another_version,
        "ab",  # no table is made of mixed versions
        f"lines have several schema versions: 1.0 (1 lines), {SCHEMA_VERSION} (431 lines)",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_verdict_on_broken_data_fails_by_its_criterion(tmp_path: Path, good: list[Record], name: str) -> None:
    mutate, letters, message = MUTATIONS[name]
    # The real paper refuses mixed records before it draws anything, so it is quick where (b) has to fall.
    found = judge(tmp_path, mutate(good), make=make_paper if "b" in letters else quick_paper)
    assert fallen(found) == letters
    assert not found.holds
    told = [finding for one in found.criteria for finding in one.findings]
    assert any(message in finding for finding in told), told


def test_verdict_with_wrong_output_counts_no_ok_and_fails_in_both(tmp_path: Path) -> None:
    found = judge(tmp_path, made([Plant("wrong_output", "encoder", "hot", CORNER, block=2)]))
    assert fallen(found) == "ac"
    assert criterion(found, "a").numbers["by_status"] == {"ok": 431, "wrong_output": 1}


def test_verdict_names_unsupported_configurations_without_gap(tmp_path: Path) -> None:
    plants = [Plant("unsupported", "encoder", mode, CORNER) for mode in ("cold", "hot")]
    found = judge(tmp_path, made(plants))
    assert found.holds, [one.findings for one in found.criteria]
    numbers = criterion(found, "a").numbers
    name = "partition=whole, reuse=keep, memory_plan=off, fusion=on"
    assert numbers["unsupported"] == [f"encoder, cold: {name}", f"encoder, hot: {name}"]
    assert (numbers["ok"], numbers["failed"]) == (424, 0)


def test_verdict_with_benefit_claimed_of_no_op_fails(tmp_path: Path) -> None:
    """`reuse` changes nothing in what is built, and its times are 10 % better all the same."""

    def without_reuse(knobs: dict[str, Level]) -> dict[str, Level]:
        return knobs | {"reuse": "keep"}

    records = made(built_as=without_reuse)
    assert fallen(judge(tmp_path, records)) == ""
    faster = [
        one.model_copy(
            update={
                "runtime": one.runtime.model_copy(
                    update={"burst_ms_p50": [0.9 * value for value in one.runtime.burst_ms_p50]}
                )
            }
        )
        if one.runtime and one.runtime.burst_ms_p50 and one.config.knobs["reuse"] == "release"
        else one
        for one in records
    ]
    found = judge(tmp_path, faster)
    assert fallen(found) == "c"
    assert criterion(found, "c").numbers["no_ops_claimed"] == 3
    assert "knob 'reuse' is a no-op from keep to release" in criterion(found, "c").findings[0]


@pytest.mark.usefixtures("no_images")
def test_verdict_with_empty_figures_fails(tmp_path: Path) -> None:
    """Without hot trials the real paper has no figure of run times."""
    path = write_records(tmp_path / "results.jsonl", small())
    paper = criterion(reach_verdict([path]), "b")
    assert paper.state == "fails"
    assert all(finding.startswith("figures/fig") for finding in paper.findings)


def test_verdict_with_planned_trial_without_record_fails(tmp_path: Path, good: list[Record]) -> None:
    found = judge(tmp_path, good[:-1], planned=good)
    assert "a" in fallen(found)
    assert any("1 of 432 planned trials have no final record" in one for one in criterion(found, "a").findings)
    assert criterion(found, "a").numbers["planned_not_run"] == 1
    assert fallen(judge(tmp_path, good, planned=good)) == ""


def test_verdict_counts_two_hosts_as_two_repeats(tmp_path: Path, good: list[Record]) -> None:
    write_records(tmp_path / "a.jsonl", good)
    write_records(tmp_path / "b.jsonl", made(host="bench-2"))
    found = reach_verdict([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert "attention on tvm, hot: 2 of at least 5 blocks" in criterion(found, "a").findings


def test_verdict_with_margin_not_reached_fails(tmp_path: Path, good: list[Record]) -> None:
    path = write_records(tmp_path / "results.jsonl", good)
    found = criterion(reach_verdict([path], Margins(hot=0.0005), make=quick_paper), "a")
    assert found.state == "fails"
    assert all("wanted" in finding for finding in found.findings)


def test_verdict_judges_cold_effects_by_precision_of_study(tmp_path: Path, good: list[Record]) -> None:
    write_results(tmp_path, good)
    place = tmp_path / "design.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"cold_effect_width": 0.0001}))
    found = criterion(reach_verdict([tmp_path / "results.jsonl"], make=quick_paper), "a")
    assert found.state == "fails"
    assert found.numbers["margins"]["cold"] == {"effect": 0.0001}
    assert all("cold: effect" in finding for finding in found.findings[1:])
    found = criterion(reach_verdict([tmp_path / "results.jsonl"], Margins(cold=0.1), make=quick_paper), "a")
    assert found.state == "holds"


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (("reproduced", "reproduced"), "holds"),
        (("reproduced", "not_reproduced", "undecided"), "fails"),
        (("reproduced", "undecided"), "undecided"),
    ],
)
def test_verdict_in_d_follows_reproduction_report(tmp_path: Path, outcomes: tuple[str, ...], state: str) -> None:
    records = small()
    path = write_records(tmp_path / "results.jsonl", records)
    report = write_report(tmp_path / "report.json", records[0].study_digest, *outcomes, host="bench-1")
    found = reach_verdict([path], report=report, make=quick_paper)
    assert criterion(found, "d").state == state
    assert len(criterion(found, "d").findings) == sum(one != "reproduced" for one in outcomes)
    assert "the reproduction's host has the same name as the study's: bench-1" in found.notes


def test_verdict_without_report_is_undecided_in_d_and_fails(tmp_path: Path, good: list[Record]) -> None:
    path = write_records(tmp_path / "results.jsonl", good)
    found = reach_verdict([path], make=quick_paper)
    assert (fallen(found), criterion(found, "d").state, found.holds) == ("d", "undecided", False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("{}", "study_digest: Field required"),
        ("nonsense", "not a reproduction report of version 1.1"),
        ('{"schema_version": "2.0", "study_digest": "d", "host": "h", "claims": []}', "schema_version"),
        ('{"schema_version": "1.0", "study_digest": "other", "host": "h", "claims": [{"name": "c", "outcome": '
         '"reproduced"}]}', "is of study other"),
    ],
)  # fmt: skip
def test_verdict_with_report_of_other_study_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = write_records(tmp_path / "results.jsonl", small())
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(ArtifactError, match=message):
        reach_verdict([path], report=tmp_path / "report.json", make=quick_paper)


def test_verdict_on_bad_records_or_designs_is_refused(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", small())
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(ArtifactError, match=r"plan\.json: invalid: not a design"):
        reach_verdict([path], design=tmp_path / "plan.json", make=quick_paper)
    path.write_text("")
    with pytest.raises(AnalysisError, match="no finished trial"):
        reach_verdict([path], make=quick_paper)
