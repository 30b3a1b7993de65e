"""Which knobs and sizes vary, and the columns that make a row of a summary."""

import json
from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.groups.ordering import PRIMARY_KNOBS, distinct, grouped, in_order
from ablatrix.analysis.groups.roles import without_priming_runs
from ablatrix.analysis.groups.stage_plans import knob_order
from ablatrix.analysis.table import Tidy

PRIMARY = "primary_knobs"


def varying_knobs(found: Tidy) -> list[str]:
    """Return the columns of knobs with more than one level, in the order of the study."""
    columns = found.columns("knob_")
    measured = found.trials.select("role", *columns).filter(pl.col("role") == "measured")
    return [f"knob_{name}" for name in knob_order(found.trials) if len(distinct(measured[f"knob_{name}"])) > 1]


def primary_knobs(trials: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the primary knobs of each compiler, from the table of trials.

    Records name them: those of the compiler's catalogue that the study names. Where records are older than that, they
    are the four that compilers of the catalogue have; a program with knobs of its own has none of these, and there it
    is what varies in the stage of the baseline, which was the factorial grid of the primary knobs.
    """
    order = knob_order(trials)
    names = [name.removeprefix("knob_") for name in trials.columns if name.startswith("knob_")]
    read = [name for name in ("stage", "is_baseline", PRIMARY) if name in trials.columns]
    measured = trials.lazy().filter(pl.col("role") == "measured")  # lazy: else every column is copied
    needed = measured.select("compiler", *read, *(f"knob_{name}" for name in names)).collect()
    found: dict[str, tuple[str, ...]] = {}
    for (compiler,), part in grouped(needed, ["compiler"]):
        named = part[PRIMARY].drop_nulls().unique().to_list() if PRIMARY in part.columns else []
        if named:
            found[compiler] = tuple(in_order((knob for text in named for knob in json.loads(text)), order))
            continue
        if any(part[f"knob_{name}"].count() for name in PRIMARY_KNOBS if name in names):
            found[compiler] = PRIMARY_KNOBS
            continue
        stages = part.filter(pl.col("is_baseline"))["stage"].drop_nulls()
        first = part.filter(pl.col("stage") == stages[0]) if len(stages) else part
        found[compiler] = tuple(
            in_order((one for one in names if first[f"knob_{one}"].drop_nulls().n_unique() > 1), order)
        )
    return found


def group_columns(found: Tidy, mixed: Sequence[str] = (), by_mode: bool = True) -> list[str]:
    """Return the columns that make a row: origin where mixed, workload, compiler, role, mode, varying knobs."""
    mode = ["mode"] if by_mode else []
    return [*mixed, "workload", *varying_sizes(found), "compiler", "role", *mode, *varying_knobs(found)]


def varying_sizes(found: Tidy) -> list[str]:
    """Return the columns of parameters with more than one value within a workload, which distinguish its sizes."""
    names = [name for name in found.columns("parameter_") if name != "parameter_count"]  # of weights
    if not names:
        return []
    trials = without_priming_runs(found.trials.select("role", "workload", *names))
    counts = trials.group_by("workload").agg(pl.col(name).n_unique() for name in names)
    return [name for name in names if counts[name].max() != 1]
