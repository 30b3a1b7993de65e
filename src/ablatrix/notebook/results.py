"""Results as one object: ``ablatrix.load("results/quick").effects()``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ablatrix.analysis.claims import CheckedClaim, Claims, check_claims, load_claims
from ablatrix.analysis.effects import DEFAULT_MARGIN, Evidence, Question, gather
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import refuse_mixed
from ablatrix.analysis.table import tidy
from ablatrix.notebook.markup import table_html, titled_html
from ablatrix.notebook.records import Records
from ablatrix.notebook.tables import attribution_table, effects_table, summary_table
from ablatrix.records.held import RecordsFile, hold_all_records
from ablatrix.records.names import CLAIMS_NAME

if TYPE_CHECKING:
    import altair as alt
    from matplotlib.figure import Figure

    from ablatrix.verdict import Verdict


def load(*paths: str | Path, allow_mixed: bool = False) -> "Results":
    """Return results as one object, with their tables, figures and charts.

    Args:
        paths: Directories of results, bundles (directories or zips), or files of records; several runs of one study
            are taken together.
        allow_mixed: Take records of several studies, machines, commits or versions, which become columns.

    Raises:
        RecordError: A path has no records, or a line of them breaks the schema.
        AnalysisError: No path, no finished trial, or records of several origins without ``allow_mixed``.
    """
    return Results(hold_all_records(paths), allow_mixed)


class Results:
    """Results of one or several runs. Tables are Polars' (``.to_pandas()``), figures Matplotlib's, charts Altair's.

    Attributes:
        files: The files of records.
        findings: All that is estimated from them, for the functions of ablatrix that take it.
        mixed: Columns that distinguish records of several origins; empty when all have one.
    """

    def __init__(self, found: Sequence[RecordsFile], allow_mixed: bool = False) -> None:
        """Read the records; see `load`."""
        self._held = tuple(found)  # what a zip was unpacked to lasts as long as these
        self.files = tuple(one.path for one in found)
        self.findings = Findings(tidy(self.files))
        self.mixed = tuple(refuse_mixed(self.findings.found, allow_mixed))

    @property
    def records(self) -> Records:
        """The records themselves, earlier attempts included, read when they are asked for."""
        return Records(self.files)

    @property
    def trials(self) -> pl.DataFrame:
        """A row a trial (a configuration, the reference or an A/A control in one block), with a column a field."""
        return self.findings.trials

    @cached_property
    def claims(self) -> tuple[CheckedClaim, ...]:
        """The claims beside the records, each checked against them; empty where there are none.

        Raises:
            AnalysisError: The claims file breaks a rule.
        """
        stated = self._stated()
        return () if stated is None else tuple(check_claims(self.findings, stated))

    def summary(self) -> pl.DataFrame:
        """Return a row a cell and mode: its trials, the median of the mode's main metric, its ratio to the baseline."""
        return summary_table(self.findings, self.mixed)

    def effects(
        self, metric: str | None = None, workloads: Sequence[str] = (), margin: float = DEFAULT_MARGIN
    ) -> pl.DataFrame:
        """Return what each knob does: a row an effect, with its ratio, 95 % interval and verdict; then means.

        Args:
            metric: Such as ``run_ms_paired``; the main ones that the results have by default.
            workloads: Only these, without means over workloads; all by default.
            margin: Largest relative difference that counts as none.

        Raises:
            AnalysisError: There is no such metric or workload, or no knob varies.
        """
        return effects_table(self._evidence(metric, workloads=tuple(workloads), margin=margin))

    def attribution(
        self,
        metric: str | None = None,
        start: Mapping[str, str] | None = None,
        end: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Return what all knobs do together, and the share of each: a row a total or a part of one.

        Args:
            metric: As for `effects`.
            start: Levels of the first configuration where they are not the baseline's.
            end: Levels of the second one where they are not each knob's last.

        Raises:
            AnalysisError: There is no such metric, knob or level, or no knob varies.
        """
        return attribution_table(self._evidence(metric, start=start, end=end))

    def verdict(self) -> "Verdict":
        """Return whether the study is done, by four criteria; it makes the paper to see whether that works.

        Raises:
            AnalysisError: The claims file breaks a rule.
        """
        from ablatrix.verdict import reach_verdict

        return reach_verdict(self.files, claims=self._stated())

    def figure(self, name: str = "main_effects", page: int = 1, **choices: Any) -> "Figure":
        """Return a figure of the paper.

        Args:
            name: ``cold_scatter``, ``main_effects``, ``attribution``, ``memory_latency``, ``break_even``; an unknown
                name is answered with the list of all.
            page: Which page of a figure that has several.
            choices: Settings of the figure as a template has them, such as ``metric`` or ``filter``.

        Raises:
            AnalysisError: There is no such figure, page or setting, or nothing to draw.
        """
        from ablatrix.notebook.pictures import paper_figure

        return paper_figure(self.findings, name, page, **choices)

    def chart(self, name: str = "effects", metric: str | None = None) -> "alt.TopLevelMixin":
        """Return a chart of the page, which shows the numbers behind a mark on hovering.

        Args:
            name: ``effects``, ``attribution`` or ``cold``.
            metric: What the first two are about; the first of the main metrics by default.

        Raises:
            AnalysisError: There is no such chart or metric, or nothing to draw.
        """
        from ablatrix.notebook.pictures import page_chart, refuse_unknown_chart

        refuse_unknown_chart(name)
        evidence = None if name == "cold" else self._evidence(metric)[0]
        return page_chart(self.findings, name, evidence, self.mixed)

    def __repr__(self) -> str:
        facts = "; ".join(f"{name}: {value}" for name, value in self._facts())
        return f"<results of {', '.join(str(one.given) for one in self._held)}; {facts}>"

    def _repr_html_(self) -> str:
        given = ", ".join(str(one.given) for one in self._held)
        return titled_html(f"Results of {given}", table_html(("", ""), self._facts()))

    def _facts(self) -> list[tuple[str, str]]:
        trials = self.trials
        measured = trials.filter(pl.col("role") == "measured")
        named = {
            label: ", ".join(sorted(measured[column].cast(pl.String).drop_nulls().unique()))
            for label, column in (("study", "study"), ("workloads", "workload"), ("compilers", "compiler"))
        }
        statuses = Counter(trials["status"].cast(pl.String))
        counted = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        machine = trials.select("host", "cpu", "cores").unique(maintain_order=True).rows()
        knobs = [
            f"{name.removeprefix('knob_')} ({', '.join(levels)})"
            for name in trials.columns
            if name.startswith("knob_") and len(levels := trials[name].cast(pl.String).drop_nulls().unique().sort()) > 1
        ]
        facts = [*named.items(), ("knobs", "; ".join(knobs)), ("trials", f"{trials.height:,}: {counted}")]
        facts += [("machine", f"{host}: {cpu}, {cores} cores") for host, cpu, cores in machine]
        facts += [("left out", f"{count} x {reason}") for reason, count in self.findings.found.excluded.items()]
        return [*facts, *(("note", note) for note in self.findings.found.notes)]

    def _evidence(self, metric: str | None, **asked: Any) -> list[Evidence]:
        question = Question(metrics=() if metric is None else (metric,), **asked)
        if self.mixed:
            return gather(self.findings.found, question, self.mixed)
        findings = self.findings
        return gather(findings.found, question, instrument=findings.instrument, grids=findings.factorial_grids)

    def _stated(self) -> Claims | None:
        path = self.files[0].with_name(CLAIMS_NAME)
        return load_claims(path) if path.is_file() else None
