"""The registry of metrics: every figure of a trial that tables, figures and sentences compare, each known here alone.

The record's model, the recording, the check of raw samples, the columns of the table of trials, summaries, effects,
claims, figures and the page take their lists from here. A further percentile is one entry, and so is a further metric
out of a record's fields. The order is that of the record's fields, and of the columns of summaries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
Use = Literal["summary", "ratio", "effects"]
SampleStatistic = float | Literal["mean", "min"]
"""What is made of a trial's samples; a number is the percentile of that percent, by linear interpolation."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What kind of quantity a metric is.

    Attributes:
        unit: Unit of recorded values; empty for a count.
        less, more: What a ratio below and above 1 is called.
        shown_unit: Unit that people read.
        divide_by: What turns recorded values into that unit.
        form: How single values are written: with significant digits, as whole numbers, or with a unit of their size.
    """

    unit: str
    less: str
    more: str
    shown_unit: str
    divide_by: float
    form: Literal["significant", "whole", "sized"]


RATE = Quantity(unit="tokens/s", less="slower", more="faster", shown_unit="tokens/s", divide_by=1.0, form="significant")
SHARE = Quantity(unit="", less="farther", more="nearer", shown_unit="%", divide_by=0.01, form="significant")
TIME = Quantity(unit="ms", less="faster", more="slower", shown_unit="ms", divide_by=1.0, form="significant")
MEMORY = Quantity(unit="bytes", less="smaller", more="larger", shown_unit="MiB", divide_by=2.0**20, form="sized")
COUNT = Quantity(unit="", less="fewer", more="more", shown_unit="", divide_by=1.0, form="whole")


@dataclass(frozen=True)
class PageColumn:
    """How the page's table of cells shows the median of a metric over a row's ok trials.

    Attributes:
        heading: Heading, without a unit.
        explanation: What the number is.
    """

    heading: str
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of a trial. Less is better in all that effects and claims can be about.

    Attributes:
        name: Name of its column, and what users call it in templates, claims and options.
        source: Its location in a record; empty for what the table of trials derives from several records.
        quantity: Its unit, and how less and more of it are called.
        modes: Modes whose trials have it; the first one is taken when results hold several.
        of_samples: What it is of a hot trial's raw samples; None for what is no summary of them.
        exact_from: Equal blocks from which on its value is exact and no estimate: 1 for what is computed. None for what
            is measured: a time that never varies comes from too coarse a clock, and memory is counted in pages.
        resolution: The smallest difference that it can show, in recorded units: a smaller one is no effect, and a value
            of at most this much is *saturated*. 0 where only scatter limits it.
        description: What the record's field holds, for metrics whose field is made from this entry (``of_samples``).
        english, chinese: What it is called in sentences.
        label: What the axes of figures call it; empty for its name.
        section: Title of the page's section on its effects; empty for its label.
        short: Heading in narrow tables, and its name among the numbers of the page.
        page: Its column on the page; None for none.
        of_tokens: Whether only workloads with tokens have it: results without any do not show it.
        uses: Where else it appears, besides the table of trials: in the summary of groups, there with its ratio to the
            baseline, and among the metrics that effects and claims can be about.
    """

    name: str
    source: tuple[str, ...]
    quantity: Quantity
    modes: tuple[str, ...]
    english: str
    chinese: str
    of_samples: SampleStatistic | None = None
    exact_from: int | None = None
    resolution: int = 0
    description: str = ""
    label: str = ""
    section: str = ""
    short: str = ""
    page: PageColumn | None = None
    of_tokens: bool = False
    uses: frozenset[Use] = frozenset()

    @property
    def less(self) -> str:
        """What a ratio below 1 is called."""
        return self.quantity.less

    @property
    def more(self) -> str:
        """What a ratio above 1 is called."""
        return self.quantity.more

    @property
    def heading(self) -> str:
        """Title of the page's section on its effects."""
        return self.section or self.label.capitalize() or self.name

    def title(self, language: Language) -> str:
        """Return what it is called in sentences."""
        return self.chinese if language == "zh" else self.english


def _percentile(percent: float, *uses: Use, on_page: bool = False) -> Metric:
    text = f"p{percent:g}"
    nth = f"{percent:g}th percentile"
    return Metric(
        name=f"run_ms_{text.replace('.', '_')}",
        source=("runtime", f"run_ms_{text.replace('.', '_')}"),
        quantity=TIME,
        modes=("hot",),
        of_samples=percent,
        description=f"Hot: {nth} (linear).",
        english=f"{text} run time",
        chinese=f"运行时间 {text}",
        label=f"run time, {text}",
        short=text,
        page=PageColumn(text, f"Median over the row's ok hot trials of each trial's {nth}.") if on_page else None,
        uses=frozenset(uses),
    )


_EVERYWHERE: frozenset[Use] = frozenset(("summary", "ratio", "effects"))
_SUMMARISED: frozenset[Use] = frozenset(("summary", "effects"))
_METRICS = (
    Metric(
        name="compile_first_run_ms",
        source=("runtime", "compile_first_run_ms"),
        quantity=TIME,
        modes=("cold",),
        english="cold-start time",
        chinese="冷启动时间",
        label="compile + first run",
        section="Compile and first run",
        short="cold",
        page=PageColumn(
            "compile + first run",
            "Median over the row's ok cold trials of the time from the loaded program to the end of the first run.",
        ),
        uses=_EVERYWHERE,
    ),
    Metric(
        name="run_ms_paired",
        source=(),  # see ablatrix.analysis.table.paired
        quantity=TIME,
        modes=("hot",),
        english="run time",
        chinese="运行时间",
        label="run time",
        uses=_EVERYWHERE,
    ),
    Metric(
        name="run_ms_mean",
        source=("runtime", "run_ms_mean"),
        quantity=TIME,
        modes=("hot",),
        of_samples="mean",
        description="Hot: mean of the counted samples.",
        english="mean run time",
        chinese="平均运行时间",
        label="run time, mean",
        short="mean",
        uses=_EVERYWHERE,
    ),
    Metric(
        name="run_ms_p50",
        source=("runtime", "run_ms_p50"),
        quantity=TIME,
        modes=("hot",),
        of_samples=50,
        description="Hot: median.",
        english="median run time",
        chinese="运行时间中位数",
        label="run time, p50",
        short="p50",
        page=PageColumn("p50", "Median over the row's ok hot trials of each trial's median time."),
        uses=_EVERYWHERE,
    ),
    _percentile(90),
    _percentile(95, "summary", "effects", on_page=True),
    _percentile(99),
    Metric(
        name="run_ms_min",
        source=("runtime", "run_ms_min"),
        quantity=TIME,
        modes=("hot",),
        of_samples="min",
        description="Hot: smallest sample.",
        english="smallest run time",
        chinese="最短运行时间",
        label="run time, smallest",
        short="min",
    ),
    Metric(
        name="ms_per_token",
        source=(),  # see ablatrix.analysis.table.tokens, for the next two, too
        quantity=TIME,
        modes=("hot",),
        english="time per token",
        chinese="每 token 时间",
        label="time per token",
        short="ms/token",
        page=PageColumn("a token", "Median over the row's ok hot trials of each trial's median time over its tokens."),
        of_tokens=True,
        uses=_EVERYWHERE,
    ),
    Metric(
        name="tokens_per_s",
        source=(),
        quantity=RATE,
        modes=("hot",),
        english="throughput",
        chinese="吞吐量",
        label="throughput",
        short="tokens/s",
        page=PageColumn(
            "throughput", "Median over the row's ok hot trials of each trial's tokens over its median time."
        ),
        of_tokens=True,
        uses=frozenset(("summary",)),
    ),
    Metric(
        name="floor_share",
        source=(),
        quantity=SHARE,
        modes=("hot",),
        english="share of the memory floor",
        chinese="内存下限占比",
        label="memory floor / run time",
        short="floor",
        page=PageColumn(
            "floor",
            "Median over the row's ok hot trials of the time in which memory can hand over weights and cache, as a "
            "share of each trial's median time.",
        ),
        of_tokens=True,
        uses=frozenset(("summary",)),
    ),
    Metric(
        name="compile_cache_miss_delta_first_run",
        source=("compile", "compile_cache_miss_delta_first_run"),
        quantity=COUNT,
        modes=("cold",),
        exact_from=1,
        english="number of cache misses",
        chinese="编译缓存未命中数",
        short="misses",
        page=PageColumn(
            "cache misses", "Median over the row's ok cold trials of the tasks compiled anew up to the first run."
        ),
        uses=_SUMMARISED,
    ),
    Metric(
        name="generated_calls",
        source=("compile", "generated_calls"),
        quantity=COUNT,
        modes=("cold", "hot"),
        exact_from=1,
        english="number of generated calls",
        chinese="生成的调用数",
        short="calls",
        uses=frozenset(("effects",)),
    ),
    Metric(
        name="generated_kernels",
        source=("compile", "generated_kernels"),
        quantity=COUNT,
        modes=("cold", "hot"),
        exact_from=1,
        english="number of generated kernels",
        chinese="生成的内核数",
        short="kernels",
        uses=frozenset(("effects",)),
    ),
    Metric(
        name="planned_bytes",
        source=("compile", "planned_bytes"),
        quantity=MEMORY,
        modes=("cold", "hot"),
        exact_from=1,
        english="planned memory",
        chinese="规划内存",
        label="planned memory",
        short="planned",
        page=PageColumn("planned", "Median over the row's ok trials of the bytes that planner and compiler plan."),
        uses=_SUMMARISED,
    ),
    Metric(
        name="physical_bytes_est",
        source=("plan", "physical_bytes_est"),
        quantity=MEMORY,
        modes=("cold", "hot"),
        exact_from=1,
        english="planned memory for buffers between tasks",
        chinese="任务间缓冲区的规划内存",
        label="arena",
        short="arena",
        uses=_SUMMARISED,
    ),
    Metric(
        name="peak_rss_delta_bytes",
        source=("runtime", "peak_rss_delta_bytes"),
        quantity=MEMORY,
        modes=("hot", "cold"),
        # The kernel counts pages per core and adds them up in batches of 32, and allocators take as much at once.
        resolution=32 * 4096,
        english="peak growth of resident memory",
        chinese="常驻内存峰值增量",
        label="peak memory",
        section="Peak memory growth",
        short="peak",
        page=PageColumn(
            "peak growth", "Median over the row's ok trials of the growth of the peak resident set while running."
        ),
        uses=_SUMMARISED,
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _METRICS}
"""Every metric by its name."""
HOT_METRIC, COLD_METRIC = "run_ms_paired", "compile_first_run_ms"
METRIC_OF_MODE: Mapping[str, str] = {"hot": HOT_METRIC, "cold": COLD_METRIC}
"""The metric that trials of a mode are mainly compared by."""
CACHE_MISSES = "compile_cache_miss_delta_first_run"
SAMPLE_METRICS: Mapping[str, SampleStatistic] = {
    metric.name: metric.of_samples for metric in _METRICS if metric.of_samples is not None
}
"""The record's summary of a hot trial's samples: field -> what it is of them, in the order of the fields."""


def metrics_for(use: Use) -> tuple[str, ...]:
    """Return the names of the metrics that have a use, in order."""
    return tuple(metric.name for metric in _METRICS if use in metric.uses)


def page_metrics() -> tuple[Metric, ...]:
    """Return the metrics that the page shows: those of hot trials alone, of cold ones alone, of both."""
    shown = [metric for metric in _METRICS if metric.page is not None]
    return tuple(sorted(shown, key=lambda metric: {"hot": 0, "cold": 1}.get(" ".join(metric.modes), 2)))
