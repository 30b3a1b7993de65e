"""The sentences of a paper's paragraphs. Each is made from the records, or tells what it lacks.

A sentence is a function of the trials that returns its text. It raises `Absent` when the records hold no data for it;
the paragraph then goes without it, and the list of what was left out names it with the reason.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.estimate import count_statuses, grouped, ratios_to_baseline, without_primers
from ablatrix.analysis.noise_floor import noise_floors
from ablatrix.analysis.paired import HOT_METRIC
from ablatrix.analysis.tidy import TIMED_OTHER, Tidy

MISSES = "compile_cache_miss_delta_first_run"
PARTS = {
    "plan_ms": "planning",
    "import_ms": "the compiler's frontend",
    "compile_ms": "passes and code generation",
    "link_ms": "linking",
    "load_ms": "loading",
    "run_ms_cold": "the first run",
}


class Absent(Exception):
    """The records hold no data for a sentence; the message says which."""


Sentence = Callable[[Tidy], str]


def trials_and_outcomes(found: Tidy) -> str:
    """How many trials there are, on what machine, and what became of them."""
    trials = without_primers(found.trials)
    counts = count_statuses(trials["status"].to_list())
    machines = sorted(set(trials.select("cpu", "cores").iter_rows()))
    where = "; ".join(f"{cpu}, {cores} cores" for cpu, cores in machines)
    failures = [
        f"{counts[name]} {name.removeprefix('n_')}"
        for name in counts
        if name not in ("n_trials", "n_ok", "n_failed", "n_unsupported") and counts[name]
    ]
    failed = f"{counts['n_failed']} failed" + (f" ({', '.join(failures)})" if failures else "")
    return (
        f"The study has {counts['n_trials']} trials ({where}), each in a process of its own: {counts['n_ok']} are ok, "
        f"{failed}, and {counts['n_unsupported']} ask for something that the compiler does not have. Only trials that "
        f"are ok enter a statistic; the others are counted beside it."
    )


def cold_scope(found: Tidy) -> str:
    """What a cold time includes, with the share of each part."""
    cold = _ok(found, "cold", "measured").filter(pl.col("cache_tag").is_null())
    total = cold["compile_first_run_ms"].drop_nulls()
    shares = []
    for column, name in PARTS.items():
        held = cold.filter(pl.col(column).is_not_null() & (pl.col("compile_first_run_ms") > 0))
        if not held.is_empty():
            share = statistics.median(
                part / whole for part, whole in zip(held[column], held["compile_first_run_ms"], strict=True)
            )
            shares.append(f"{name} ({share:.0%})")
    if not len(total) or not shares:
        raise Absent("no cold trial is ok and tells the parts of its time")
    return (
        f"A cold time runs from the loaded program to the end of the first run, with an empty cache of its own; it "
        f"includes {_listed(shares)}, given as the median share over {len(total)} trials. Loading frameworks, building "
        f"the workload and making its inputs are not in it."
    )


def hot_scope(found: Tidy) -> str:
    """What a hot time includes, and how many samples stand behind it."""
    hot = _ok(found, "hot", "measured").filter(pl.col("run_ms_p50").is_not_null())
    if hot.is_empty():
        raise Absent("no hot trial is ok")
    counted = hot["samples_counted"].drop_nulls().to_list()
    samples = f" (median {statistics.median(counted):.0f} samples a trial)" if counted else ""
    blocks = hot.select("run", "block_id").n_unique()
    return (
        f"A hot time is one run in the steady state{samples}, after warm-up and without compilation; inputs are made "
        f"once, outside of it. The configurations of a block are measured side by side, in a random order, and are "
        f"compared within their block only; there are {blocks} hot blocks."
    )


def warm_up_classes(found: Tidy) -> str:
    """How hot trials began, and in how many the time never became steady."""
    classes = _ok(found, "hot", "measured")["warm_up_classification"].drop_nulls().to_list()
    if not classes:
        raise Absent("no hot trial is ok and tells how it warmed up")
    words = {"flat": "flat from the start", "warmed_up": "faster after a start", "slowing": "slower after a start"}
    named = [f"{classes.count(name)} are {text}" for name, text in words.items() if name in classes]
    if "unsteady" in classes:
        named.append(f"{classes.count('unsteady')} are still changing at the end of the warm-up (unsteady)")
    return f"Of {len(classes)} hot trials, by change points in their first iterations, {_listed(named)}."


def checked_is_timed(found: Tidy) -> str:
    """In how many hot trials the executable that was checked is the one that was timed."""
    hot = _ok(found, "hot", "measured").filter(
        pl.col("checked_digest").is_not_null() & pl.col("timed_digest").is_not_null()
    )
    if hot.is_empty():
        raise Absent("no hot trial tells the digests of what was checked and what was timed")
    same = hot.filter(pl.col("checked_digest") == pl.col("timed_digest")).height
    text = f"The executable that was timed is the one that was checked in {same} of {hot.height} hot trials, by digest."
    # The table of trials is without those that timed something else; they are counted.
    other = found.excluded.get(TIMED_OTHER, 0)
    return f"{text} Hot trials that timed another one and are in no statistic: {other}." if other else text


def cache_misses(found: Tidy) -> str:
    """What a cache miss is, how many there are, and whether they are as expected."""
    cold = _ok(found, "cold", "measured").filter(pl.col(MISSES).is_not_null())
    if cold.is_empty():
        raise Absent("no cold trial is ok and tells its cache misses")
    expected = cold.filter(pl.col("expected_cache_misses").is_not_null())
    agree = expected.filter(pl.col(MISSES) == pl.col("expected_cache_misses")).height
    text = "A cache miss is a task that had to be compiled anew."
    if "knob_partition" in cold.columns:
        per = [
            f"{workload} {_figure(part[MISSES].to_list())} at {partition}"
            for (workload, partition), part in grouped(cold, ["workload", "knob_partition"])
            if partition is not None
        ]
        text += f" In the median, {_listed(per)}." if per else ""
    return text + (
        f" Misses are as the protocol expects in {agree} of {expected.height} trials." if len(expected) else ""
    )


def threads_in_force(found: Tidy) -> str:
    """How many threads each library had, as read back."""
    columns = found.columns("threads_")
    read = {
        name.removeprefix("threads_"): sorted(found.trials[name].drop_nulls().unique().to_list()) for name in columns
    }
    held = [f"{library}: {', '.join(map(str, values))}" for library, values in read.items() if values]
    if not held:
        raise Absent("no trial tells the threads in force")
    return f"Threads in force, as read back from the libraries: {'; '.join(held)}."


def fastest_configurations(found: Tidy) -> str:
    """The configuration of each workload with the lowest median time, with its ratio to the baseline and to eager."""
    knobs = found.columns("knob_")
    groups = ["workload", "compiler", *knobs]
    hot = _ok(found, "hot", "measured").filter(pl.col("run_ms_p50").is_not_null())
    if hot.is_empty():
        raise Absent("no hot trial is ok")
    ratios = ratios_to_baseline(hot, HOT_METRIC, groups)
    reference = _ok(found, "hot", "reference")
    sentences = []
    for (workload, compiler), part in grouped(hot, ["workload", "compiler"]):
        medians = [(statistics.median(cell["run_ms_p50"].to_list()), key) for key, cell in grouped(part, groups)]
        p50, key = min(medians, key=lambda item: item[0])
        levels = dict(zip(groups, key, strict=True))
        base = {name: part[f"baseline_{name.removeprefix('knob_')}"][0] for name in knobs if levels[name] is not None}
        moved = [f"{name.removeprefix('knob_')} {levels[name]}" for name in base if levels[name] != base[name]]
        text = (
            f"On {workload}, {compiler} has its lowest median time with {_listed(moved) if moved else 'its baseline'}: "
            f"{p50:.3g} ms"
        )
        ratio = ratios.get(key)
        if ratio and moved:
            interval = f" [{ratio.low:.3f}, {ratio.high:.3f}]" if ratio.low is not None else ""
            text += f", {ratio.value:.3f}{interval} of the baseline's"
        eager = reference.filter(pl.col("workload") == workload)["run_ms_p50"].drop_nulls().to_list()
        if eager:
            text += f" (eager: {statistics.median(eager):.3g} ms)"
        sentences.append(text + ".")
    return " ".join(sentences)


def noise_floor(found: Tidy) -> str:
    """How far apart two copies of the baseline lie."""
    floors = noise_floors(found.trials, HOT_METRIC, "hot")
    if not floors:
        raise Absent("no hot block holds the baseline and its twin, both ok")
    named = [f"{floor.workload} {_percent(floor.spread)} %" for floor in floors]
    return (
        f"Two copies of the baseline in one block differ by at most {_listed(named)} (A/A); smaller effects than this "
        f"are not told apart from noise."
    )


def planned_memory(found: Tidy) -> str:
    """Arena bytes between tasks by reuse, and the compiler's own estimate with and without its plan."""
    trials = _ok(found, None, "measured")
    sentences = []
    if "knob_reuse" in trials.columns:
        for (workload, partition), part in _by_partition(trials.filter(pl.col("physical_bytes_est").is_not_null())):
            levels = [
                f"{_bytes(statistics.median(cell['physical_bytes_est'].to_list()))} with {level}"
                for (level,), cell in grouped(part, ["knob_reuse"])
                if level is not None
            ]
            if len(levels) > 1:
                sentences.append(f"The arena between the tasks of {workload}{partition} takes {_listed(levels)}.")
    pair = ("estimator_planned_bytes", "estimator_unplanned_bytes")
    if set(pair) <= set(trials.columns):
        held = trials.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in pair))
        for (workload, partition), part in _by_partition(held):
            planned, unplanned = (_bytes(statistics.median(part[name].to_list())) for name in pair)
            sentences.append(
                f"The compiler's estimator gives {planned} planned and {unplanned} unplanned for {workload}{partition}."
            )
    if not sentences:
        raise Absent("no ok trial tells arena bytes at two levels of reuse, or an estimate of the compiler")
    return " ".join(sentences)


def comparisons(found: Tidy) -> str:
    """How many outputs were compared, how many were missing, and what was wrong."""
    checked = without_primers(found.trials).filter(pl.col("checked").is_not_null())
    if checked.is_empty():
        raise Absent("no trial has a check")
    made, missing, nonfinite = (sum(checked[name].to_list()) for name in ("checked", "missing", "nonfinite"))
    wrong = checked.filter(pl.col("status") == "wrong_output").height
    unchecked = _ok(found, None, "measured").filter(pl.col("checked").is_null()).height
    return (
        f"Outputs are compared with the same program in float64: {made} comparisons in {checked.height} trials, "
        f"missing = {missing}, wrong outputs = {wrong}, elements not finite = {nonfinite}, ok trials without a check = "
        f"{unchecked}. A trial with a wrong or a missing output is in no statistic."
    )


def worst_differences(found: Tidy) -> str:
    """The worst differences from the oracle, over all trials that are ok and over all that were compared."""
    checked = without_primers(found.trials).filter(
        pl.col("max_abs_diff").is_not_null() & pl.col("max_rel_diff").is_not_null()
    )
    ok = checked.filter(pl.col("status") == "ok")
    if ok.is_empty():
        raise Absent("no ok trial tells its differences")
    text = f"The worst differences of a trial that is ok are {_worst(ok)}"
    if checked.height > ok.height:
        text += f"; with the others, {_worst(checked)}"
    ratios = ok["rms_ratio"].drop_nulls().to_list()
    if ratios:
        text += f". The root mean square error is at most {max(ratios):.3g} times that of eager float32"
    return text + "."


PARAGRAPHS: Mapping[str, Sequence[Sentence]] = {
    "fairness": (
        trials_and_outcomes,
        cold_scope,
        hot_scope,
        warm_up_classes,
        checked_is_timed,
        cache_misses,
        threads_in_force,
    ),
    "benefit": (fastest_configurations, noise_floor, planned_memory),
    "correctness": (comparisons, worst_differences),
}


def _ok(found: Tidy, mode: str | None, role: str) -> pl.DataFrame:
    trials = found.trials.filter((pl.col("status") == "ok") & (pl.col("role") == role))
    return trials if mode is None else trials.filter(pl.col("mode") == mode)


def _by_partition(trials: pl.DataFrame) -> list[tuple[tuple[str, str], pl.DataFrame]]:
    if "knob_partition" not in trials.columns:
        return [((str(key[0]), ""), part) for key, part in grouped(trials, ["workload"])]
    return [
        ((str(key[0]), f" ({key[1]})" if key[1] else ""), part)
        for key, part in grouped(trials, ["workload", "knob_partition"])
    ]


def _worst(trials: pl.DataFrame) -> str:
    absolute, relative = (max(trials[name].to_list()) for name in ("max_abs_diff", "max_rel_diff"))
    return f"{absolute:.2e} absolute and {relative:.2e} relative"


def _figure(values: Sequence[Any]) -> str:
    return f"{statistics.median(values):g}"


def _bytes(value: float) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:g} bytes"


def _listed(items: Iterable[str]) -> str:
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def _percent(share: float) -> str:
    """Return a share in percent, two digits, without an exponent."""
    percent = share * 100
    return f"{percent:.2g}" if percent < 99.5 else f"{percent:.0f}"
