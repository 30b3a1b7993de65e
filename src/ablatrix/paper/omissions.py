# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on what a paper omits, and why: in English and in Chinese, side by side."""

from collections.abc import Mapping

OMISSIONS: Mapping[str, tuple[str, str]] = {
    "nothing_left_out": ("Nothing was left out.", "没有略去任何内容。"),
    "figure_left_out": ("figure {number}: {why}", "图 {number}：{why}"),
    "figures_in_english": (
        "figures: their words are in English, as no font with Chinese letters is installed (for example, {font})",
        "图：图中文字为英文，因为没有安装含汉字的字体（例如 {font}）",
    ),
    "figure/no_trial": ("there is no trial to draw", "没有可绘制的试验"),
    "figure/one_miss_count": (
        "every cold trial compiles the same number of tasks, so there is nothing to plot its time against",
        "各次冷启动试验编译的任务数相同，没有可与时间对照的变量",
    ),
    "figure/no_knob": ("no knob varies in it", "其中没有变化的开关"),
    "figure/no_numbers": (
        "no knob has three levels or more that are numbers",
        "没有开关具有三个或更多数值取值",
    ),
    "figure/no_axes": (
        "no workload has axes along which an effect could be seen",
        "没有负载具有可以沿其观察效应的轴",
    ),
    "figure/no_screening": ("no stage screens many knobs", "没有筛选多个开关的阶段"),
    "figure/no_grid": ("there are no configurations that it could compare", "没有该图可以比较的配置"),
    "figure/no_memory": (
        "no successful trial reports the memory that it shows",
        "没有成功的试验给出该图所需的内存",
    ),
    "sentence_left_out": ("{paragraph}, {sentence}: {reason}", "{paragraph}，{sentence}：{reason}"),
    "lacks/hot": ("no hot trial succeeded", "没有成功的热运行试验"),
    "lacks/ok": ("no trial succeeded", "没有成功的试验"),
    "lacks/cold": (
        "no cold trial of a knob's levels succeeded, or the paragraph is about cold-start times already",
        "开关的各取值没有成功的冷启动试验，或本段讨论的就是冷启动时间",
    ),
    "lacks/cold_parts": (
        "no successful cold trial reports the phases of its time",
        "没有成功的冷启动试验给出各阶段的时间",
    ),
    "lacks/interval": (
        "no main effect has a confidence interval, which takes a knob that varies and two successful blocks",
        "没有带置信区间的主效应：这需要有变化的开关和两个成功的区组",
    ),
    "lacks/total": (
        "no block holds both the baseline and the full configuration as successful trials",
        "没有区组同时含有成功的基线与成功的完整配置",
    ),
    "lacks/shares": (
        "no block holds every configuration between the baseline and the full one, or only one knob is moved",
        "没有区组含有从基线到完整配置之间的所有配置，或只改变了一个开关",
    ),
    "lacks/pairs": ("no block holds every configuration of two knobs", "没有区组含有两个开关的所有组合"),
    "lacks/eager": (
        "no hot block holds both eager execution and the configuration as successful trials",
        "没有热运行区组同时含有成功的 eager 模式与该配置",
    ),
    "lacks/best": (
        "the full configuration was not compared with the fastest one in two or more blocks",
        "完整配置没有在两个以上的区组中与最快的配置比较",
    ),
    "lacks/varied": ("no knob varies", "没有变化的开关"),
    "lacks/knob": ("no effect of a single knob could be estimated", "没有能够估计的单个开关的效应"),
    "lacks/some_effect": (
        "the effect of some knob is unknown, so no statement about all knobs is made",
        "有开关的效应未知，因此不对全部开关下结论",
    ),
    "lacks/memory": ("no trial of a knob's levels reports its memory", "开关的各取值没有试验给出内存"),
    "lacks/versions": ("no record reports a version", "没有记录给出软件版本"),
    "lacks/measured": ("no trial was measured", "没有测量试验"),
    "lacks/warm_up": ("no successful hot trial reports how it warmed up", "没有成功的热运行试验给出预热情况"),
    "lacks/digests": (
        "no hot trial reports the digests of what was checked and what was timed",
        "没有热运行试验给出检查对象与计时对象的摘要",
    ),
    "lacks/misses": ("no successful cold trial reports its cache misses", "没有成功的冷启动试验给出缓存未命中数"),
    "lacks/control_hot": (
        "no hot block holds both the baseline and its second copy as successful trials",
        "没有热运行区组同时含有成功的基线及其副本",
    ),
    "lacks/check": ("no trial was checked", "没有试验经过检查"),
    "lacks/differences": ("no successful trial reports its differences", "没有成功的试验给出输出误差"),
    "lacks/rms": ("no successful trial reports its root-mean-square error", "没有成功的试验给出均方根误差"),
}
"""Phrase -> English and Chinese."""
