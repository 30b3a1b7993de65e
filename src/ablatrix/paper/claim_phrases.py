# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on the claims of a study: in English and in Chinese, side by side."""

from collections.abc import Mapping

CLAIMS: Mapping[str, tuple[str, str]] = {
    "claims/all": (
        "All {count} claims of the study hold{ratios}.",
        "本研究的 {count} 项论断全部成立{ratios}。",
    ),
    "claims/some": (
        "Of the {of} claims of the study, {holding} hold{ratios}.",
        "本研究的 {of} 项论断中有 {holding} 项成立{ratios}。",
    ),
    "claims/some/one": (
        "Of the {of} claims of the study, {holding} holds{ratios}.",
        "本研究的 {of} 项论断中有 {holding} 项成立{ratios}。",
    ),
    "claims/none": ("None of the {count} claims of the study holds.", "本研究的 {count} 项论断无一成立。"),
    "claims/averaging": (
        "Claims about a single knob refer to the geometric mean of its effect over all settings of the other knobs.",
        "涉及单个开关的论断均针对其主效应，即对其他开关的各取值求几何平均。",
    ),
    "claim/correct": (
        "All outputs{where} were checked and are correct ({trials} trials).",
        "{where}全部 {trials} 次试验的输出均经过检查，且全部正确。",
    ),
    "claim/cache_misses": (
        "In each of the {trials} cold trials{where}, the number of compiled tasks equals the number of distinct ones.",
        "{where}全部 {trials} 次冷启动试验所编译的任务数均等于互不相同的任务数。",
    ),
    "claim/factor/less": (
        "With {change}, the {metric} falls by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}缩减，缩减比{amounts}，符合论断（{bound}）。",
    ),
    "claim/factor/more": (
        "With {change}, the {metric} rises by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}增加，改动后与改动前之比{amounts}，符合论断（{bound}）。",
    ),
    "claim/percent/less": (
        "With {change}, the {metric} falls by {amounts} (claimed: {bound}).",
        "{change}使{metric}减少，降幅{amounts}，符合论断（{bound}）。",
    ),
    "claim/percent/more": (
        "With {change}, the {metric} rises by {amounts} (claimed: {bound}).",
        "{change}使{metric}增加，增幅{amounts}，符合论断（{bound}）。",
    ),
    "claim/percent/unclear": (
        "With {change}, the {metric} changes by {amounts}, which is not significant after Holm correction "
        "(claimed: {bound}).",
        "{change}对{metric}的影响{amounts}，经 Holm 校正后不显著，符合论断（{bound}）。",
    ),
    "claim/percent/unclear/again": (
        "With {change}, the {metric} changes by {amounts}, which is not significant after Holm correction "
        "(claimed: {bound}).",
        "{change}对{metric}的影响{amounts}，经 Holm 校正后不显著，符合论断（{bound}）。",
    ),
    "claim/factor/less/again": (
        "With {change}, the {metric} falls by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}缩减，缩减比{amounts}，符合论断（{bound}）。",
    ),
    "claim/factor/more/again": (
        "With {change}, the {metric} rises by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}增加，改动后与改动前之比{amounts}，符合论断（{bound}）。",
    ),
    "claim/percent/less/again": (
        "With {change}, the {metric} falls by {amounts} (claimed: {bound}).",
        "{change}使{metric}减少，降幅{amounts}，符合论断（{bound}）。",
    ),
    "claim/percent/more/again": (
        "With {change}, the {metric} rises by {amounts} (claimed: {bound}).",
        "{change}使{metric}增加，增幅{amounts}，符合论断（{bound}）。",
    ),
    "claim/amount": ("{value} on {place}", "在 {place} 上为 {value}"),
    "claim/holds": ("It holds that {that}.", "“{that}”这一论断成立。"),
    "claim/fails": ("The claim that {that} does not hold{measured}.", "“{that}”这一论断不成立{measured}。"),
    "claim/undecided": ("It remains undecided whether {that}{measured}.", "“{that}”这一论断尚无法判定{measured}。"),
    "claim/no_op": (
        "The claim that {that} does not hold, as the knob changes nothing in the program.",
        "“{that}”这一论断不成立，因为该开关不改变程序。",
    ),
    "claim/untested": (
        "It remains undecided whether {that}, as no trial bears on it.",
        "“{that}”这一论断尚无法判定，因为没有与之相关的试验。",
    ),
    "measured/less": (" (measured: a reduction by {amount})", "（实测减少：{amount}）"),
    "measured/more": (" (measured: an increase by {amount})", "（实测增加：{amount}）"),
    "measured/unclear": (" (measured: a change of {amount})", "（实测变化：{amount}）"),
    "that/correct": ("all outputs{where} are correct and checked", "{where}所有输出均正确且经过检查"),
    "that/cache_misses": (
        "in each cold trial{where}, the number of compiled tasks equals the number of distinct ones",
        "{where}每次冷启动试验所编译的任务数均等于互不相同的任务数",
    ),
    "that/at_least": (
        "{change} reduces the {metric}{where} by a factor of at least {bound}",
        "{change}使{where}{metric}缩减，改动前后之比至少为 {bound}",
    ),
    "that/at_most": (
        "{change} reduces the {metric}{where} by a factor of at most {bound}",
        "{change}使{where}{metric}缩减，改动前后之比至多为 {bound}",
    ),
    "that/grows": (
        "{change} increases the {metric}{where} by a factor of at least {bound}",
        "{change}使{where}{metric}增加，改动后与改动前之比至少为 {bound}",
    ),
    "that/within": (
        "{change} increases the {metric}{where} by at most {bound}",
        "{change}使{where}{metric}至多增加 {bound}",
    ),
    "bound/at_least": (
        "at least {bounds}",
        "至少为 {bounds}",
    ),
    "bound/at_most": (
        "at most {bounds}",
        "至多为 {bounds}",
    ),
    "bound/fall": (
        "a reduction by a factor of at most {bounds}",
        "缩减比至多为 {bounds}",
    ),
    "bound/rise": (
        "an increase of at most {bounds}",
        "增幅至多为 {bounds}",
    ),
    "change/moved": ("{knob} changed from {base} to {level}", "将{knob}由{base}改为{level}"),
    "change/full": ("the full configuration", "完整配置"),
    "change/against": ("{moves} instead of {against}", "以{moves}代替{against}"),
    "where/workload": (" on {name}", "{name} 的"),
    "where/compiler": (" with {name}", "{name} 上的"),
    "claim/factor/less/time": (
        "With {change}, the {metric} falls by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}缩短，加速比{amounts}，符合论断（{bound}）。",
    ),
    "claim/factor/less/time/again": (
        "With {change}, the {metric} falls by a factor of {amounts} (claimed: {bound}).",
        "{change}使{metric}缩短，加速比{amounts}，符合论断（{bound}）。",
    ),
    "bound/each": (
        "{bound}, respectively",
        "分别{bound}",
    ),
    "claims/ratios": (
        "",
        "（缩减比与加速比均指改动前后之比）",
    ),
    "percent/ci/uncorrected": (
        "{value}% ({ci}, uncorrected)",
        "{value}%（未校正的 {ci}）",
    ),
    "percent/ci/uncorrected/inner": (
        "{value}%, {ci}, uncorrected",
        "{value}%，未校正的 {ci}",
    ),
}
"""Phrase -> English and Chinese."""
