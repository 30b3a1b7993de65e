"""What each status counts as: every trial is exactly one of ok, failed, unsupported and not run."""

import pytest

from ablatrix.records.status import FAILURES, NOT_RUN, STATUSES, Status


@pytest.mark.parametrize(
    ("name", "ran", "is_failure", "is_final"),
    [
        ("ok", True, False, True),
        ("plan_error", True, True, True),
        ("compile_error", True, True, True),
        ("run_error", True, True, True),
        ("wrong_output", True, True, True),
        ("missing_check", True, True, True),
        ("timeout", True, True, True),
        ("out_of_memory", True, True, True),
        ("crashed", True, True, True),
        ("unsupported", True, False, True),
        ("interrupted", False, False, False),
        ("not_run_budget", False, False, True),
        ("not_prepared", False, False, True),
        ("node_lost", False, False, False),
        ("place_failed", False, False, False),
    ],
)
def test_status_has_its_counting_class(name: str, ran: bool, is_failure: bool, is_final: bool) -> None:
    status = Status(name)
    assert (status.ran, status.is_failure, status.is_final) == (ran, is_failure, is_final)
    assert f"{status}" == name


def test_statuses_are_each_counted_exactly_once() -> None:
    assert sorted(["ok", "unsupported", *FAILURES, *NOT_RUN]) == sorted(STATUSES)
    assert tuple(Status) == STATUSES
