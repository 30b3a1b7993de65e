# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Hosts as blocks: slow and noisy hosts bias nothing, an effect that one host alone has is told, strata stay apart."""

import math
import statistics
from pathlib import Path
from statistics import fmean

import pytest
from scipy import stats

from ablatrix.analysis.claims import check_claims
from ablatrix.analysis.claims.model import Claims
from ablatrix.analysis.diagnosis import find_break_even
from ablatrix.analysis.effects import Evidence, Question, evidence_frame, gather, hosts_text, repeats_text
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import mixed_origins, ratios_to_baseline, refuse_mixed
from ablatrix.analysis.runs import compare
from ablatrix.analysis.table import LOST, tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from tests.synthetic import broken, make_records, tidied, write_records
from tests.with_hosts import Host, host_id, over_hosts

EQUAL = [Host(name) for name in "abcd"]
HALF = [*EQUAL[:3], Host("d", slow=2.0)]
ODD = [*EQUAL[:3], Host("d", slow=2.0, odd={("fusion", "on"): 1.08})]
METRIC = "run_ms_paired"


def evidence(records: list[Record], metric: str = METRIC) -> Evidence:
    return gather(tidied(records), Question(metrics=(metric,)))[0]


def verdicts(found: Evidence) -> list[tuple[str, str | None, str | None]]:
    judged = zip(found.effects, found.judgements, strict=True)
    return [(one.workload, one.knob, held.verdict) for one, held in judged if held is not None]


def test_one_host_at_half_speed_among_four_changes_no_verdict() -> None:
    equal, half = evidence(over_hosts(EQUAL)), evidence(over_hosts(HALF))
    assert verdicts(equal) == verdicts(half)
    assert {verdict for _, _, verdict in verdicts(half)} == {"faster", "slower"}
    for one, other in zip(equal.effects, half.effects, strict=True):
        assert one.ratio is not None
        assert other.ratio is not None
        assert other.ratio.value == pytest.approx(one.ratio.value, rel=1e-9)
        assert other.ratio.high == pytest.approx(one.ratio.high, rel=1e-9)
    assert not any(judgement.differs for _, _, judgement in half.on_hosts)


def test_effect_that_one_host_alone_has_is_told_with_the_host() -> None:
    found = evidence(over_hosts(ODD))
    told = {
        (one.workload, one.knob): held.odd for one, _, held in found.on_hosts if held.differs and one.kind == "main"
    }
    short = host_id("d")[:6]
    assert told == {("attention", "fusion"): (short,), ("encoder", "fusion"): (short,)}
    effect, on, held = next(one for one in found.on_hosts if one[0].knob == "fusion" and one[0].workload == "encoder")
    assert hosts_text(on, held) == f"on 4 hosts (tau {on.tau_percent:.1f} %); hosts differ: {short}"
    assert hosts_text(on, held, "zh") == f"4 台主机，τ = {on.tau_percent:.1f}%；主机间有差异：{short}"
    assert effect.blocks == 16
    assert on.tau_percent == pytest.approx(4.0, abs=0.6)  # 8 % on one of four: half of log 1.08


def test_noisy_host_widens_and_does_not_bias() -> None:
    quiet = evidence(over_hosts(EQUAL))
    noisy = evidence(over_hosts([*EQUAL[:3], Host("d", noise=0.1)]))
    widths = []
    for one, other in zip(quiet.effects, noisy.effects, strict=True):
        if one.kind == "main":
            assert one.ratio is not None
            assert one.ratio.half_width is not None
            assert other.ratio is not None
            assert other.ratio.half_width is not None
            widths.append(other.ratio.half_width / one.ratio.half_width)
            assert abs(math.log(other.ratio.value / one.ratio.value)) < other.ratio.half_width
    assert statistics.median(widths) > 2.0  # one of them may lie near those of the other hosts by chance
    assert sum(width < 1.0 for width in widths) <= 1


def test_effect_over_hosts_is_t_over_the_means_of_hosts() -> None:
    """Recomputed from the records with none of our code: within a block, within a host, then over hosts."""
    records = over_hosts(HALF)
    logs: dict[tuple[str, int, tuple[str, ...]], float] = {}
    for record in records:
        if (record.workload.name, record.mode, record.role) == ("encoder", "cold", "measured"):
            knobs = record.config.knobs
            others = tuple(str(knobs[name]) for name in ("partition", "reuse", "memory_plan"))
            assert record.runtime is not None
            time = math.log(record.runtime.compile_first_run_ms or math.nan)
            key = (record.meta.machine.host, record.meta.block, others)
            logs[key] = logs.get(key, 0.0) + (time if knobs["fusion"] == "on" else -time)
    hosts = {host: [] for host, _, _ in logs}  # type: dict[str, list[float]]
    for (host, _, _), log in logs.items():
        hosts[host].append(log)
    means = [fmean(own) for own in hosts.values()]
    half = stats.t.ppf(0.975, 3) * stats.tstd(means) / 2.0
    effects = evidence(records, "compile_first_run_ms").effects
    found = next(one for one in effects if (one.workload, one.knob, one.kind) == ("encoder", "fusion", "main"))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(math.exp(fmean(means)), rel=1e-9)
    assert found.ratio.half_width == pytest.approx(half, rel=1e-9)
    assert (found.ratio.count, found.blocks) == (4, 16)


def test_unit_on_one_host_of_several_repeats_its_blocks() -> None:
    records = over_hosts(EQUAL)
    kept = [one for one in records if one.workload.name == "attention" or one.meta.machine.host == "a"]
    by_workload = {one.workload: one for one in evidence(kept).effects if one.kind == "main" and one.knob == "fusion"}
    assert by_workload["encoder"].hosts is None
    assert by_workload["encoder"].ratio is not None
    assert by_workload["encoder"].ratio.count == 4
    assert by_workload["attention"].hosts is not None


def test_shares_over_hosts_multiply_to_the_total() -> None:
    effects = [one for one in evidence(over_hosts(ODD)).effects if one.workload == "encoder"]
    total = next(one for one in effects if one.kind == "total")
    shares = [one.ratio.value for one in effects if one.kind == "shapley" and one.ratio is not None]
    assert total.ratio is not None
    assert math.prod(shares) == pytest.approx(total.ratio.value, rel=1e-9)


def test_one_block_a_host_is_an_interval_and_no_test() -> None:
    found = evidence(over_hosts(EQUAL, blocks_each=1))
    effect, on, held = found.on_hosts[0]
    assert effect.ratio is not None
    assert effect.ratio.low is not None
    assert (on.is_tested, held.p_holm, held.differs, on.tau_percent) == (False, None, False, None)


def test_controls_and_ratios_are_over_hosts() -> None:
    records = over_hosts(HALF)
    controls = Findings(tidied(records)).controls(METRIC, "hot")
    assert [one.ratio.count for one in controls] == [4, 4]
    trials = tidied(records).trials
    ratios = ratios_to_baseline(trials, METRIC, ["workload", "compiler", "mode", "role", "knob_fusion"])
    assert {ratio.count for ratio in ratios.values() if ratio.low is not None} == {4}


def test_break_even_does_not_depend_on_the_speed_of_a_host() -> None:
    equal, half = (find_break_even(tidied(over_hosts(hosts)).trials) for hosts in (EQUAL, HALF))
    assert [one.verdict for one in equal] == [one.verdict for one in half]
    for one, other in zip(equal, half, strict=True):
        if one.runs is not None:
            assert other.runs == pytest.approx(one.runs, rel=1e-6)


def test_claim_is_decided_over_hosts() -> None:
    claim = {
        "id": "fusion",
        "workload": "encoder",
        "compiler": "tvm",
        "metric": METRIC,
        "knob": "fusion",
        "at_least": 1.2,
    }
    claims = Claims.model_validate({"version": 1, "claims": [claim]})
    (checked,) = check_claims(Findings(tidied(over_hosts(ODD))), claims)
    assert checked.state == "holds"
    assert checked.ratio is not None
    assert checked.ratio.count == 4


def test_comparison_of_results_over_hosts_compares_no_times() -> None:
    found = compare(tidied(over_hosts(EQUAL)), tidied(over_hosts(HALF, seed=8)))
    assert all(one.time is None for one in found.cells)
    assert all(one.to_baseline is not None for one in found.cells if one.moved)


def test_frame_of_one_host_has_no_columns_of_hosts() -> None:
    one = evidence_frame([evidence(make_records(blocks=3))])
    several = evidence_frame([evidence(over_hosts(EQUAL))])
    added = ["hosts", "tau", "p_hosts", "p_hosts_holm", "hosts_differ", "odd_hosts"]
    assert several.columns == [*one.columns, *added]
    is_main = (several["effect"] == "main") & (several["scope"] == "workload")
    assert several.filter(is_main)["hosts"].unique().to_list() == [4]
    assert several.filter(is_main)["blocks"].unique().to_list() == [16]


def test_records_before_1_5_have_hosts_by_name() -> None:
    old = [one.model_copy(update={"meta": one.meta.model_copy(update={"place": None})}) for one in over_hosts(EQUAL)]
    found = Findings(tidied(old))
    assert found.hosts == ("a", "b", "c", "d")
    assert [one.ratio for one in evidence(old).effects] == [one.ratio for one in evidence(over_hosts(EQUAL)).effects]


def test_hosts_of_one_study_are_no_mixture() -> None:
    assert mixed_origins(tidied(over_hosts(EQUAL))) == {}
    assert refuse_mixed(tidied(over_hosts(EQUAL)), allow_mixed=False) == []
    assert repeats_text(("a", "b")).startswith("Results of 2 hosts: ")
    assert repeats_text(()) == ""


def test_hosts_of_several_studies_are_refused() -> None:
    two = [*make_records(blocks=1), *make_records(blocks=1, host="bench-2", seed=8)]
    with pytest.raises(AnalysisError, match=r"study_digest: .*host: bench-1, bench-2"):
        refuse_mixed(tidied(two), allow_mixed=False)


def test_strata_are_apart_and_refused_where_they_cannot_be() -> None:
    hosts = [Host("a", stratum="fast"), Host("b", stratum="fast"), Host("c", stratum="old"), Host("d", stratum="old")]
    found = tidied(over_hosts(hosts))
    assert refuse_mixed(found, allow_mixed=False, strata_apart=True) == ["stratum"]
    with pytest.raises(AnalysisError, match=r"are of 2 strata \(fast, old\).*give the records of one"):
        refuse_mixed(found, allow_mixed=False)
    apart = gather(found, Question(metrics=(METRIC,)), ["stratum"])[0]
    assert {(one.origin, len(one.hosts.names)) for one in apart.effects if one.hosts} == {(("fast",), 2), (("old",), 2)}


def test_attempt_lost_with_its_host_counts_for_nothing(tmp_path: Path) -> None:
    records = over_hosts(EQUAL)
    lost = [
        broken(one, Status.NODE_LOST).model_copy(update={"final": False, "record_id": f"lost-{number}"})
        for number, one in enumerate(records[:20])
    ]
    again = [one.model_copy(update={"attempt": 1}) for one in records[:20]]
    found = tidy([write_records(tmp_path / "results.jsonl", [*lost, *again, *records[20:]])])
    assert found.excluded == {LOST: 20}
    assert found.trials.height == len(records)
    assert evidence_frame(gather(found, Question(metrics=(METRIC,)))).equals(evidence_frame([evidence(records)]))


def test_mean_share_over_workloads_is_taken_on_each_host_first() -> None:
    """What is odd about a host is so for all workloads, of interactions and shares as of effects."""
    found = evidence(over_hosts(ODD))
    for mean in found.means:
        members = [
            one
            for one in found.effects
            if (one.kind, one.knob, one.other, one.stage) == (mean.kind, mean.knob, mean.other, mean.stage)
        ]
        assert {one.of_hosts for one in members} == {tuple(sorted(host_id(name)[:6] for name in "abcd"))}
        on_hosts = [fmean(logs) for logs in zip(*(one.logs for one in members), strict=True)]
        half = stats.t.ppf(0.975, 3) * stats.tstd(on_hosts) / 2.0
        assert mean.ratio is not None
        assert mean.ratio.half_width == pytest.approx(half, rel=1e-6), mean.kind
