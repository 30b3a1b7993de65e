"""How the time of a token follows the length of its context: a line for each model, phase and compiler."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.groups import grouped
from ablatrix.analysis.table import IS_OK
from ablatrix.statistics.line import FEWEST_POINTS, Line, fit_line

TIME = "ms_per_token"
APART = ("parameter_context", "parameter_check_tokens")
"""Parameters that may differ between the points of one line."""
SHOWN_DIGITS = 4
_COMPARED = (pl.col("role") == "reference") | ((pl.col("role") == "measured") & pl.col("is_baseline"))
_IS_POINT = (pl.col("mode") == "hot") & IS_OK & pl.col(TIME).is_not_null() & _COMPARED


@dataclass(frozen=True, kw_only=True)
class ContextLine:
    """The time of a token of one model, phase and compiler over several contexts.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        model: Name of the workload; of several workloads that differ in their context alone, where they come from.
        compiler: At its baseline; ``eager`` for the reference.
        batch: Sequences handled together.
        points: Context and time of a token in milliseconds, the median over trials, by context.
        line: Through the points: milliseconds a token of context.
        digests: Of the workloads.
    """

    origin: tuple[Any, ...]
    model: str
    phase: str
    compiler: str
    batch: int
    points: tuple[tuple[int, float], ...]
    line: Line
    digests: tuple[str, ...]


def context_lines(trials: pl.DataFrame, origin: Sequence[str] = ()) -> list[ContextLine]:
    """Return the line of each model whose context has three lengths or more, sorted.

    Args:
        trials: The table of trials.
        origin: Columns that distinguish mixed records.
    """
    ok = trials.filter(_IS_POINT)
    if ok.is_empty():
        return []
    base = pl.col("workload_source").cast(pl.String).str.replace(r"\?.*$", "").fill_null(pl.col("workload"))
    ok = ok.with_columns(base.cast(pl.String).alias("base"))
    sizes = [name for name in ok.columns if name.startswith("parameter_") and name not in APART]
    keys = [*origin, "base", *sizes, "tokens_phase", "tokens_batch", "compiler"]
    return sorted(
        _lines(grouped(ok, keys), len(origin)),
        key=lambda one: (*map(str, one.origin), one.model, one.phase, one.batch, one.compiler != "eager", one.compiler),
    )


def is_of_line(one: ContextLine) -> pl.Expr:
    """Return which trials a line was fitted to."""
    own = (pl.col("compiler") == one.compiler) & pl.col("workload_digest").is_in(list(one.digests))
    return _IS_POINT & own


def _lines(groups: Iterable[tuple[tuple[Any, ...], pl.DataFrame]], origins: int) -> Iterable[ContextLine]:
    for key, own in groups:
        medians = own.group_by("tokens_context").agg(pl.col(TIME).median()).sort("tokens_context")
        points = tuple(medians.rows())
        line = fit_line(points) if len(points) >= FEWEST_POINTS else None
        if line is not None:
            names = own["workload"].cast(pl.String).unique().to_list()
            *_, phase, batch, compiler = key
            yield ContextLine(
                origin=tuple(key[:origins]),
                model=names[0] if len(names) == 1 else str(key[origins]),
                phase=str(phase),
                compiler=str(compiler),
                batch=int(batch),
                points=points,
                line=line,
                digests=tuple(sorted(own["workload_digest"].cast(pl.String).unique().to_list())),
            )


def context_line_frame(lines: Sequence[ContextLine], origin: Sequence[str] = ()) -> pl.DataFrame:
    """Return a row a line, unrounded: its slope in milliseconds a token of context, its start, and R squared."""
    rows = [
        {
            **dict(zip(origin, map(str, one.origin), strict=True)),
            "model": one.model,
            "phase": one.phase,
            "batch": one.batch,
            "compiler": one.compiler,
            "contexts": one.line.points,
            "shortest": one.points[0][0],
            "longest": one.points[-1][0],
            **{
                f"{name}{end}": getattr(value, part)
                for name, value in (("slope_ms", one.line.slope), ("start_ms", one.line.start))
                for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
            },
            "r_squared": one.line.r_squared,
        }
        for one in lines
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def context_line_text(one: ContextLine) -> str:
    """Return a line in words: the time of a token as a function of its context."""
    line = one.line
    least, most = one.points[0][0], one.points[-1][0]
    fit = "" if line.r_squared is None else f", R2 = {line.r_squared:.4f}"
    return (
        f"{_digits(line.start.value)} ms + {_digits(1e3 * line.slope.value)} us "
        f"[{_digits(1e3 * line.slope.low)}, {_digits(1e3 * line.slope.high)}] a token of context"
        f"{fit} ({line.points} contexts, {least} to {most})"
    )


def _digits(value: float) -> str:
    return f"{value:.{SHOWN_DIGITS}g}"
