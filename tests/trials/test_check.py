"""Outputs against the oracle: what is right in float32, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from ablatrix.trials.messages import TrialResult
from ablatrix.trials.worker.check import Comparison
from ablatrix.trials.worker.execution import _judge
from ablatrix.workloads.allowance import in_quanta
from tests.trials.judging import changed, eager, judge, prepared

INF, NAN = float("inf"), float("nan")


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Where eager overflows, its value and the oracle's are right, and nothing else.


def test_check_where_eager_overflows_takes_both_and_no_zero() -> None:
    def unnormalised(x: torch.Tensor) -> torch.Tensor:
        return x.exp() / x.exp().sum(-1, keepdim=True)

    x = drawn(4, 8)
    x[1, 3] = 100.0
    made = prepared(unnormalised, x)
    [ours] = eager(unnormalised, x)
    assert bool(ours[1, 3].isnan())
    assert judge(ours, made).passed
    assert judge(made.expected[0].float(), made).passed
    assert not judge(torch.zeros(4, 8), made).passed
    assert not judge(changed(ours, 0, 0, to=0.0), made).passed
    assert not judge(changed(ours, 1, 3, to=0.0), made).passed
    assert judge(ours, made).eager_wrong == 1


def test_check_of_float16_overflow_judges_the_other_elements() -> None:
    def squares(x: torch.Tensor) -> torch.Tensor:
        return (x.half() * 300.0).square().float() / 1000.0

    x = drawn(64)
    made, [ours] = prepared(squares, x), eager(squares, x)
    assert 0 < int(ours.isinf().sum()) < 32
    assert judge(ours, made).passed
    assert judge(made.expected[0].float(), made).passed
    assert not judge(torch.zeros(64), made).passed
    finite = int(ours.isfinite().nonzero()[0])
    assert not judge(changed(ours, finite, to=0.5 * float(ours[finite])), made).passed


# The oracle is float64 throughout.


def state(x: torch.Tensor) -> torch.Tensor:
    hidden = torch.zeros(1, x.shape[0], 4)
    mask = torch.tril(torch.ones(x.shape[0], x.shape[0]))
    return torch.eye(x.shape[0]) @ mask @ torch.cat((hidden[0], x), -1)


def quotient(x: torch.Tensor) -> torch.Tensor:
    positions = torch.arange(x.shape[0])
    return x * (positions / 3)[:, None] + torch.arange(0.0, 0.4, 0.1)


def scattered(x: torch.Tensor) -> torch.Tensor:
    index = torch.arange(x.shape[1]).expand(x.shape[0], -1)
    made = torch.zeros(x.shape[0], 8).scatter(1, index, x)
    made = made.scatter_add(1, index, x)
    return made.index_put((torch.tensor([0]), torch.tensor([7])), x[0, :1])


def bits(x: torch.Tensor) -> torch.Tensor:
    return (x.view(torch.int32) & 0x7FFFFFFF).view(torch.float32)


def chosen(x: torch.Tensor) -> torch.Tensor:
    made: torch.Tensor = torch.cond(x.sum() > 1e9, lambda a: a.sin(), lambda a: a.cos() + torch.ones(4), (x,))
    return made


@pytest.mark.parametrize("function", [state, quotient, scattered, bits, chosen])
def test_oracle_of_program_without_types_is_float64(function: Callable[..., torch.Tensor]) -> None:
    x = drawn(3, 4)
    made, [ours] = prepared(function, x), eager(function, x)
    assert made.expected[0].dtype == torch.float64
    torch.testing.assert_close(made.expected[0].float(), ours)
    assert torch.equal(made.expected[0], ours.double()) == (function in {bits, scattered})
    assert judge(ours, made).passed
    assert not judge(changed(ours, 1, 1, to=float(ours[1, 1]) + 1e-4), made).passed
    assert torch.get_default_dtype() == torch.float32


# Infinities and NaN that the program should give.


def test_check_of_special_values_goes_by_index() -> None:
    def masked(x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.masked_fill(x > 0, -INF), x * 0 / (x - x)))

    x = drawn(4, 8)
    made, [ours] = prepared(masked, x), eager(masked, x)
    hidden = [int(one) for one in (ours == -INF).nonzero()[0]]
    assert judge(ours, made).passed
    assert judge(ours, made).eager_wrong == 0
    assert not judge(changed(ours, *hidden, to=0.0), made).passed
    assert not judge(changed(ours, *hidden, to=INF), made).passed
    assert not judge(changed(ours, *hidden, to=NAN), made).passed
    assert not judge(changed(ours, 5, 0, to=0.0), made).passed
    shown = [int(one) for one in ours[:4].isfinite().nonzero()[0]]
    wrong = judge(changed(ours, *shown, to=NAN), made)
    assert not wrong.passed
    assert wrong.nonfinite == 1


def test_check_of_fully_masked_row_takes_nan_of_eager() -> None:
    def attention(x: torch.Tensor) -> torch.Tensor:
        mask = torch.tensor([[0.0, -INF], [-INF, -INF]])
        return functional.softmax(x @ x.transpose(0, 1) + mask, -1)

    x = drawn(2, 4)
    made, [ours] = prepared(attention, x), eager(attention, x)
    assert bool(ours[1].isnan().all())
    assert judge(ours, made).passed
    assert not judge(changed(ours, 1, 0, to=0.5), made).passed


# Discrete outputs: those of the oracle or of eager, and ties by value.


def test_check_of_truncation_takes_eager_and_oracle_and_no_other() -> None:
    def cents(x: torch.Tensor) -> torch.Tensor:
        return (x * 100).to(torch.int64)

    x = torch.tensor([0.29, 0.57, 0.58, 1.13, 0.505, 1.005, 3.0, 0.123])
    made, [ours] = prepared(cents, x), eager(cents, x)
    assert not torch.equal(ours, made.expected[0])
    found = judge(ours, made)
    assert found.passed
    assert found.eager_wrong == 1
    assert "eager itself differs from float64 in" in "; ".join(found.remarks)
    assert judge(made.expected[0], made).passed
    wrong = judge(changed(ours, 6, to=301), made)
    assert not wrong.passed
    assert wrong.note is not None
    assert "1 of 8 elements are wrong: [6] is 301 instead of 300" in wrong.note


def test_check_of_quantised_values_takes_neighbours_of_near_ties_only() -> None:
    def quantised(x: torch.Tensor) -> torch.Tensor:
        return torch.round(x * 10) / 10

    x = torch.cat((torch.tensor([0.05, 0.15, 0.25, 0.35]), drawn(60)))
    made, [ours] = prepared(quantised, x), eager(quantised, x)
    assert judge(ours, made).passed
    assert judge(made.expected[0].float(), made).passed
    assert not judge(changed(ours, 30, to=float(ours[30]) + 0.1), made).passed
    assert not judge(changed(ours, 0, to=0.5), made).passed


def test_check_of_buckets_takes_either_side_of_a_boundary() -> None:
    def buckets(x: torch.Tensor) -> torch.Tensor:
        return torch.bucketize(x * 3.0, torch.tensor([0.3, 0.6, 0.9]))

    x = torch.tensor([0.1, 0.2, 0.3, 0.05, 0.15, 0.5])
    made, [ours] = prepared(buckets, x), eager(buckets, x)
    assert judge(ours, made).passed
    assert judge(made.expected[0], made).passed
    assert not judge(changed(ours, 3, to=1), made).passed


def test_check_of_bfloat16_threshold_takes_eager() -> None:
    def above(x: torch.Tensor) -> torch.Tensor:
        return (x.bfloat16() * 1.1) > 1.0

    x = torch.linspace(0.5, 1.5, 200)
    made, [ours] = prepared(above, x), eager(above, x)
    assert judge(ours, made).passed
    assert not judge(changed(ours, 0, to=True), made).passed
    assert not judge(changed(ours, 199, to=False), made).passed


@pytest.mark.parametrize("kind", ["topk", "sort", "argmax", "argsort as int32"])
def test_check_of_indices_of_equal_values_takes_each_once(kind: str) -> None:
    def indices(x: torch.Tensor) -> torch.Tensor:
        if kind == "argmax":
            return x.argmax(-1)
        return {
            "topk": lambda: x.topk(3).indices,
            "sort": lambda: x.sort(-1, descending=True).indices,
            "argsort as int32": lambda: x.argsort(-1, descending=True).to(torch.int32),
        }[kind]()

    x = torch.tensor([[1.0, 3.0, 3.0, 3.0, 0.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    made, [ours] = prepared(indices, x), eager(indices, x)
    assert judge(ours, made).passed
    if kind == "argmax":
        assert all(judge(torch.tensor([one, 0]), made).passed for one in (1, 2, 3))
        assert not any(judge(torch.tensor([one, 0]), made).passed for one in (0, 4, -1, 5))
        assert not judge(torch.tensor([1, 1]), made).passed
        return
    other = ours.clone()
    other[0, :3] = torch.tensor([3, 1, 2])
    assert judge(other, made).passed
    other[0, :3] = torch.tensor([3, 1, 1])
    assert not judge(other, made).passed
    assert not judge(ours.flip(-1), made).passed
    assert not judge(changed(ours, 1, 0, to=1), made).passed


# The worst element, by its own scale.


def test_check_of_unlike_scales_judges_the_small_half() -> None:
    def scaled(x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.sin() * 1e6, x.cos() * 1e-3), -1)

    x = drawn(16, 16)
    made, [ours] = prepared(scaled, x), eager(scaled, x)
    assert judge(ours, made).passed
    for wrong in (0.0, -1.0, 1.001):
        other = ours.clone()
        other[:, 16:] *= wrong
        assert not judge(other, made).passed
    assert not judge(changed(ours, 3, 20, to=-float(ours[3, 20])), made).passed


def test_check_of_a_million_elements_finds_one() -> None:
    x = drawn(1000, 1000)
    made, [ours] = prepared(torch.tanh, x), eager(torch.tanh, x)
    assert judge(ours, made).passed
    wrong = judge(changed(ours, 500, 501, to=float(ours[500, 501]) + 1e-4), made)
    assert wrong.rms_ratio is not None
    assert wrong.rms_ratio < 2
    assert wrong.worst_ratio is not None
    assert wrong.worst_ratio > 100
    assert wrong.note is not None
    assert "1 of 1000000 elements are wrong: [500, 501] is" in wrong.note
    assert not wrong.passed


def test_check_reports_what_was_allowed_in_units_of_eager() -> None:
    x = drawn(32, 32)
    made, [ours] = prepared(lambda x: x @ x, x), eager(lambda x: x @ x, x)
    found = judge(ours, made)
    [allowance] = made.allowances
    rms = float(made.expected[0].square().mean().sqrt())
    assert found.allowed_over_eager is not None
    assert found.allowed_over_eager == pytest.approx(2 * (allowance.unit_rms + 1e-6 * rms) / allowance.eager_rms)
    assert 4 < found.allowed_over_eager < 100


# Complex numbers.


def test_check_of_complex_numbers_has_a_complex_oracle() -> None:
    def spectrum(x: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        product = torch.fft.rfft(x) * weight
        return product, torch.fft.irfft(product, n=x.shape[-1])

    x, weight = drawn(4, 16), torch.view_as_complex(drawn(9, 2, seed=1))
    made, ours = prepared(spectrum, x, weight=weight), eager(spectrum, x, weight=weight)
    assert [one.dtype for one in made.expected] == [torch.complex128, torch.float64]
    assert judge(ours, made).passed
    assert not judge([ours[0].conj().resolve_conj(), ours[1]], made).passed
    assert not judge([ours[0], changed(ours[1], 2, 3, to=0.0)], made).passed


def test_check_of_complex_inputs_widens_them() -> None:
    def rotated(x: torch.Tensor, frequencies: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(x * torch.polar(torch.ones_like(frequencies), frequencies))

    x, frequencies = torch.view_as_complex(drawn(3, 4, 2)), drawn(4)
    made, [ours] = prepared(rotated, x, frequencies), eager(rotated, x, frequencies)
    assert made.expected[0].dtype == torch.float64
    assert judge(ours, made).passed
    assert not judge(ours.flip(-1), made).passed


# The order of a summation is no fault.


def sequential(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(x.shape[:-1], dtype=x.dtype)
    for one in x.unbind(-1):
        total = total + one
    return total


def one_pass(x: torch.Tensor) -> torch.Tensor:
    mean = sequential(x) / x.shape[-1]
    variance = sequential(x * x) / x.shape[-1] - mean * mean
    return (x - mean[..., None]) * (variance.clamp_min(0)[..., None] + 1e-5).rsqrt()


def test_check_of_long_sum_takes_any_order() -> None:
    x = drawn(4, 20_000) + 1
    made = prepared(lambda x: x.sum(-1), x)
    assert judge(sequential(x), made).passed
    assert judge(sequential(x.flip(-1)), made).passed
    assert judge(sequential(x.sort(-1).values), made).passed
    assert not judge(changed(sequential(x), 1, to=float(x[1].sum()) - 1), made).passed


def test_check_of_cancelling_sum_takes_any_order() -> None:
    x = torch.cat((drawn(8, 500) * 1e4, drawn(8, 500)), -1)
    x[:, 250:500] = -x[:, :250]
    made = prepared(lambda x: x.sum(-1), x)
    assert judge(sequential(x), made).passed
    assert judge(sequential(x.flip(-1)), made).passed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_check_of_16_bits_takes_sums_in_them(dtype: torch.dtype) -> None:
    def mean(x: torch.Tensor) -> torch.Tensor:
        return x.to(dtype).sum(-1)

    x = drawn(8, 256) + 0.1
    made = prepared(mean, x)
    assert judge(sequential(x.to(dtype)), made).passed
    assert judge(made.expected[0].to(dtype), made).passed
    assert not judge(torch.zeros(8, dtype=dtype), made).passed


def test_check_of_norm_takes_variance_in_one_pass() -> None:
    def norm(x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:])

    x = drawn(16, 64) + 30
    made = prepared(norm, x)
    assert not made.allowances[0].ill_conditioned
    assert judge(one_pass(x), made).passed
    assert judge(eager(norm, x), made).passed
    assert not judge(torch.zeros(16, 64), made).passed


def test_check_of_nearly_constant_rows_is_not_judged() -> None:
    def norm(x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:])

    x = drawn(16, 64) * 1e-3 + 1000
    made = prepared(norm, x)
    found = judge(one_pass(x), made)
    assert made.allowances[0].ill_conditioned
    assert found.passed
    assert (found.checked, found.ill_conditioned) == (0, 1)
    facts = found.facts("d")
    assert facts.ok is None
    assert facts.ill_conditioned == 1
    assert facts.note is not None
    assert "output 0: ill-conditioned" in facts.note


def test_check_of_nearly_constant_row_judges_the_others() -> None:
    def norm(x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:])

    x = drawn(64, 64)
    x[5] = x[5] * 1e-3 + 100
    made = prepared(norm, x)
    ours = eager(norm, x)[0]
    assert judge(one_pass(x), made).passed
    assert not judge(changed(ours, 6, 0, to=float(ours[6, 0]) + 1e-3), made).passed


def test_check_of_chaotic_program_is_not_judged() -> None:
    def chaotic(x: torch.Tensor) -> torch.Tensor:
        for _ in range(60):
            x = 3.9 * x * (1 - x)
        return x

    x = torch.linspace(0.1, 0.4, 64)
    made = prepared(chaotic, x)
    assert made.allowances[0].ill_conditioned
    assert judge(eager(chaotic, x), made).passed


# True faults, and what the message says.


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (lambda x: (x * 2**30).to(torch.int32) * 4, lambda x: (x * 2**30).to(torch.int64) * 4),
        (
            lambda x: (x * 10).to(torch.int64) // 3,
            lambda x: torch.div((x * 10).to(torch.int64), 3, rounding_mode="trunc"),
        ),
        (lambda x: (x * NAN).relu(), lambda x: (x * NAN).relu().nan_to_num()),
        (lambda x: (x * NAN).clamp(0, 1), torch.zeros_like),
        (lambda x: torch.minimum(x * NAN, x), lambda x: x),
        (lambda x: x[torch.tensor([-1, 0])], lambda x: x[torch.tensor([0, 0])]),
    ],
    ids=["wrap", "floor division", "relu", "clamp", "minimum", "gather"],
)
def test_check_finds_other_semantics(right: Callable[..., torch.Tensor], wrong: Callable[..., torch.Tensor]) -> None:
    x = torch.tensor([-0.77, 0.31, 0.93, -0.5])
    made, [ours], [other] = prepared(right, x), eager(right, x), eager(wrong, x)
    assert judge(ours, made).passed
    found = judge(other.to(ours.dtype), made) if other.dtype == ours.dtype else judge(other, made)
    assert not found.passed
    assert found.note is not None
    assert "RMS" not in found.note


def test_check_of_wrong_elements_names_the_first() -> None:
    x = drawn(8, 8)
    made, [ours] = prepared(torch.sigmoid, x), eager(torch.sigmoid, x)
    other = changed(changed(ours, 2, 3, to=9.0), 4, 5, to=NAN)
    found = judge(other, made)
    assert found.note is not None
    assert found.note.startswith(
        "input set 0, output 0: 1 elements are not finite: 2 of 64 elements are wrong: [2, 3] is 9 "
    )
    assert "[4, 5] is nan instead of" in found.note
    assert "is allowed there" in found.note


def test_trial_whose_outputs_are_not_determined_is_ok() -> None:
    found = Comparison(rms_factor=2.0, rms_floor=1e-6, input_sets=1, ill_conditioned=1)
    judged = _judge(TrialResult(), found.facts("d"))
    assert judged.status == "ok"
    assert judged.correctness is not None
    assert (judged.correctness.checked, judged.correctness.ok) == (0, None)
    assert _judge(TrialResult(), replace(found, passed=False).facts("d")).status == "wrong_output"
    assert _judge(TrialResult(), replace(found, missing=1).facts("d")).status == "missing_check"


def test_check_of_other_kind_of_type_asks_for_no_width() -> None:
    made = prepared(lambda x: x.sin(), drawn(3, 4))
    found = judge(torch.zeros(3, 4, dtype=torch.int64), made)
    assert found.note is not None
    assert "dtype torch.int64, expected a floating-point type" in found.note
    counted = prepared(lambda x: x.argmax(-1), drawn(3, 4))
    wide = judge(counted.expected[0].to(torch.int32), counted)
    assert wide.note is not None
    assert "dtype torch.int32, expected torch.int64" in wide.note


# 16-bit types are judged by their own roundings, and quantised outputs in quanta.


def network(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return functional.layer_norm(functional.gelu(x @ first) @ second, (32,)).softmax(-1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_check_of_16_bits_takes_wider_and_narrower_accumulation(dtype: torch.dtype) -> None:
    x, first, second = (drawn(*shape, seed=seed).to(dtype) for seed, shape in enumerate([(8, 64), (64, 64), (64, 32)]))
    made = prepared(network, x, first=first, second=second)
    [ours] = eager(network, x, first=first, second=second)
    [wide] = eager(network, x.float(), first=first.float(), second=second.float())
    terms = (x.unsqueeze(2) * first.unsqueeze(0)).unbind(1)
    total = terms[0]
    for one in terms[1:]:  # rounded to 16 bits after each addition
        total = total + one
    narrow = functional.layer_norm(functional.gelu(total) @ second, (32,)).softmax(-1)
    for given in (ours, wide.to(dtype), narrow):
        assert judge(given, made).passed
    assert not made.allowances[0].ill_conditioned
    largest = int(ours.argmax())
    assert not judge(changed(ours, largest // 32, largest % 32, to=0.5 * float(ours.max())), made).passed
    assert not judge(torch.zeros_like(ours), made).passed


def test_check_of_float16_takes_gradual_underflow() -> None:
    x = (drawn(64) * 1e-2).half()
    made, [ours] = prepared(lambda x: x * x, x), eager(lambda x: x * x, x)
    assert judge(ours, made).passed
    assert judge((x.float() * x.float()).half(), made).passed
    assert not judge(ours + 3e-6, made).passed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_check_of_index_in_16_bits_takes_ties_alone(dtype: torch.dtype) -> None:
    x = torch.tensor([[1.0, 1.0 + 2.0**-12, 0.5, -1.0]]).to(torch.float32)
    weight = torch.eye(4).to(dtype)

    def best(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return (x @ weight).argmax(-1)

    made = prepared(best, x.to(dtype), weight=weight)
    assert judge(torch.tensor([0]), made).passed
    assert judge(torch.tensor([1]), made).passed
    assert not judge(torch.tensor([2]), made).passed


def test_check_of_outputs_far_below_the_type_is_made() -> None:
    def powers(x: torch.Tensor) -> torch.Tensor:
        return (x - 200).exp() * 1e-8

    x = drawn(16).half()
    made, [ours] = prepared(powers, x), eager(powers, x)
    assert float(made.expected[0].max()) < 1e-90
    assert judge(ours, made).passed


def test_check_in_quanta_takes_neighbours_and_no_shift() -> None:
    def quantised(x: torch.Tensor) -> torch.Tensor:
        return (x / 0.05).round() * 0.05

    x = drawn(256)
    made = prepared(quantised, x)
    one = replace(made, allowances=tuple(in_quanta(each, 0.05) for each in made.allowances))
    [ours] = eager(quantised, x)
    assert not judge(changed(ours, 7, to=float(ours[7]) + 0.05), made).passed
    assert judge(changed(ours, 7, to=float(ours[7]) + 0.05), one).passed
    assert not judge(changed(ours, 7, to=float(ours[7]) + 0.1501), one).passed
    assert not judge(ours + 0.05, one).passed


def test_check_of_whole_numbers_in_quanta_takes_neighbours_and_no_shift() -> None:
    def codes(x: torch.Tensor) -> torch.Tensor:
        return (x / 0.05).round().clamp(-128, 127).to(torch.int8)

    x = drawn(256)
    made = prepared(codes, x)
    one = replace(made, allowances=tuple(in_quanta(each, 1.0) for each in made.allowances))
    [ours] = eager(codes, x)
    neighbour = ours.clone()
    neighbour[7] += 1
    assert not judge(neighbour, made).passed
    assert judge(neighbour, one).passed
    neighbour[7] += 1
    assert not judge(neighbour, one).passed
    assert not judge(ours + 1, one).passed
