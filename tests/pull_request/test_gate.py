"""What a policy lets pass, and what not; a policy that is wrong says where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from ruamel.yaml import YAML

from ablatrix.analysis.builds import compare_builds
from ablatrix.analysis.findings import Findings
from ablatrix.errors import AnalysisError
from ablatrix.pull_request import (
    DEFAULT_POLICY,
    Gate,
    Policy,
    hold_against,
    junit_text,
    load_policy,
    markdown_text,
    policy_schema_text,
)
from ablatrix.records.model import Record
from tests.synthetic import make_records, tidied
from tests.with_builds import Ends, Knobs, Planted, ends_well, only_memory_and_fusion, unchanged, with_builds

BASE = only_memory_and_fusion(make_records(modes=["hot"], blocks=4, noise=0.001))
RUN = "run_ms_paired"


def slower(factor: float) -> Planted:
    def planted(workload: str, mode: str, knobs: Knobs) -> float:
        del mode, knobs
        return factor if workload == "encoder" else 1.0

    return planted


def slower_with_fusion(workload: str, mode: str, knobs: Knobs) -> float:
    del mode
    return {"on": 1.05, "off": 0.952}[str(knobs["fusion"])] if workload == "encoder" else 1.0


def crashing(record: Record) -> str:
    return "crashed" if record.workload.name == "attention" and record.config.knobs["fusion"] == "on" else "ok"


def gate_of(
    planted: Planted = unchanged, policy: Policy = DEFAULT_POLICY, ends: Ends = ends_well, noise: float = 0.002
) -> Gate:
    records = with_builds(BASE, planted, ends=ends, noise=noise)
    report = compare_builds(Findings(tidied(records)), margin=policy.margin, metrics=(RUN, "planned_bytes"))
    return hold_against(report, policy)


def failing(gate: Gate) -> list[tuple[str, str]]:
    return [(one.workload, one.what) for one in gate.failing]


@pytest.mark.parametrize(
    ("factor", "limits", "passes"),
    [
        (1.0, {RUN: 0.01}, True),
        (0.9, {RUN: 0.01}, True),
        (1.03, {RUN: 0.01}, False),
        (1.03, {RUN: 0.05}, True),
        (1.03, {"planned_bytes": 0.0}, True),
    ],
)
def test_regression_fails_beyond_its_limit_alone(factor: float, limits: dict[str, float], passes: bool) -> None:
    gate = gate_of(slower(factor), Policy(version=1, limits=limits))
    assert gate.passes is passes
    assert failing(gate) == ([] if passes else [("encoder", RUN)])


def test_workloads_that_do_not_count_are_shown_and_pass() -> None:
    for policy in (
        Policy(version=1, workloads=("att*",)),
        Policy.model_validate({"version": 1, "exceptions": [{"workload": "enc*", "ignore": True}]}),
        Policy.model_validate({"version": 1, "exceptions": [{"workload": "encoder", "limits": {RUN: "5%"}}]}),
    ):
        assert gate_of(slower(1.03), policy).passes
    checks = gate_of(slower(1.03), Policy(version=1, workloads=("att*",))).checks
    states = {(one.workload, one.what): one.state for one in checks}
    assert states["encoder", RUN] == "not counted"
    assert states["attention", RUN] == "passes"


@pytest.mark.parametrize(("undecided", "state"), [("pass", "open"), ("fail", "fails")])
def test_undecided_change_is_what_the_policy_says(undecided: str, state: str) -> None:
    gate = gate_of(policy=Policy.model_validate({"version": 1, "undecided": undecided}), noise=0.2)
    assert {one.state for one in gate.checks if one.what == RUN} == {state}


def test_limit_on_what_was_not_measured_is_open() -> None:
    (one, other) = [
        check
        for check in gate_of(policy=Policy(version=1, limits={"compile_first_run_ms": 0.1})).checks
        if check.what == "compile_first_run_ms"
    ]
    assert (one.state, other.state) == ("open", "open")
    assert one.reason == "not measured; the limit is 10 %"


def test_new_failures_fail_unless_the_policy_lets_them_pass() -> None:
    assert failing(gate_of(ends=crashing)) == [("attention", "outputs and failures")]
    assert gate_of(ends=crashing).failing[0].reason == "2 newly failed"
    assert gate_of(policy=Policy(version=1, failures="pass"), ends=crashing).passes


def test_regression_at_one_level_fails_where_levels_do() -> None:
    assert gate_of(slower_with_fusion).passes
    gate = gate_of(slower_with_fusion, Policy(version=1, levels="fail"))
    assert failing(gate) == [("encoder", f"{RUN} with fusion=on")]
    assert "run time with fusion=on" in markdown_text(gate)


def test_pattern_that_fits_no_workload_is_refused() -> None:
    with pytest.raises(AnalysisError, match="'workloads' has enc0der, which fits no workload of these results; there"):
        gate_of(policy=Policy(version=1, workloads=("enc0der",)))


def test_builds_without_a_configuration_in_common_are_refused() -> None:
    records = [
        record
        for record in with_builds(BASE)
        if record.role != "measured"
        or (record.config.knobs["build"] == "pr") == (record.config.knobs["fusion"] == "on")
    ]
    report = compare_builds(Findings(tidied(records)), metrics=(RUN,))
    with pytest.raises(AnalysisError, match="was run under both builds, 'stable' and 'pr'"):
        hold_against(report, DEFAULT_POLICY)


def test_policy_file_is_read_with_percent_and_faults_have_lines(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nmargin: 2%\nlimits: {run_ms_paired: 2.5%}\nworkloads: [a*]\nundecided: fail\n")
    held = load_policy(file)
    assert (held.margin, held.limits, held.undecided) == (0.02, {RUN: 0.025}, "fail")
    assert held.limit("any", "tvm", RUN) == 0.025
    file.write_text("version: 1\nlimits: {run_ms_paird: 1%}\nmargin: much\nwrong: 1\n")
    with pytest.raises(AnalysisError) as refused:
        load_policy(file)
    first, second, third = str(refused.value).splitlines()
    assert "policy.yaml:2: " in first
    assert "did you mean 'run_ms_paired'?" in first
    assert "policy.yaml:3: " in second
    assert "'much' is no share; write it as 1% or 0.01" in second
    assert "policy.yaml:4: " in third


def test_variant_is_named_with_its_brackets() -> None:
    policy = Policy(version=1, workloads=("net[tokens=*]",))
    assert policy.counts("net[tokens=16]", "tvm")
    assert not policy.counts("nett", "tvm")


def test_markdown_has_five_lines_a_table_and_the_rest_folded() -> None:
    text = markdown_text(gate_of(slower(1.03), ends=crashing), "https://x.example/run (1)")
    title, summary, table, *rest = text.split("\n\n")
    assert title == "### ablatrix: pr against stable: fails"
    assert summary.count("\n") <= 4
    assert "- **Fails**: encoder on tvm (run time), attention on tvm (outputs and failures)." in summary
    assert table.startswith("| workload | compiler | Run time |")
    assert len({line.count("|") for line in table.splitlines()}) == 1
    assert text.count("<details>") == text.count("</details>") >= 3
    assert rest[-1] == "[All results](https://x.example/run%20%281%29)\n"


def test_markdown_of_many_changes_fits_into_a_comment() -> None:
    gate = gate_of(slower(1.03), ends=crashing)
    many = replace(gate, checks=gate.checks * 40, report=replace(gate.report, turned=gate.report.turned * 200))
    assert len(gate.checks) * 40 > 200
    long = replace(many, checks=tuple(replace(one, reason=one.reason + " x" * 400) for one in many.checks))
    text = markdown_text(long)
    assert len(text) < 65_000
    assert "What was checked: too long for a comment, see the results." in text
    assert "<summary>How it was measured</summary>" in text
    assert "too long" not in markdown_text(gate)


def test_markdown_has_no_markup_out_of_names() -> None:
    records = with_builds(BASE, slower(1.03), names=("a|b", "<img src=x>@all"))
    text = markdown_text(hold_against(compare_builds(Findings(tidied(records)), metrics=(RUN,)), DEFAULT_POLICY))
    assert "<img" not in text.replace(r"\<", "")
    assert r"\<img src=x\>\@all against a\|b" in text


def test_junit_counts_agree_with_its_cases() -> None:
    gate = gate_of(slower(1.03), ends=crashing)
    root = ElementTree.fromstring(junit_text(gate))
    cases = list(root.iter("testcase"))
    assert int(root.attrib["tests"]) == len(cases) == len(gate.checks)
    assert int(root.attrib["failures"]) == len(list(root.iter("failure"))) == 2
    assert int(root.attrib["skipped"]) == len(list(root.iter("skipped"))) == 2
    failed = next(root.iter("failure")).attrib["message"]
    assert failed.startswith("regression: +3.")
    assert failed.endswith("more than 1 %")


def test_documented_policy_is_read_and_every_key_is_explained(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "pull-requests.md").read_text(encoding="utf-8")
    shown = text.split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "policy.yaml"
    file.write_text(shown, encoding="utf-8")
    held = load_policy(file)
    assert (held.limit("resnet", "tvm", RUN), held.limit("mlp", "tvm", RUN)) == (0.03, 0.01)
    assert not held.counts("decoder[phase=decode]", "tvm")
    table = text.split("## The policy")[1]
    assert [key for key in Policy.model_fields if key != "version" and f"`{key}`" not in table] == []


def test_policy_schema_matches_model_and_accepts_the_shipped_policy() -> None:
    root = Path(__file__).parents[2]
    frozen = (root / "schemas" / "policy-1.json").read_text(encoding="utf-8")
    assert frozen == policy_schema_text(), "the fields of policies changed: raise POLICY_VERSION, freeze a new schema"
    data = YAML(typ="safe").load((root / "examples" / "pr" / "policy.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(frozen)).validate(data)
