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
