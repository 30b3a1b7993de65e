"""Random small programs of hard operations, what correct compilers make of them, and faults planted in outputs."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from torch.nn import functional
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.workloads.program import InputSet
from tests.trials.judging import judge, prepared

ROWS, COLUMNS = 6, 8
INF = float("inf")
BOUNDS = (-1.0, -0.1, 0.3, 0.9)
Step = Callable[[torch.Tensor, list[torch.Tensor], int], torch.Tensor]


def _kept(value: Callable[[torch.Tensor, int], torch.Tensor]) -> Step:
    """A step whose value is a further output, and which passes on what it got."""

    def step(x: torch.Tensor, outputs: list[torch.Tensor], number: int) -> torch.Tensor:
        outputs.append(value(x, number))
        return x

    return step


def _plain(value: Callable[[torch.Tensor, int], torch.Tensor]) -> Step:
    return lambda x, outputs, number: value(x, number)


WEIGHTS = torch.randn(12, COLUMNS, COLUMNS, generator=torch.Generator().manual_seed(0)).unbind()
WEIGHTS_IN = {
    dtype: [one.to(dtype) for one in WEIGHTS] if dtype != torch.float32 else WEIGHTS
    for dtype in (torch.float32, torch.float16, torch.bfloat16)
}


def _type_of(x: torch.Tensor) -> dict[str, torch.dtype]:
    """Return the type that a factory must name in a 16-bit program; none in float32, which it makes by itself."""
    return {} if x.dtype == torch.float32 else {"dtype": x.dtype}


def _single(x: torch.Tensor) -> torch.Tensor:
    """Return a value in float32, for operations that have no 16-bit type."""
    return x if x.dtype == torch.float32 else x.float()


def _bounded(x: torch.Tensor, bound: float) -> torch.Tensor:
    """Return finite values within a bound, so far below the type's largest that they can be scaled."""
    bound = min(bound, torch.finfo(x.dtype).max / 128)
    return x.nan_to_num().clamp(-bound, bound)


def _softmax_by_hand(x: torch.Tensor, number: int) -> torch.Tensor:
    powers = (x * (1 + 20 * (number % 3))).exp()
    return powers / powers.sum(-1, keepdim=True)


def _masked(x: torch.Tensor, number: int) -> torch.Tensor:
    mask = x > (0.3 if number % 2 else -INF)
    return x.masked_fill(mask, -INF).softmax(-1)


def _one_pass(x: torch.Tensor, number: int) -> torch.Tensor:
    shifted = x + 3 * (number % 3)
    return shifted.square().mean(-1, keepdim=True) - shifted.mean(-1, keepdim=True).square() + 0 * x


def _state(x: torch.Tensor, number: int) -> torch.Tensor:
    lower = torch.tril(torch.ones(ROWS, ROWS, **_type_of(x)))
    return lower @ x + torch.zeros(ROWS, COLUMNS, **_type_of(x)) + torch.arange(COLUMNS) / (number + 3)


def _scattered(x: torch.Tensor, number: int) -> torch.Tensor:
    index = (torch.arange(COLUMNS) * (number % 4 + 1)) % COLUMNS
    return torch.zeros(ROWS, COLUMNS, **_type_of(x)).scatter_add(1, index.expand(ROWS, -1), x)


def _spectrum(x: torch.Tensor, number: int) -> torch.Tensor:
    x = _single(x)
    transformed = torch.fft.rfft(x)
    return torch.fft.irfft(transformed * torch.exp(torch.complex(0 * x[:, :5], x[:, :5].clamp(-4, 4))), n=COLUMNS)


def _rotated(x: torch.Tensor, number: int) -> torch.Tensor:
    x = _single(x)
    angles = torch.outer(torch.arange(ROWS), 1.0 / torch.arange(1, COLUMNS // 2 + 1))
    pairs = torch.view_as_complex(x.reshape(ROWS, COLUMNS // 2, 2).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).reshape(ROWS, COLUMNS)


STEPS: Mapping[str, Step] = types.MappingProxyType(
    {
        "add": _plain(lambda x, n: x + n / 7),
        "scale": _plain(lambda x, n: x * 10.0 ** (n % 7 - 3)),
        "tanh": _plain(lambda x, n: x.tanh()),
        "sigmoid": _plain(lambda x, n: x.sigmoid()),
        "gelu": _plain(lambda x, n: functional.gelu(x)),
        "logarithm": _plain(lambda x, n: (x.abs() + 0.01 * (n % 3)).log()),
        "root": _plain(lambda x, n: x.abs().sqrt()),
        "sine": _plain(lambda x, n: (x * (1 + n)).sin()),
        "product": _plain(lambda x, n: x @ WEIGHTS_IN[x.dtype][n]),
        "norm": _plain(lambda x, n: functional.layer_norm(x + 5 * (n % 4), (COLUMNS,))),
        "softmax": _plain(lambda x, n: x.softmax(-1)),
        "softmax by hand": _plain(_softmax_by_hand),
        "masked softmax": _plain(_masked),
        "float16 square": _plain(lambda x, n: (x.half() * (50 * (n % 6))).square().float()),
        "bfloat16": _plain(lambda x, n: (x.bfloat16() * 1.1).float()),
        "bfloat16 product": _plain(lambda x, n: (x.bfloat16() @ WEIGHTS[n].bfloat16()).float()),
        "cancel": _plain(lambda x, n: x + 10.0 ** (n % 5) - 10.0 ** (n % 5)),
        "centre": _plain(lambda x, n: x - x.mean(-1, keepdim=True)),
        "variance in one pass": _plain(_one_pass),
        "running sum": _plain(lambda x, n: x.cumsum(-1)),
        "quantise": _plain(lambda x, n: torch.round(x * (n + 1)) / (n + 1)),
        "threshold": _plain(lambda x, n: torch.where(x > n / 10, x, 0.0)),
        "divide by zero": _plain(lambda x, n: x / (x - x.round()).relu()),
        "relu": _plain(lambda x, n: x.relu()),
        "clamp": _plain(lambda x, n: x.clamp(-1, 1)),
        "state": _plain(_state),
        "scatter": _plain(_scattered),
        "spectrum": _plain(_spectrum),
        "rotate": _plain(_rotated),
        "sort values": _plain(lambda x, n: x.sort(-1).values),
        "last row": _plain(lambda x, n: x[torch.tensor([-1, 0, 1, -2, 2, 3])]),
        "truncate": _kept(lambda x, n: (_bounded(x, 1e6) * 100).to(torch.int64)),
        "wrap": _kept(lambda x, n: (_bounded(x, 1e6) * 50).to(torch.int32).to(torch.int8)),
        "floor division": _kept(lambda x, n: (_bounded(x, 1e3) * 10).to(torch.int64) // (n + 2)),
        "bucket": _kept(lambda x, n: torch.bucketize(x.nan_to_num(), torch.tensor(BOUNDS, dtype=x.dtype))),
        "above": _kept(lambda x, n: x > n / 9),
        "largest": _kept(lambda x, n: torch.round(x.nan_to_num() * 2).argmax(-1)),
        "first": _kept(lambda x, n: x.nan_to_num().topk(3).indices),
        "order": _kept(lambda x, n: torch.round(x.nan_to_num()).argsort(-1)),
        "sum": _kept(lambda x, n: x.sum()),
        "norms": _kept(lambda x, n: x.norm(dim=-1)),
        "log of sum": _kept(lambda x, n: x.logsumexp(-1)),
        "variance": _kept(lambda x, n: (x + 3 * (n % 3)).var(-1)),
        "complex": _kept(lambda x, n: torch.fft.fft(_single(x))),
        "float16 sum": _kept(lambda x, n: x.half().sum(-1)),
    }
)
"""Name -> one step of a program: it takes a matrix, appends to the outputs, and returns the next matrix."""


@dataclass(frozen=True)
class RandomProgram:
    """Steps with a number each, inputs of a seed and a kind, and the type of weights, inputs and each matrix."""

    steps: tuple[tuple[str, int], ...]
    seed: int
    kind: str
    dtype: str = "float32"

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs: those that steps kept, and the last matrix."""
        outputs: list[torch.Tensor] = []
        dtype = x.dtype
        for name, number in self.steps:
            x = STEPS[name](x, outputs, number)
            x = x if x.dtype == dtype else x.to(dtype)
        return (*outputs, x)

    def inputs(self) -> torch.Tensor:
        """Return the input."""
        x = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(self.seed))
        drawn = {"normal": x, "large": x * 300, "small": x * 1e-4, "tied": (x * 2).round() / 2, "offset": x + 50}
        return drawn[self.kind].to(getattr(torch, self.dtype))


PROGRAMS = strategies.builds(
    RandomProgram,
    steps=strategies.lists(
        strategies.tuples(strategies.sampled_from(sorted(STEPS)), strategies.integers(0, 11)), min_size=1, max_size=6
    ).map(tuple),
    seed=strategies.integers(0, 2**31 - 1),
    kind=strategies.sampled_from(("normal", "large", "small", "tied", "offset")),
)


def drawn_programs(
    programs: int, number: int, dtype: str = "float32"
) -> Callable[[Callable[[RandomProgram], None]], Callable[[], None]]:
    """Return a decorator: the function is called with so many programs of a type, drawn from a seed, never shrunk."""

    def decorate(look: Callable[[RandomProgram], None]) -> Callable[[], None]:
        settled = settings(
            max_examples=programs,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        of_type = PROGRAMS.map(lambda one: replace(one, dtype=dtype))
        drawn: Callable[[], None] = seed(number)(settled(given(of_type)(look)))
        return drawn

    return decorate


class Precise(TorchDispatchMode):  # type: ignore[misc]
    """A correct compiler: each operation is computed in float64 and rounded once."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [one for one in pytree.tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        narrow = [one.dtype for one in given if one.dtype.is_floating_point]
        name = function._schema.name
        if not narrow or function.is_view or function._schema.is_mutable or "_to_copy" in name or "fft" in name:
            return function(*args, **kwargs)
        args, kwargs = pytree.tree_map_only(
            torch.Tensor, lambda one: one.double() if one.dtype.is_floating_point else one, (args, kwargs)
        )
        made = function(*args, **kwargs)
        dtype = torch.promote_types(narrow[0], narrow[-1])
        return pytree.tree_map_only(
            torch.Tensor, lambda one: one.to(dtype) if one.dtype == torch.float64 else one, made
        )


class Sequential(TorchDispatchMode):  # type: ignore[misc]
    """Another correct compiler: sums one term after the other, from the last one on."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = function._schema.name.partition("::")[2]
        if name == "mm":
            left, right = args
            terms = left.unsqueeze(2) * right.unsqueeze(0)
            return _one_by_one(terms.movedim(1, -1))
        if name in {"sum", "mean"} and len(args) > 1 and list(args[1]) == [-1] and args[0].dtype.is_floating_point:
            total = _one_by_one(args[0])
            total = total / args[0].shape[-1] if name == "mean" else total
            return total.unsqueeze(-1) if len(args) > 2 and args[2] else total
        return function(*args, **kwargs)


def _one_by_one(terms: torch.Tensor) -> torch.Tensor:
    total = terms[..., -1].clone()
    for one in reversed(terms.unbind(-1)[:-1]):
        total = total + one
    return total


def correct_outputs(program: RandomProgram, made: InputSet) -> Iterator[tuple[str, list[torch.Tensor]]]:
    """Yield what correct compilers return: eager, one that is exact, and two with roundings of their own."""
    [x] = made.inputs
    with torch.no_grad():
        own = list(program(x))
        yield "eager", own
        yield "oracle", [want.to(one.dtype) for want, one in zip(made.expected, own, strict=True)]
        with Precise():
            yield "precise", list(program(x))
        with Sequential():
            yield "sequential", list(program(x))


@dataclass
class Found:
    """What was found in programs: outputs, those not judged, and by kind, faults planted and missed."""

    programs: int = 0
    outputs: int = 0
    ill_conditioned: int = 0
    undetermined: int = 0
    elements: int = 0
    false_alarms: list[str] = field(default_factory=list)
    planted: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    def look_at(self, program: RandomProgram) -> None:
        """Check a program's correct outputs, and faults planted in eager's."""
        self.programs += 1
        made = prepared(program, program.inputs())
        self.outputs += len(made.expected)
        for allowance, expected in zip(made.allowances, made.expected, strict=True):
            self.ill_conditioned += allowance.ill_conditioned
            if not allowance.ill_conditioned:
                self.elements += expected.numel()
                self.undetermined += len(allowance.undetermined)
        own: list[torch.Tensor] = []
        for name, outputs in correct_outputs(program, made):
            own = own or outputs
            found = judge(outputs, made)
            if not found.passed:
                self.false_alarms.append(f"{name}: {program}: {found.note}")
        for kind, outputs in planted_faults(own, made, program.seed):
            self.planted[kind] = self.planted.get(kind, 0) + 1
            if judge(outputs, made).passed:
                self.missed.append(f"{kind}: {program}")


def planted_faults(own: Sequence[torch.Tensor], made: InputSet, seed: int) -> Iterator[tuple[str, list[torch.Tensor]]]:
    """Yield outputs with one fault each: an element, a row, a tie, a NaN; where rounding does not explain it."""
    random = torch.Generator().manual_seed(seed)
    for index, (output, allowance) in enumerate(zip(own, made.allowances, strict=True)):
        if allowance.ill_conditioned or output.numel() == 0:
            continue
        expected = made.expected[index].reshape(-1)
        sure = torch.ones(output.numel(), dtype=torch.bool)
        sure[allowance.undetermined] = False
        for kind, other in _faults(output.reshape(-1), expected, allowance, sure, random):
            yield kind, [other.reshape(output.shape) if at == index else one for at, one in enumerate(own)]
        if output.dim() == 2 and output.is_floating_point():
            rows = sure.reshape(output.shape).all(-1) & output.isfinite().all(-1) & (output.abs().amax(-1) > 0)
            limit = 2 * allowance.limit(expected).reshape(output.shape)
            rows &= (output.double().abs() > 2 * limit).any(-1)
            for row in rows.nonzero().flatten()[:1]:
                other = output.clone()
                other[row] = 0
                yield "row", [other if at == index else one for at, one in enumerate(own)]


def _faults(
    output: torch.Tensor, expected: torch.Tensor, allowance: Any, sure: torch.Tensor, random: torch.Generator
) -> Iterator[tuple[str, torch.Tensor]]:
    if not (output.is_floating_point() or output.is_complex()):
        for at in _pick(sure, random):
            other = output.clone()
            other[at] = ~other[at] if other.dtype == torch.bool else other[at] + 1
            if allowance.ties is None:
                if allowance.spare == 0:
                    yield "integer", other
            elif not bool(allowance.ties.equal(other, expected)[at]):
                yield "tie", other
        return
    limit = 2 * allowance.limit(expected)
    plain = sure & output.isfinite() & expected.isfinite()
    for at in _pick(plain & (expected.abs() > 2 * limit), random):
        for kind, factor in (("element zero", 0.0), ("element negated", -1.0)):
            other = output.clone()
            other[at] = other[at] * factor
            if allowance.spare == 0:
                yield kind, other
    for at in _pick(plain, random):
        other = output.clone()
        other[at] = float("nan")
        yield "NaN", other


def _pick(candidates: torch.Tensor, random: torch.Generator) -> list[int]:
    found = candidates.nonzero().flatten()
    return [int(found[int(torch.randint(len(found), (1,), generator=random))])] if len(found) else []
