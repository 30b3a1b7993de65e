# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on screenings of many knobs: in English and in Chinese, side by side."""

from collections.abc import Mapping

SCREENS: Mapping[str, tuple[str, str]] = {
    "screen": (
        "A screening of {knobs} knobs{place} finds {found} with an effect on the {metric}, at a false discovery rate "
        "of {rate}%: {largest}{more}{see}{idle}.",
        "对 {knobs} 个开关的筛选{place}以 {rate}% 的错误发现率检出 {found} 个影响{metric}的开关：{largest}{more}{see}"
        "{idle}。",
    ),
    "screen/none": (
        "A screening of {knobs} knobs{place} finds none with an effect on the {metric}, at a false discovery rate of "
        "{rate}%{see}{idle}.",
        "对 {knobs} 个开关的筛选{place}以 {rate}% 的错误发现率未检出影响{metric}的开关{see}{idle}。",
    ),
    "screen/left": (
        "Of {knobs} knobs that were left out of the full configuration{place} alone, after groups without an effect "
        "were set aside, {found} change the {metric}: {largest}{more}{see}{idle}.",
        "从全部开启的配置中先成组、再逐一去掉开关{place}：在单独去掉的 {knobs} 个开关中，{found} 个影响{metric}："
        "{largest}{more}{see}{idle}。",
    ),
    "screen/left/none": (
        "No knob or group of knobs that was left out of the full configuration{place} changes the {metric}{see}{idle}.",
        "从全部开启的配置中去掉任何一组或一个开关{place}均未影响{metric}{see}{idle}。",
    ),
    "screen/shares": (
        "Of {knobs} knobs{place}, {found} have a Shapley share of the whole change of the {metric} that differs from "
        "one, from a sample of orders and at a false discovery rate of {rate}%: {largest}{more}{see}{idle}.",
        "在 {knobs} 个开关{place}中，{found} 个对{metric}总变化的 Shapley 份额显著（由抽样的顺序得出，错误发现率 "
        "{rate}%）：{largest}{more}{see}{idle}。",
    ),
    "screen/shares/none": (
        "Of {knobs} knobs{place} none has a Shapley share of the whole change of the {metric} that differs from one, "
        "from a sample of orders and at a false discovery rate of {rate}%{see}{idle}.",
        "在 {knobs} 个开关{place}中，没有一个对{metric}总变化的 Shapley 份额显著（由抽样的顺序得出，错误发现率 "
        "{rate}%）{see}{idle}。",
    ),
    "screen/on": (" on {unit}", "（{unit}）"),
    "screen/item": (
        "{knob} (ratio {value}, {confidence}% CI {low}\N{EN DASH}{high})",
        "{knob}（比值 {value}，{confidence}% CI {low}\N{EN DASH}{high}）",
    ),
    "screen/item/alone": ("{knob} (ratio {value})", "{knob}（比值 {value}）"),
    "screen/more": (" and {count} more", "等另外 {count} 个"),
    "screen/idle": (
        "; {count} further knobs leave the program as it is",
        "；另有 {count} 个开关不改变程序",
    ),
    "screen/idle/one": (
        "; one further knob leaves the program as it is",
        "；另有一个开关不改变程序",
    ),
    "screen/confirmed": (
        "Every combination of the {count} largest was then run in blocks of its own, from which all other effects are.",
        "随后在另外的区组中运行其中最大的 {count} 个的全部组合，其他效应均来自这些区组。",
    ),
    "screen/confirmed/one": (
        "The largest was then run in blocks of its own, from which all other effects are.",
        "随后在另外的区组中运行其中最大的一个，其他效应均来自这些区组。",
    ),
}
"""Phrase -> English and Chinese."""
