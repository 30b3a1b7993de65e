# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on how precise and how fair a comparison is, and what few blocks leave open: in English and in Chinese."""

from collections.abc import Mapping

PRECISION: Mapping[str, tuple[str, str]] = {
    "share_taken": ("{part} takes {share}% of this time", "{part}（{share}%）"),
    "share_taken/too": ("{part} {share}%", "{part}（{share}%）"),
    "half_width": ("{width} for the {metric}", "{metric}的置信区间最宽时为 {width}"),
    "half_width/percent": ("±{width}%", "±{width}%"),
    "half_width/factor": ("a factor of {width} either way", "估计值乘以或除以 {width}"),
    "target/met": (
        ". Hot blocks were added until every such interval for the {metric} was within ±{target}%",
        "；热运行区组逐个增加，直至各单个开关效应的{metric}区间半宽均不超过 {target}%",
    ),
    "target/missed": (
        ". Hot blocks were to be added until every such interval for the {metric} was within ±{target}%; this target "
        "was missed",
        "；按设计应逐个增加热运行区组，直至各单个开关效应的{metric}区间半宽均不超过 {target}%，但这一目标未能达到",
    ),
    "target/missed/blocks": (
        ". Hot blocks were to be added until every such interval for the {metric} was within ±{target}%; this target "
        "was missed, as no more than {blocks} blocks were allowed",
        "；按设计应逐个增加热运行区组，直至各单个开关效应的{metric}区间半宽均不超过 {target}%，"
        "但因区组数上限为 {blocks}，这一目标未能达到",
    ),
    "reach/percent": ("±{reach}%", "±{reach}%"),
    "reach/factor": ("a factor of {reach}", "{reach} 倍"),
    "cache_misses": (
        "A program is cut into one or more tasks, which are compiled separately; a cache miss is a task that is not "
        "found in the compile cache.{medians}{agreed}",
        "每个程序划分为一个或多个任务，各任务分别编译；缓存未命中数指在编译缓存中找不到、因而须重新编译的任务数。{medians}{agreed}",
    ),
    "misses_at/whole": ("{misses} if the program is compiled as a whole", "在整个程序一并编译时是 {misses}"),
    "misses_at/regions": ("{misses} if it is partitioned per block", "在逐块划分时是 {misses}"),
    "control_holds": (
        "shows no significant difference after Holm correction for any of the {units} (the interval that reaches "
        "farthest from equality is that of {place}: ratio {ratio}{before})",
        "在 {units}上与基线均无显著差异（经 Holm 校正；区间端点离相等最远的是 {place}，比值为 {ratio}{before}）",
    ),
    "control_before": (", uncorrected", "，未校正"),
    "control_holds/wide": (
        "shows no significant difference for any of the {units}, but with {blocks} blocks each it could have revealed "
        "only large ones (the widest interval is that of {place}: ratio {ratio})",
        "在 {units}上与基线均无显著差异，但每处只有 {blocks} 个区组，仅能发现较大的差异（区间最宽的是 {place}，"
        "比值为 {ratio}）",
    ),
    "control_holds_on": (
        "shows no significant difference on {place} (ratio {ratio})",
        "在 {place} 上与基线无显著差异（比值为 {ratio}）",
    ),
    "control_holds_on/level": (
        "shows no difference on {place} that is significant at the {level}% level (ratio {ratio})",
        "在 {place} 上与基线无显著差异（显著性水平为 {level}%，比值为 {ratio}）",
    ),
    "many_units": ("{count} workloads", "{count} 个负载"),
    "many_compilers": ("{count} compilers", "{count} 个编译器"),
    "many_pairs": ("{count} combinations of workload and compiler", "{count} 个负载与编译器组合"),
    "near_zero": (" (on values close to zero)", "（出现在接近零的值上）"),
    "worst": (
        "{absolute} in absolute and {relative} in relative terms{near_zero}",
        "输出的绝对误差不超过 {absolute}，相对误差不超过 {relative}{near_zero}",
    ),
    "rms_limit": (" (up to {factor} times are tolerated)", "（允许值为 {factor} 倍）"),
    "rms_limit/over_eager": (
        ". We tolerate up to {factor} times the reference, which amounts to at most {most} times the RMS error of "
        "unperturbed eager execution",
        "（允许值为基准值的 {factor} 倍，最宽时相当于未扰动的 eager 模式均方根误差的 {most} 倍）",
    ),
    "allowed_over_eager": (
        "; the tolerance is at most {most} times the RMS error of unperturbed eager execution",
        "（容差至多为未扰动的 eager 模式均方根误差的 {most} 倍）",
    ),
    "worst_element": (
        " No single element is off by more than {worst} times the largest error of eager execution on elements of "
        "similar sensitivity to rounding.",
        "逐元素来看，误差不超过 eager 模式在舍入敏感度相近的元素上最大误差的 {worst} 倍。",
    ),
    "metric/planned_bytes/explained": (
        "planned memory (buffers between tasks plus the largest temporaries planned within a task)",
        "规划内存（任务间缓冲区与单个任务内最大的规划临时存储之和）",
    ),
    "metric/physical_bytes_est/explained": (
        "memory planned between tasks (for values that one task hands to another)",
        "任务间规划内存（用于任务之间传递的值）",
    ),
    "metric/generated_calls/explained": (
        "number of calls to generated kernels in one run",
        "单次运行中对生成内核的调用次数",
    ),
    "metric/generated_kernels/explained": (
        "number of generated kernels (distinct ones in the compiled code)",
        "生成的内核数（编译后代码中互不相同的内核个数）",
    ),
}
"""Phrase -> English and Chinese."""
