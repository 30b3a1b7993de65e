"""What was studied: the baseline, the knobs with their levels, and the workloads with their sizes."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import departures_of, sort_key
from ablatrix.analysis.reasons import KnobLevels, levels_text
from ablatrix.page.printed import NOTHING, count, significant
from ablatrix.page.table import Heading, Row, Shown, Table
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.departures import departures_text

TIMES = "\N{MULTIPLICATION SIGN}"
WHAT = "what it is"
FAR = "to float model"
WHAT_DIFFERS = (
    ("artifact_digest", "generated code"),
    ("plan_digest", "plan"),
    ("tasks", "plan"),
    ("distinct_tasks", "plan"),
    ("edges", "plan"),
    ("logical_", "plan"),
    ("physical_", "memory between tasks"),
    ("peak_live_bytes", "memory between tasks"),
    ("compiler_planned_bytes", "planned memory"),
    ("planned_bytes", "planned memory"),
    ("peak_rss_delta_bytes", "measured memory"),
    ("threads_", "threads"),
    ("version_", "loaded libraries"),
    ("environment", "environment"),
    ("compile_cache_hit_disk", "cache hits"),
    ("pass_ms", "times of passes"),
)
"""What columns that prove a knob are about, by the beginning of their name."""


def baseline_lines(units: Iterable[Unit], varying: Sequence[str], trials: pl.DataFrame) -> list[str]:
    """Return sentences for each compiler: its baseline, the knobs that no trial moves, and what is not as shipped."""
    shipped = departures_of(trials)
    found, every = dict[str, Levels](), dict[str, dict[str, str]]()
    for unit in units:
        found[unit.compiler] = unit.baseline
        every.setdefault(unit.compiler, {}).update(unit.baseline)
    lines = []
    for compiler, levels in found.items():
        moved = KnobLevels({knob: levels[knob] for knob in varying if knob in levels})
        held = KnobLevels({knob: level for knob, level in levels.items() if knob not in varying})
        text = f"Baseline of {compiler}: {levels_text(moved) or 'its only configuration'}."
        text += f" Fixed in all trials: {levels_text(held)}." if held else ""
        apart = departures_text(every[compiler], shipped.get(compiler, {}))
        lines.append(text + (f" Where it is not as {compiler} ships: {apart}." if apart else ""))
    return lines


def knobs_table(findings: Findings, units: Sequence[Unit]) -> Table:
    """Return the knobs that vary: their levels, and what each was shown to change."""
    primary, titles = findings.primary_knobs, findings.titles
    acts = _acting_at_run_time(findings.trials)
    rows, varying = [], findings.varying_knobs
    for compiler, baseline in {unit.compiler: unit.baseline for unit in units}.items():
        own = findings.trials.lazy().filter((pl.col("role") == "measured") & (pl.col("compiler") == compiler))
        trials = own.select(varying).collect()
        for column in varying:
            knob = column.removeprefix("knob_")
            levels = sorted(trials[column].drop_nulls().unique().to_list(), key=sort_key)
            if knob not in baseline or not levels:
                continue
            others = [str(level) for level in levels if str(level) != baseline[knob]]
            proofs = [one for one in findings.probed_proofs if (one.compiler, one.knob) == (compiler, knob)]
            rows.append(
                Row(
                    [
                        Shown(knob),
                        Shown(compiler),
                        Shown(_described(titles.knob(knob), knob, titles.knob_summaries.get(compiler, {}).get(knob))),
                        Shown("primary" if knob in primary.get(compiler, ()) else "secondary"),
                        Shown(baseline[knob]),
                        Shown(", ".join(others) or NOTHING),
                        Shown("how a program is run" if knob in acts.get(compiler, ()) else "what is built"),
                        Shown(_shown_to_change(proofs)),
                    ]
                )
            )
    table = Table(
        "knobs",
        "The knobs that this study varies; all other knobs are the same in all trials",
        [
            Heading("knob"),
            Heading("compiler"),
            Heading(WHAT, meaning="What the study, or the compiler's catalogue, says of it", wide=True),
            Heading("kind"),
            Heading("baseline"),
            Heading("other levels", wide=True),
            Heading("acts on", meaning="Whether it decides what is built, or how a built program is run"),
            Heading(
                "shown to change",
                meaning="What differs between two configurations that differ in this knob alone",
                wide=True,
            ),
        ],
        rows,
    )
    return table.folded("compiler", "kind", "acts on").without_empty(WHAT)


def workloads_table(findings: Findings, units: Sequence[Unit]) -> Table:
    """Return the workloads with their sizes, inputs and weights."""
    seen = dict.fromkeys((unit.label, unit.workload, unit.digest) for unit in units)
    rows, titles, trials = [], findings.titles, findings.trials
    facts = ("tier", "inputs", "dynamic", "parameter_count", "workload_oracle", "workload_dtype")
    read = [name for name in trials.columns if name in facts or name.startswith(("parameter_", "size_"))]
    groups = trials.lazy().group_by("workload", "workload_digest")
    firsts = groups.agg(pl.col(read).first(), pl.col("float_distance").max()).collect()
    first_of = {(one["workload"], one["workload_digest"]): one for one in firsts.iter_rows(named=True)}
    for label, workload, digest in seen:
        first = first_of[workload, digest]
        rows.append(
            Row(
                [
                    Shown(label),
                    Shown(_described(titles.workload(workload), workload, titles.workload_summaries.get(workload))),
                    Shown(str(first["tier"])),
                    Shown(_sizes(first)),
                    Shown(_inputs(first)),
                    Shown(f"{first['parameter_count']:,}", first["parameter_count"]),
                    Shown(str(first["workload_dtype"] or "")),
                    Shown(str(first["workload_oracle"] or "not known")),
                    _far(first["float_distance"]),
                ]
            )
        )
    table = Table(
        "workloads",
        "The workloads and their sizes",
        [
            Heading("workload"),
            Heading(WHAT, meaning="What the study, or the registry, says of it", wide=True),
            Heading("tier"),
            Heading("sizes", wide=True),
            Heading("inputs", wide=True),
            Heading("weights", True, "Number of weights"),
            Heading("type", meaning="Floating types of weights and inputs"),
            Heading("expected outputs", meaning="Type in which the oracle computed them"),
            Heading(FAR, True, "RMS difference of the oracle from that of the model before it was quantised, relative"),
        ],
        rows,
    )
    return table.without_empty("type").without_empty(FAR).folded("type", "expected outputs").without_empty(WHAT)


def _far(found: float | None) -> Shown:
    """Return how far a quantised workload is from the model before; nothing of one that is not quantised."""
    return Shown("" if found is None else significant(found, 3), found)


def _described(title: str, name: str, summary: str | None) -> str:
    """Return what something is called, if that is not its name, and what it is."""
    called = "" if title == name else f"{title[:1].upper()}{title[1:]}"
    return ": ".join(filter(None, [called, summary]))


def _acting_at_run_time(trials: pl.DataFrame) -> dict[str, set[str]]:
    """Return the knobs of each compiler that change how a program is run, as records say it."""
    named = trials.select("compiler", "run_time_knobs").drop_nulls().unique()
    found: dict[str, set[str]] = {}
    for compiler, text in named.iter_rows():
        found.setdefault(str(compiler), set()).update(json.loads(text))
    return found


def _shown_to_change(proofs: Sequence[KnobProof]) -> str:
    """Return what a knob changes over all workloads, and on how many of them it changes nothing."""
    evidence = dict.fromkeys(name for proof in proofs for name in proof.evidence)
    words = dict.fromkeys(
        next((words for start, words in WHAT_DIFFERS if name.startswith(start)), name) for name in evidence
    )
    workloads = {(one.workload, one.digest) for one in proofs}
    acting = {(one.workload, one.digest) for one in proofs if one.verdict in ("effective", "aliased")}
    no_op = {(one.workload, one.digest) for one in proofs if one.verdict == "no_op"} - acting
    parts = [f"{', '.join(words)} on {len(acting)} of {count(len(workloads), 'workload')}"] if acting else []
    parts += [f"nothing on {len(no_op)}: a no-op"] if no_op else []
    unproven = len(workloads) - len(acting) - len(no_op)
    parts += [f"not proven on {unproven}"] if unproven else []
    return "; ".join(parts) or "not proven"


def _sizes(trial: dict[str, Any]) -> str:
    sizes = {
        name.removeprefix("parameter_"): f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in trial.items()
        if name.startswith("parameter_") and name != "parameter_count" and value is not None
    }
    timed = {
        name.removeprefix("size_"): str(value)
        for name, value in trial.items()
        if name.startswith("size_") and value is not None
    }
    ranges = json.loads(trial["dynamic"] or "{}")
    dynamic = [
        f"{name} from {low} to {high}" + (f", timed at {timed[name]}" if name in timed else "")
        for name, (low, high) in ranges.items()
    ]
    return "; ".join([", ".join(f"{name}={value}" for name, value in sizes.items()), *dynamic]).strip("; ") or NOTHING


def _inputs(trial: dict[str, Any]) -> str:
    shapes = [
        f"{one['name']} {TIMES.join(map(str, one['shape'])) or 'scalar'} {one['dtype']}"
        for one in json.loads(trial["inputs"] or "[]")
    ]
    return ", ".join(shapes) or NOTHING
