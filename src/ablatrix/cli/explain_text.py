"""What ``explain`` found, as text: a table that adds up, and sentences behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablatrix.plotting.families import Family
    from ablatrix.records.explanation import Explanation, SpreadMs

SHOWN = 20
DISTURBED = 0.2


def side_text(found: Explanation, name: str) -> str:
    """Return a side by what it does not share with the other one."""
    side, other = (found.a, found.b) if name == "a" else (found.b, found.a)
    if side.compiler != other.compiler:
        return side.compiler
    differing = [f"{knob}={level}" for knob, level in side.knobs.items() if other.knobs.get(knob) != level]
    return f"{side.compiler} {','.join(differing)}"


def title_of(found: Explanation) -> str:
    """Return what is explained, in one line."""
    return f"{found.workload}: A is {side_text(found, 'a')}, B is {side_text(found, 'b')}"


def show_explanation(found: Explanation, *, everything: bool, wide: bool) -> None:
    """Print the sum, where it is shown that the two differ, and the sentences behind it."""
    from ablatrix.cli.tables import say
    from ablatrix.plotting.families import families

    if found.is_established:
        scale, unit = _scale(found)
        title = f"{found.workload}, {unit} a run: A is {side_text(found, 'a')}, B is {side_text(found, 'b')}"
        _print_sum(found, title, None if everything else families(found.groups), scale, wide)
    for line in explanation_lines(found):
        say(line, hanging=2)


def explanation_lines(found: Explanation) -> list[str]:
    """Return what was found in sentences: first whether the two differ."""
    scale, unit = _scale(found)
    interval = _interval_text(found.difference, scale, unit)
    if not found.is_established:
        return [
            f"{title_of(found)}: they do not differ by more than {found.bound:.1%}, so that there is nothing to "
            "explain",
            f"B less A: {interval} of {_number(found.a.total.ms * scale)} {unit}, in {_blocks_text(found)}; the twin "
            f"of A differs from A by {_number(found.noise.ms * scale)} {unit}",
        ]
    lines = [
        f"B less A: {interval}, in {_blocks_text(found)}; the twin of A differs from A by "
        f"{_number(found.noise.ms * scale)} {unit}",
        f"residual: {_interval_text(found.residual, scale, unit)}, {found.residual_share:.1%} of the difference: by so "
        "much runs before and after the profiler is loaded differ",
    ]
    for name, side in (("A", found.a), ("B", found.b)):
        taken = f"; {_number(side.inside.ms * 1e3)} us of that is taken out of each kernel" if side.inside.ms else ""
        lines.append(f"the profiler makes a run of {name} {side.profiled.ms / side.plain.ms - 1:.0%} longer{taken}")
    sources = dict.fromkeys((side.compiler, side.source) for side in (found.a, found.b))
    lines += [f"{name}: {text}." for name, text in sources]
    lines += _work_lines(found)
    return lines + [f"{one.outcome}: {found.groups[one.group].label}: {one.why}" for one in found.interventions]


def _blocks_text(found: Explanation) -> str:
    from ablatrix.records.explanation import TIMED

    out = sum(len(one.left_out) for one in found.of_blocks)
    without = f" ({out} of {found.blocks * len(TIMED)} times left out, unlike others of their configuration)"
    return f"{found.blocks} blocks{without if out else ''}"


def _scale(found: Explanation) -> tuple[float, str]:
    return (1e3, "us") if max(found.a.total.ms, found.b.total.ms) < 1.0 else (1.0, "ms")


def _print_sum(found: Explanation, title: str, grouped: list[Family] | None, scale: float, wide: bool) -> None:
    from ablatrix.cli.tables import Column, print_table
    from ablatrix.plotting.families import family_text

    if grouped is None:
        rows = [
            (one.label, len(one.a_kernels), len(one.b_kernels), one.a.ms, one.b.ms, one.flops, one.bytes)
            for one in found.groups
        ]
    else:
        rows = [
            (family_text(one), one.a_calls, one.b_calls, one.a_ms, one.b_ms, one.flops, one.bytes) for one in grouped
        ]
    shown = rows[:SHOWN] if grouped is not None else rows
    cells = [_cells(row, found, scale) for row in shown]
    if rest := rows[len(shown) :]:
        _, *numbers = zip(*rest, strict=True)
        cells.append(_cells((f"{len(rest)} further", *map(sum, numbers)), found, scale))  # type: ignore[arg-type]
    cells.append(_plain_cells("overhead", found.a.overhead, found.b.overhead, found.overhead_difference, found, scale))
    cells.append(["residual", "", "", "", "", _number(found.residual.ms * scale), _share(found.residual.ms, found)])
    cells.append(_plain_cells("total", found.a.total, found.b.total, found.difference, found, scale))
    columns = [
        Column("operations"),
        *(Column(name, rank=rank, whole=True) for name, rank in (("calls A", 2), ("calls B", 2))),
        *(Column(name, whole=True) for name in ("A", "B", "B - A", "share")),
        *(Column(name, rank=3, whole=True) for name in ("flop/byte", "% of peak A", "% of peak B")),
    ]
    print_table(title, columns, [[*one, *[""] * (10 - len(one))] for one in cells], wide=wide)


def _cells(row: tuple[str, int, int, float, float, int, int], found: Explanation, scale: float) -> list[str]:
    label, a_calls, b_calls, a_ms, b_ms, flops, moved = row
    numbers = [_number(one * scale) for one in (a_ms, b_ms, b_ms - a_ms)]
    roof = [_roof(found, flops, moved, one) for one in (a_ms, b_ms)]
    intensity = f"{flops / moved:.2g}" if flops and moved else ""
    return [label, str(a_calls), str(b_calls), *numbers, _share(b_ms - a_ms, found), intensity, *roof]


def _roof(found: Explanation, flops: int, moved: int, milliseconds: float) -> str:
    """Return how near to the roof of the machine an operation is; nothing where neither roof is over it."""
    if found.peak is None or milliseconds <= 0:
        return ""
    memory = found.peak.memory
    of_memory = moved > (memory.last_cache_bytes or 0)  # what lies in a cache is bound by no memory
    least_s = max(flops / found.peak.flops_per_s, moved / memory.bytes_per_s if of_memory else 0.0)
    return f"{least_s / (milliseconds / 1e3):.0%}" if least_s else ""


def _plain_cells(
    name: str, a: SpreadMs, b: SpreadMs, difference: SpreadMs, found: Explanation, scale: float
) -> list[str]:
    numbers = [_number(one.ms * scale) for one in (a, b, difference)]
    return [name, "", "", *numbers, _share(difference.ms, found)]


def _share(milliseconds: float, found: Explanation) -> str:
    return f"{milliseconds / found.difference.ms + 0.0:.0%}" if found.difference.ms else ""  # + 0: never -0 %


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _interval_text(one: SpreadMs, scale: float, unit: str) -> str:
    if one.low is None or one.high is None:
        return f"{_number(one.ms * scale)} {unit}, without an interval"
    return f"{_number(one.ms * scale)} {unit} ({_number(one.low * scale)} to {_number(one.high * scale)})"


def _work_lines(found: Explanation) -> list[str]:
    lines = []
    if found.peak is not None:
        threads = f"{found.threads} thread{'s' * (found.threads > 1)}"
        lines.append(
            f"measured peaks on {threads}: {found.peak.flops_per_s / 1e9:.3g} Gflop/s of products of "
            f"float32, {found.peak.memory.bytes_per_s / 1e9:.3g} GB/s of memory; % of peak: "
            "what a run at the nearer of both would take, memory only for what the last cache does not hold; counted "
            "are products, convolutions and attention, and bytes of the values that enter and leave"
        )
    return [*lines, f"{found.counters}."]
