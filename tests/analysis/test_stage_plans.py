"""What records say of the stages of their study."""

from __future__ import annotations

import pytest

from ablatrix.analysis.groups.stage_plans import StagePlan
from ablatrix.errors import AnalysisError


def test_stage_plan_has_the_levels_of_each_knob_as_text() -> None:
    plan = StagePlan.read('{"number":0,"kind":"factorial","knobs":["a"],"levels":[[1,"on"]],"centre":{"a":1}}')
    assert (plan.levels, plan.centre, plan.chosen) == ({"a": ("1", "on")}, {"a": "1"}, None)


@pytest.mark.parametrize("levels", ["[]", "[[1],[2]]"])
def test_stage_plan_without_levels_of_each_knob_is_refused(levels: str) -> None:
    with pytest.raises(AnalysisError, match="names 1 knobs and has the levels of"):
        StagePlan.read(f'{{"number":0,"kind":"factorial","knobs":["a"],"levels":{levels},"centre":{{}}}}')
