# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on what a paper omits, and why: in English and in Chinese, side by side."""

from collections.abc import Mapping

OMISSIONS: Mapping[str, tuple[str, str]] = {
    "nothing_left_out": ("Nothing was left out.", "未略去任何内容。"),
    "figure_left_out": ("figure {number}: {why}", "图 {number}：{why}"),
    "figures_in_english": (
        "figures: their words are in English, as no font with Chinese letters is installed (for example, {font})",
        "插图：图中文字为英文，因为未安装含汉字的字体（例如 {font}）",
    ),
    "figure/no_trial": ("there is no trial to draw", "没有可供绘图的试验"),
    "figure/one_miss_count": (
        "every cold trial compiles the same number of tasks, so there is nothing to plot its time against",
        "各次冷启动试验编译的任务数相同，没有可作横轴的变量",
    ),
    "figure/no_knob": ("no knob varies in it", "没有取值变化的开关"),
    "figure/no_numbers": (
        "no knob has three levels or more that are numbers",
        "没有任何开关具有三个或更多的数值取值",
    ),
    "figure/no_axes": (
        "no workload has axes along which an effect could be seen",
        "没有负载设有可供观察效应变化的参数",
    ),
    "figure/no_square": ("no three knobs were varied together", "没有三个开关被同时改变"),
    "figure/no_screening": ("no stage screens many knobs", "没有筛选多个开关的阶段"),
    "figure/no_grid": ("there are no configurations that it could compare", "没有可供该图比较的配置"),
    "figure/no_memory": (
        "no successful trial reports the memory that it shows",
        "成功的试验均未记录该图所需的内存数据",
    ),
    "sentence_left_out": ("{paragraph}, {sentence}: {reason}", "{paragraph}，{sentence}：{reason}"),
    "lacks/hot": ("no hot trial succeeded", "没有成功的热运行试验"),
    "lacks/ok": ("no trial succeeded", "没有成功的试验"),
    "lacks/cold": (
        "no cold trial of a knob's levels succeeded, or the paragraph is about cold-start times already",
        "开关的各取值均无成功的冷启动试验，或本段讨论的正是冷启动时间",
    ),
    "lacks/cold_parts": (
        "no successful cold trial reports the phases of its time",
        "成功的冷启动试验均未记录各阶段的时间",
    ),
    "lacks/interval": (
        "no main effect has a confidence interval, which takes a knob that varies and two successful blocks",
        "没有带置信区间的主效应，因为这至少需要一个取值变化的开关和两个成功的区组",
    ),
    "lacks/total": (
        "no block holds both the baseline and the full configuration as successful trials",
        "没有基线与完整配置均成功的区组",
    ),
    "lacks/shares": (
        "no block holds every configuration between the baseline and the full one, or only one knob is moved",
        "没有区组包含从基线到完整配置的所有配置，或只改变了一个开关",
    ),
    "lacks/pairs": ("no block holds every configuration of two knobs", "没有区组包含两个开关的所有组合"),
    "lacks/eager": (
        "no hot block holds both eager execution and the configuration as successful trials",
        "没有 eager 模式与该配置均成功的热运行区组",
    ),
    "lacks/best": (
        "the full configuration was not compared with the fastest one in two or more blocks",
        "完整配置与最快的配置未在两个或更多区组中比较",
    ),
    "lacks/varied": ("no knob varies", "没有取值变化的开关"),
    "lacks/knob": ("no effect of a single knob could be estimated", "没有可以估计的单个开关效应"),
    "lacks/some_effect": (
        "the effect of some knob is unknown, so no statement about all knobs is made",
        "部分开关的效应未知，因此不对全部开关下结论",
    ),
    "lacks/memory": ("no trial of a knob's levels reports its memory", "开关各取值的试验均未记录内存"),
    "lacks/versions": ("no record reports a version", "所有记录均未给出软件版本"),
    "lacks/measured": ("no trial was measured", "没有经过测量的试验"),
    "lacks/warm_up": ("no successful hot trial reports how it warmed up", "成功的热运行试验均未记录预热情况"),
    "lacks/digests": (
        "no hot trial reports the digests of what was checked and what was timed",
        "热运行试验均未记录检查与计时所用可执行文件的哈希值",
    ),
    "lacks/misses": ("no successful cold trial reports its cache misses", "成功的冷启动试验均未记录缓存未命中数"),
    "lacks/control_hot": (
        "no hot block holds both the baseline and its second copy as successful trials",
        "没有基线与基线副本均成功的热运行区组",
    ),
    "lacks/check": ("no trial was checked", "没有试验经过检查"),
    "lacks/differences": ("no successful trial reports its differences", "成功的试验均未记录输出误差"),
    "lacks/rms": ("no successful trial reports its root-mean-square error", "成功的试验均未记录均方根误差"),
}
"""Phrase -> English and Chinese."""
