"""Where baselines are not as shipped: only knobs that a baseline has can be at another level."""

import polars as pl

from ablatrix.analysis.groups import departures_of

TRIALS = pl.DataFrame(
    {
        "compiler": ["tvm", "tvm", "eager", "inductor"],
        "baseline_fusion": ["off", "off", None, "on"],
        "baseline_reuse": [None, None, None, "keep"],
    }
)


def test_departures_of_knobs_that_no_baseline_has_are_omitted() -> None:
    told = ['{"fusion":"on","reuse":"release","other":"on"}', '{"fusion":"on"}', None, "{}"]
    assert departures_of(TRIALS.with_columns(departures=pl.Series(told))) == {"inductor": {}, "tvm": {"fusion": "on"}}


def test_departures_of_records_that_do_not_say_are_unknown() -> None:
    assert departures_of(TRIALS) == {}
