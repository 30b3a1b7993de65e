"""What a switch acts on and should change, which one is chosen, and when a cause is confirmed."""

import pytest

from ablatrix.compilers.profiling import KernelProfile, ProfiledKernel
from ablatrix.explain.candidates import Explained, acted_on, changed_groups, predicted_ms
from ablatrix.explain.intervening import best_candidate, change_text, is_confirmed, largest_causes
from ablatrix.records.explanation import ExplainedGroup, SpreadMs


def group(label: str, nodes: list[int], difference: float) -> ExplainedGroup:
    value = SpreadMs(ms=1.0)
    return ExplainedGroup(
        nodes=nodes,
        label=label,
        a=value,
        b=value,
        difference=SpreadMs(ms=difference),
        a_kernels=[],
        b_kernels=[],
        flops=0,
        bytes=0,
    )


def profile(digest: str, *kernels: tuple[str, tuple[int, ...]]) -> KernelProfile:
    return KernelProfile(
        kernels=tuple(ProfiledKernel(name=name, nodes=nodes) for name, nodes in kernels),
        times_ms=(),
        walls_ms=(),
        plain_ms=(),
        source="a clock",
        inside=0.0,
        artifact_digest=digest,
    )


GROUPS = [group("mm + add", [0, 1], -2.0), group("relu", [2], -1.0), group("mm + add", [3, 4], -0.5)]
APART = profile("a", ("mm", (0,)), ("add", (1,)), ("relu", (2,)), ("mm_1", (3,)), ("add_1", (4,)))
FUSED = profile("b", ("mm_add", (0, 1)), ("relu", (2,)), ("mm_add_1", (3, 4)))
FOUND = Explained(groups=GROUPS, profiles=(APART, FUSED), overhead_ms=-0.4)


def test_changed_groups_are_those_with_other_kernels_or_nodes() -> None:
    half = profile("c", ("mm", (0,)), ("add", (1,)), ("relu_7", (2,)), ("mm_add", (3, 4)))
    assert changed_groups(GROUPS, FUSED.kernels, half.kernels) == (0,)
    assert acted_on(FOUND, half) == (0,)


def test_acted_on_same_code_is_nothing() -> None:
    assert acted_on(FOUND, FUSED) == ()


def test_acted_on_third_way_is_nothing() -> None:
    other = profile("c", ("mm_of_two", (0,)), ("add", (1,)), ("relu", (2,)), ("mm_add", (3, 4)))
    assert acted_on(FOUND, other) == ()


def test_acted_on_same_kernels_of_the_first_ones_code_is_everything() -> None:
    kernels = [(one.name, one.nodes) for one in FUSED.kernels]
    alike = Explained(groups=GROUPS, profiles=(profile("a", *kernels), FUSED), overhead_ms=-0.4)
    assert acted_on(alike, profile("a", *kernels)) == (0, 1, 2)
    assert acted_on(alike, profile("c", *kernels)) == ()


def test_predicted_ms_takes_overhead_by_the_calls_that_are_made_up_for() -> None:
    half = profile("c", ("mm", (0,)), ("add", (1,)), ("relu", (2,)), ("mm_add", (3, 4)))
    assert predicted_ms(FOUND, half, (0,)) == pytest.approx(2.0 + 0.5 * 0.4)
    assert predicted_ms(FOUND, APART, (0, 1, 2)) == pytest.approx(3.5 + 0.4)


def test_largest_causes_are_kinds_of_operations_by_their_sum() -> None:
    many = [group("relu", [9], -1.6), *GROUPS, group("(computes no node)", [], -9.0)]
    assert largest_causes(many) == [[0, 2], [1, 3]]


def test_best_candidate_acts_most_on_the_cause_alone() -> None:
    from ablatrix.explain.candidates import Candidate

    def candidate(text: str, *acts_on: int) -> Candidate:
        return Candidate(side=None, text=text, acts_on=acts_on, predicted_ms=1.0)  # type: ignore[arg-type]

    wide, narrow, other = candidate("wide", 0, 1, 2), candidate("narrow", 0, 2), candidate("other", 1)
    assert best_candidate([], iter([wide, narrow, other]), GROUPS, [0, 2]) is narrow
    assert best_candidate([wide], iter([]), GROUPS, [0, 2]) is wide
    assert best_candidate([wide, narrow], iter([]), GROUPS, [1]) is None


def test_best_candidate_asks_for_no_more_than_it_needs() -> None:
    from ablatrix.explain.candidates import Candidate

    one, other = (
        Candidate(side=None, text=text, acts_on=acts_on, predicted_ms=1.0)  # type: ignore[arg-type]
        for text, acts_on in (("one", (0, 2)), ("other", (0,)))
    )
    seen: list[Candidate] = []
    coming = iter([one, other])
    assert best_candidate(seen, coming, GROUPS, [0, 2]) is one
    assert (seen, next(coming)) == ([one], other)


@pytest.mark.parametrize(
    ("low", "high", "predicted", "confirmed"),
    [
        (0.9, 1.3, 1.0, True),
        (1.5, 2.1, 1.0, True),
        (2.1, 2.5, 1.0, False),  # more than twice as much
        (-1.3, -0.9, 1.0, False),  # the other way
        (-0.1, 1.9, 1.0, False),  # perhaps nothing
        (0.9, 1.3, 0.0, False),
    ],
)
def test_is_confirmed_by_interval_and_size(low: float, high: float, predicted: float, confirmed: bool) -> None:
    assert is_confirmed(SpreadMs(ms=(low + high) / 2, low=low, high=high), predicted) is confirmed


def test_change_text_says_more_or_less_without_a_sign() -> None:
    assert [change_text(one) for one in (0.25, -0.014339)] == ["0.25 ms more", "0.01434 ms less"]
