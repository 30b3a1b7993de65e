"""What effects are computed of: columns of the table, in which mode they mean something, and what less is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ablatrix.analysis.paired import HOT_METRIC
from ablatrix.statistics.ratio import ROUNDING

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Metric:
    """A figure of a trial; less is better in all of them.

    Attributes:
        modes: Modes whose trials have it; the first one is taken when results hold several.
        less, more: What a ratio below and above 1 is called.
        english, chinese: What it is called in sentences.
        exact_from: Equal blocks from which on its value is exact and no estimate: 1 for what is computed, 2 for what
            is counted. None for a time: one that never varies comes from too coarse a clock.
    """

    name: str
    modes: tuple[str, ...]
    less: str
    more: str
    english: str
    chinese: str
    exact_from: int | None = None

    def title(self, language: Language) -> str:
        """Return what it is called in sentences."""
        return self.chinese if language == "zh" else self.english


TIME, SIZE, COUNT = ("faster", "slower"), ("smaller", "larger"), ("fewer", "more")
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(HOT_METRIC, ("hot",), *TIME, "run time", "运行时间"),
        Metric("run_ms_p50", ("hot",), *TIME, "median run time", "运行时间中位数"),
        Metric("run_ms_p95", ("hot",), *TIME, "p95 run time", "运行时间 p95"),
        Metric("run_ms_mean", ("hot",), *TIME, "mean run time", "平均运行时间"),
        Metric("compile_first_run_ms", ("cold",), *TIME, "time of compile and first run", "编译与首次运行时间"),
        Metric("planned_bytes", ("cold", "hot"), *SIZE, "planned memory", "规划内存", 1),
        Metric("physical_bytes_est", ("cold", "hot"), *SIZE, "memory planned between tasks", "任务间规划内存", 1),
        Metric("peak_rss_delta_bytes", ("hot", "cold"), *SIZE, "peak memory", "峰值内存", 2),
        Metric("compile_cache_miss_delta_first_run", ("cold",), *COUNT, "compile cache misses", "编译缓存未命中数", 1),
        Metric("generated_calls", ("cold", "hot"), *COUNT, "generated calls", "生成的调用数", 1),
        Metric("generated_kernels", ("cold", "hot"), *COUNT, "generated kernels", "生成的内核数", 1),
    )
}
DEFAULT_METRICS = (HOT_METRIC, "compile_first_run_ms", "planned_bytes", "peak_rss_delta_bytes")


def is_exact(metric: str, values: Sequence[float]) -> bool:
    """Return whether values of a metric, one a block, are one exact value."""
    known = METRICS.get(metric)
    if known is None or known.exact_from is None or len(values) < known.exact_from:
        return False
    return max(values) - min(values) <= ROUNDING
