# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on how precise and how fair a comparison is, and what few blocks leave open: in English and in Chinese."""

from collections.abc import Mapping

PRECISION: Mapping[str, tuple[str, str]] = {
    "share_taken": (
        "{share}% of this time is spent in {part}",
        "{part}占冷启动时间的 {share}%",
    ),
    "share_taken/too": (
        "{share}% in {part}",
        "{part}占 {share}%",
    ),
    "half_width": (
        "{width} ({metric})",
        "{metric}的{width}",
    ),
    "half_width/percent": (
        "±{width}%",
        "半宽不超过 {width}%",
    ),
    "half_width/factor": (
        "a factor of {width}",
        "上限不超过估计值的 {width} 倍",
    ),
    "target/met": (
        " This meets the preset target of ±{target}% for the {metric}.",
        "；{metric}达到了预设目标（±{target}%）",
    ),
    "target/missed": (
        " This misses the preset target of ±{target}% for the {metric}.",
        "；{metric}未达到预设目标（±{target}%）",
    ),
    "target/missed/blocks": (
        " This misses the preset target of ±{target}% for the {metric}, as the number of hot blocks was limited "
        "to {blocks}.",
        "；因热运行区组数上限为 {blocks}，{metric}未达到预设目标（±{target}%）",
    ),
    "reach/percent": (
        "CIs within ±{reach}% of no effect",
        "CI 均在 ±{reach}% 以内",
    ),
    "cache_misses": (
        "A program is cut into one or more tasks, which are compiled separately; a cache miss is a task that is "
        "not found in the compile cache.{medians}{agreed}",
        "每个程序划分为一个或多个任务，各任务分别编译；在编译缓存中找不到某一任务即为一次缓存未命中。{medians}{agreed}",
    ),
    "misses_at/whole": (
        "{misses} if the program is compiled as a whole",
        "在整个程序一并编译时为 {misses}",
    ),
    "misses_at/regions": (
        "{misses} if it is partitioned per block",
        "在逐块划分时为 {misses}",
    ),
    "control_holds": (
        "does not differ significantly from that of the baseline for any of the {units} after Holm correction; "
        "the CI reaching farthest from equality is that of {place} (ratio {ratio}{before})",
        "在 {units}上与基线均无显著差异（经 Holm 校正）；置信区间偏离基线最远的是 {place}（比值为 {ratio}{before}）",
    ),
    "control_before": (
        ", uncorrected",
        "，未校正",
    ),
    "control_holds/wide": (
        "does not differ significantly from that of the baseline for any of the {units}, but with {blocks} blocks "
        "each, only large differences could have been detected (the widest CI is that of {place}: ratio {ratio})",
        "在 {units}上与基线均无显著差异，但每处只有 {blocks} 个区组，仅能发现较大的差异（区间最宽的是 {place}，比"
        "值为 {ratio}）",
    ),
    "control_holds_on": (
        "does not differ significantly from that of the baseline on {place} (ratio {ratio})",
        "在 {place} 上与基线无显著差异（比值为 {ratio}）",
    ),
    "control_holds_on/level": (
        "does not differ from that of the baseline on {place} at the {level}% level (ratio {ratio})",
        "在 {place} 上与基线无显著差异（显著性水平为 {level}%，比值为 {ratio}）",
    ),
    "many_units": ("{count} workloads", "{count} 个负载"),
    "many_compilers": ("{count} compilers", "{count} 个编译器"),
    "many_pairs": ("{count} combinations of workload and compiler", "{count} 个负载与编译器组合"),
    "near_zero": (
        " (on values close to zero)",
        "（出现在接近零的值上）",
    ),
    "worst": (
        "{absolute} in absolute and {relative} in relative terms{near_zero}",
        "输出的绝对误差不超过 {absolute}，相对误差不超过 {relative}{near_zero}",
    ),
    "rms_limit": (
        "; the tolerance is {factor}",
        "，容差为 {factor} 倍",
    ),
    "rms_limit/over_eager": (
        "; the tolerance is {factor}, which corresponds to at most {most} times the RMS error of unperturbed "
        "eager execution",
        "，容差为 {factor} 倍（至多相当于未扰动 eager 模式均方根误差的 {most} 倍）",
    ),
    "allowed_over_eager": (
        "; the tolerance is at most {most} times the RMS error of unperturbed eager execution",
        "（容差至多为未扰动 eager 模式均方根误差的 {most} 倍）",
    ),
    "worst_element": (
        " The error of any single element is at most {worst} times the largest error of eager execution on "
        "elements of similar sensitivity to rounding.",
        "逐元素来看，误差至多为 eager 模式在舍入敏感度相近的元素上最大误差的 {worst} 倍。",
    ),
    "metric/planned_bytes/explained": (
        "planned memory (buffers between tasks plus the largest temporaries within a task)",
        "规划内存（任务间缓冲区与任务内最大临时存储之和）",
    ),
    "metric/physical_bytes_est/explained": (
        "planned memory for buffers between tasks",
        "任务间缓冲区的规划内存",
    ),
    "metric/generated_calls/explained": (
        "number of kernel calls per run",
        "单次运行的内核调用次数",
    ),
    "metric/generated_kernels/explained": (
        "number of distinct generated kernels",
        "生成的不同内核数",
    ),
    "largest_phases": (
        " Its largest phase is {phases}.",
        "按中位数计，占比最大的阶段{phases}。",
    ),
    "phase_with": (
        "{part} for {compilers}",
        "在 {compilers} 上是{part}",
    ),
    "phase_of": (
        "{compiler} ({share}%)",
        "{compiler}（{share}%）",
    ),
    "metric/planned_bytes/explained/shown": (
        "planned memory (buffers between tasks plus the largest temporaries within a task{see})",
        "规划内存（任务间缓冲区与任务内最大临时存储之和{see}）",
    ),
    "phases_and": (
        "{first}, and {rest}",
        "{first}，{rest}",
    ),
    "phase_of/first": (
        "{compiler} ({share}% of the time in the median)",
        "{compiler}（{share}%）",
    ),
    "metric/peak_rss_delta_bytes/explained": (
        "peak growth of resident memory (between binding the inputs and the end of the first run)",
        "常驻内存的峰值增量（从绑定输入到首次运行结束）",
    ),
    "reach/factor/more": (
        "CIs extending to increases by up to a factor of {reach}",
        "CI 上限最大为原来的 {reach} 倍",
    ),
    "reach/factor/less": (
        "CIs extending to reductions by up to a factor of {reach}",
        "CI 最远包含前后之比为 {reach} 的缩减",
    ),
    "interaction/small/pair": (
        "The interaction between {one} and {other} is negligible{on} ({reach}), so their effects multiply.",
        "{one}与{other}之间的交互作用{on}可以忽略（{reach}），各自的效应可直接相乘。",
    ),
    "interaction/unclear/pair": (
        "The interaction between {one} and {other} is not significant{on} ({reach}).",
        "{one}与{other}之间{on}无显著的交互作用（{reach}）。",
    ),
    "interaction/open/pair": (
        "The interaction between {one} and {other} is not significant{on}, but with {reach}, interactions of that "
        "size cannot be ruled out.",
        "{one}与{other}之间{on}无显著的交互作用，但{reach}，尚不能排除这种幅度的交互作用。",
    ),
    "interaction/small": (
        "Interactions between the crossed knobs are negligible ({reach}), so their effects multiply.",
        "因子设计中各开关之间的交互作用可以忽略（{reach}），各自的效应可直接相乘。",
    ),
    "interaction/unclear": (
        "No interaction between two of the crossed knobs is significant ({reach}).",
        "因子设计中的任何两个开关之间均无显著的交互作用（{reach}）。",
    ),
    "interaction/open": (
        "No interaction between two of the crossed knobs is significant, but with {reach}, interactions of that "
        "size cannot be ruled out.",
        "因子设计中的任何两个开关之间均无显著的交互作用，但{reach}，尚不能排除这种幅度的交互作用。",
    ),
    "with_any_compiler": (
        " with any compiler",
        "在各编译器上均",
    ),
    "ends_of_ratio": (
        "ratio: {ci}",
        "比值的 {ci}",
    ),
}
"""Phrase -> English and Chinese."""
