# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Claims: the good records bear all of them, and each mutation turns exactly those that depend on what it changed."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from ablatrix.analysis.claims.check import CLAIMS_VERSION, check_claims, claims_schema_text, load_claims
from ablatrix.analysis.effects.estimates import main_effects
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons.wording import optional_text
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Record, Stopping
from ablatrix.records.part import Level
from ablatrix.study.load import load_study
from tests.artifact.conftest import write_results
from tests.claimed import CLAIMS, by_id, changed_states, check, claims_of
from tests.synthetic import PRIMARY, Plant, make_records, tidied, write_records

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / f"schemas/claims-{CLAIMS_VERSION}.json"
CORNER: dict[str, Level] = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "on"}
ALL_ON: dict[str, Level] = {knob: levels[1] for knob, levels in PRIMARY.items()}
HEAD = "version: 1\nclaims:\n"


def made(**options: object) -> list[Record]:
    return make_records(**({"blocks": 3, "noise": 0.003} | options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def good() -> list[Record]:
    return made()


def test_claims_with_good_records_all_hold(good: list[Record]) -> None:
    found = check(good)
    assert changed_states(found) == {}
    assert all(one.rows for one in found.values())
    assert found["reuse"].exact
    assert not found["fusion"].exact


def test_claim_about_knob_is_judged_by_its_main_effect(good: list[Record]) -> None:
    findings = Findings(tidied(good))
    found = by_id(check_claims(findings, claims_of()))["fusion"]
    effects = main_effects(findings.trials, "run_ms_paired", "hot", ["fusion"])
    ratio = next(one.ratio for one in effects if one.workload == "encoder")
    assert ratio is not None
    assert found.ratio is not None
    assert (found.ratio.value, found.ratio.low) == pytest.approx((1 / ratio.value, 1 / (ratio.high or 0)))
    rows = findings.trials.filter(workload="encoder", mode="hot", role="measured")
    assert found.rows == tuple(rows["record_id"])


def slower_all_on(records: Sequence[Record]) -> list[Record]:
    """The hot times of encoder with all knobs on become four times as long."""
    kept = []
    for record in records:
        one = record
        all_on = all(one.config.knobs[knob] == level for knob, level in ALL_ON.items())
        if one.workload.name == "encoder" and all_on and one.runtime and one.runtime.burst_ms_p50:
            times = [4 * ms for ms in one.runtime.burst_ms_p50]
            one = one.model_copy(update={"runtime": one.runtime.model_copy(update={"burst_ms_p50": times})})
        kept.append(one)
    return kept


def no_fusion(knobs: dict[str, Level]) -> dict[str, Level]:
    return knobs | {"fusion": "off"}


def without_block(records: Sequence[Record]) -> list[Record]:
    return [one for one in records if (one.workload.name, one.mode, one.meta.block) != ("encoder", "hot", 1)]


def test_claims_with_one_wrong_output_change_where_cell_is_needed() -> None:
    found = check(made(plants=[Plant("wrong_output", "encoder", "hot", CORNER, block=1)]))
    assert changed_states(found) == {
        "fusion": "undecided",
        "partition-hot": "undecided",
        "fusion-alone": "undecided",
        "correct": "fails",
    }
    assert optional_text(found["fusion"].reason) == "wrong_output in 1 of 3 blocks: fusion=on"
    assert optional_text(found["fusion-alone"].reason) == "wrong_output in 1 of 3 blocks: fusion=on"
    assert str(optional_text(found["correct"].reason)).startswith("1 of 216 trials have wrong outputs")


def test_claims_with_missing_check_fail_correct_and_leave_effect_open() -> None:
    found = check(made(plants=[Plant("missing_check", "encoder", "cold", CORNER, block=1)]))
    assert changed_states(found) == {
        "partition-cold": "undecided",
        "memory": "undecided",
        "reuse": "undecided",
        "correct": "fails",
        "cache": "undecided",
    }
    assert optional_text(found["correct"].reason) == "1 comparisons are missing"


def test_claims_with_output_that_float32_leaves_open_leave_correct_open(good: list[Record]) -> None:
    assert good[0].correctness is not None
    nothing_judged = good[0].correctness.model_copy(update={"checked": 0, "ok": None, "ill_conditioned": 3})
    found = check([good[0].model_copy(update={"correctness": nothing_judged}), *good[1:]])
    assert changed_states(found) == {"correct": "undecided", "attention-correct": "undecided"}
    assert (
        optional_text(found["correct"].reason)
        == "1 ok trials have no output that their type determines (ill-conditioned)"
    )


def test_claims_with_missing_block_change_for_its_workload_and_mode(tmp_path: Path, good: list[Record]) -> None:
    write_results(tmp_path, good)
    write_records(tmp_path / "results.jsonl", without_block(good))
    found = by_id(check_claims(Findings(tidy([tmp_path / "results.jsonl"])), claims_of()))
    names = ("fusion", "partition-hot", "all-on", "fusion-alone", "correct")
    assert changed_states(found) == dict.fromkeys(names, "undecided")
    assert optional_text(found["fusion"].reason) == "16 planned hot trials have no record"
    assert optional_text(found["correct"].reason) == "18 planned trials have no record"


def test_claims_with_too_few_blocks_name_them(good: list[Record]) -> None:
    asked = Stopping(
        blocks=3,
        least_blocks=5,
        most_blocks=9,
        effect_target=0.01,
        cell_target=0.02,
        effect_half_width=None,
        cell_half_width=None,
        short_of="2 more blocks",
        decision="budget",
    )
    records = [
        one.model_copy(update={"runtime": one.runtime.model_copy(update={"stopping": asked})})
        if one.workload.name == "attention" and one.mode == "hot" and one.runtime
        else one
        for one in good
    ]
    found = check(records)
    assert changed_states(found) == {"attention-fusion": "undecided"}
    assert optional_text(found["attention-fusion"].reason) == "3 of at least 5 blocks"


def test_claim_about_no_op_knob_fails_with_proof() -> None:
    found = check(made(built_as=no_fusion))
    assert changed_states(found) == {
        "fusion": "fails",
        "attention-fusion": "fails",
        "fusion-alone": "fails",
        "all-on": "fails",
    }
    reason = "knob 'fusion' is a no-op from off to on: the same program in all 8 pairs"
    assert optional_text(found["fusion"].reason) == reason
    assert optional_text(found["attention-fusion"].reason) == reason


def test_claims_with_slower_all_on_change_where_it_takes_part(good: list[Record]) -> None:
    found = check(slower_all_on(good))
    assert changed_states(found) == {"fusion": "fails", "all-on": "fails", "partition-hot": "fails"}
    assert ">= 1.5 is claimed" in str(optional_text(found["all-on"].reason))


def test_claim_about_unknown_workload_names_it(good: list[Record]) -> None:
    found = check([one for one in good if one.workload.name == "attention"])
    assert optional_text(found["fusion"].reason) == "no trial of encoder on tvm; there are: attention on tvm"
    assert {one.state for name, one in found.items() if one.claim.workload == "encoder"} == {"undecided"}
    assert {found[name].state for name in ("attention-fusion", "correct", "attention-correct", "cache")} == {"holds"}


def test_claim_about_exact_metric_is_decided_by_one_block() -> None:
    found = check(made(blocks=1))
    assert {name for name, one in found.items() if one.state == "holds"} == {
        "memory", "reuse", "correct", "attention-correct", "cache",
    }  # fmt: skip
    assert optional_text(found["fusion"].reason) == "a single block has no interval"


def test_cache_claim_with_other_miss_count_fails(good: list[Record]) -> None:
    place = next(i for i, one in enumerate(good) if one.mode == "cold" and one.compile is not None)
    facts = good[place].compile
    assert facts is not None
    more = facts.model_copy(update={"compile_cache_miss_delta_first_run": facts.compile_cache_miss_delta_first_run + 1})
    records = [*good[:place], good[place].model_copy(update={"compile": more}), *good[place + 1 :]]
    found = check(records)
    assert changed_states(found) == {"cache": "fails"}
    assert optional_text(found["cache"].reason) == "1 of 102 trials compiled a different number of tasks"


@pytest.mark.parametrize(
    ("bound", "state"),
    [
        ("at_least: 1.5", "holds"),
        ("at_least: 1.9", "fails"),
        ("at_least: 1.6667", "undecided"),
        ("at_most: 2", "holds"),
        ("at_most: 1.3", "fails"),
        ("within: 0.01", "holds"),
        ("levels: [on, off], within: 0.01", "fails"),
        ("levels: [on, off], at_most: 0.7", "holds"),
        ("levels: [on, off], within: 0.9", "holds"),
    ],
)
def test_claim_is_decided_by_side_of_bound_its_interval_lies_on(good: list[Record], bound: str, state: str) -> None:
    line = f"  - {{id: c, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, {bound}}}\n"
    assert check(good, HEAD + line)["c"].state == state


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("knob: schedule, at_least: 2", "knob 'schedule' does not vary in hot mode; these do: partition, reuse"),
        ("knob: fusion, levels: [off, full], at_least: 2", "knob 'fusion' was run at off, on; not at off and full"),
        ("configuration: {fusion: full}, at_least: 2", "no trial of the configuration fusion=full"),
        ("configuration: {fusion: off}, at_least: 2", "both configurations of the claim are the same one"),
    ],
)
def test_claim_about_unmeasured_cells_is_undecided(good: list[Record], claim: str, reason: str) -> None:
    line = f"  - {{id: c, workload: encoder, compiler: tvm, metric: run_ms_paired, {claim}}}\n"
    found = check(good, HEAD + line)["c"]
    assert found.state == "undecided"
    assert str(optional_text(found.reason)).startswith(reason)


def test_claims_with_unsupported_configurations_have_no_gap() -> None:
    plants = [Plant("unsupported", "encoder", mode, CORNER) for mode in ("cold", "hot")]
    assert changed_states(check(made(plants=plants))) == {"fusion-alone": "undecided"}


def test_claims_file_with_several_faults_reports_all_with_lines(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(
        HEAD + "  - {id: a, workload: encoder, compiler: tvm, metric: planned_byte, knob: fusion, at_least: 1.1}\n"
        "  - {id: b, workload: encoder, compiler: tvm, knob: fusion, at_least: 1.1}\n"
        "  - {id: c, correct: all, at_least: 2}\n"
        "  - {id: d, workload: encoder, compiler: tvm, metric: planned_bytes, knobs: fusion, at_least: 1.1}\n"
        "  - {id: e, workload: encoder, compiler: tvm, metric: planned_bytes, knob: fusion}\n"
        "  - {id: f, workload: encoder, compiler: tvm, metric: planned_bytes, knob: f, against: {a: b}, within: 0.1}\n"
        "  - {id: g, workload: encoder, compiler: tvm, metric: planned_bytes, knob: f, levels: [a, a], within: 0.1}\n"
    )
    with pytest.raises(AnalysisError) as caught:
        load_claims(path)
    told = str(caught.value).splitlines()
    wanted = [
        "3: claims[0].metric: there is no metric 'planned_byte'",
        "4: claims[1]: claim 'b' compares a metric, so it also needs metric",
        "5: claims[2]: claim 'c': 'correct' is about every trial; remove at_least",
        "6: unknown key 'knobs' in 'claims[3]'; did you mean 'knob'?",
        "7: claims[4]: claim 'e' must have exactly one of at_least, at_most, within, but has none",
        "8: claims[5]: claim 'f': 'against' belongs to 'configuration'",
        "9: claims[6]: claim 'g': levels must differ, but got a twice",
    ]
    assert len(told) == len(wanted)
    assert all(line.startswith(f"{path}:{start}") for line, start in zip(told, wanted, strict=True)), told


def test_claims_file_with_repeated_id_is_refused() -> None:
    with pytest.raises(AnalysisError, match=r"claims\.yaml:4: id 'a' is given to two claims"):
        claims_of(HEAD + "  - {id: a, correct: all}\n  - {id: a, cache_misses: as_planned}\n")


def test_claim_statements_are_sentences_in_both_languages() -> None:
    said = {claim.id: (claim.statement(), claim.statement("zh")) for claim in claims_of().claims}
    assert said["fusion"] == (
        "fusion reduces the run time of encoder on tvm by a factor of at least 1.5",
        "在 tvm 上，改变 fusion 的取值，encoder 的运行时间之比（改前/改后）至少为 1.5",
    )
    assert said["partition-hot"][0] == "partition increases the run time of encoder on tvm by at most 20%"
    assert said["fusion-alone"][0] == (
        "fusion=on reduces the run time of encoder on tvm by a factor of at least 1.3 against memory_plan=on"
    )
    assert said["attention-correct"][0] == "Every output of attention is correct, and no check is missing"
    assert all(text and not text.endswith((".", "。")) for pair in said.values() for text in pair)
    assert len(set(itertools.chain.from_iterable(said.values()))) == 2 * len(said)


def test_claims_schema_matches_model_and_accepts_claims() -> None:
    assert FROZEN.read_text(encoding="utf-8") == claims_schema_text(), (
        "the fields of claims changed: raise CLAIMS_VERSION and freeze a new schema file"
    )
    validator = jsonschema.Draft202012Validator(json.loads(FROZEN.read_text(encoding="utf-8")))
    data = YAML(typ="safe").load(CLAIMS)
    validator.validate(data)
    assert not validator.is_valid({**data, "version": 2})


@pytest.mark.parametrize("name", ["tiny", "quick"])
def test_shipped_claims_name_only_what_their_study_has(name: str) -> None:
    study = load_study(ROOT / f"studies/{name}.yaml").study
    factorial = study.stages[0].factorial or {}
    for claim in load_claims(ROOT / f"studies/{name}.claims.yaml").claims:
        assert claim.workload in (None, *(choice.name for choice in study.workloads)), claim.id
        assert claim.compiler in (None, *(choice.name for choice in study.compilers)), claim.id
        named = {(claim.knob, level) for level in claim.levels or ()} | {(claim.knob, None)}
        for side in (claim.configuration, claim.against):
            named |= set((side or {}).items())
        for knob, level in named - {(None, None)}:
            assert knob in factorial, claim.id
            assert level is None or level in map(str, factorial[knob]), claim.id


@pytest.mark.parametrize(
    ("bound", "english", "chinese"),
    [
        ("at_least: 1.5", ("by a factor of at least ", "1.5", ""), ("至少为 ", "1.5", "")),
        ("at_most: 2", ("by a factor of at most ", "2", ""), ("至多为 ", "2", "")),
        ("within: 0.02", ("by at most ", "2", "%"), ("至多增加 ", "2", "%")),
    ],
)
def test_claim_statement_contains_its_bound(
    bound: str, english: tuple[str, str, str], chinese: tuple[str, str, str]
) -> None:
    about = "workload: w2, compiler: tvm, metric: run_ms_paired, knob: k1.5, levels: ['1.5', '2']"
    line = f"  - {{id: c, {about}, {bound}}}\n"
    (claim,) = claims_of(HEAD + line).claims
    for language, (before, number, after) in (("en", english), ("zh", chinese)):
        parts = claim.parts("zh" if language == "zh" else "en")
        assert (parts[0][-len(before) :], *parts[1:]) == (before, number, after)
        assert "".join(parts) == claim.statement("zh" if language == "zh" else "en")


def test_claim_about_every_trial_has_no_bound() -> None:
    (claim,) = claims_of("version: 1\nclaims:\n  - {id: c, correct: all}\n").claims
    assert claim.parts() == ("Every output is correct, and no check is missing", "", "")
