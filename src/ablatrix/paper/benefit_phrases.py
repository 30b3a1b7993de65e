# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on compilers beside each other, and on what few blocks leave open: in English and in Chinese."""

from collections.abc import Mapping

BENEFIT: Mapping[str, tuple[str, str]] = {
    "full/first": (
        "The full configuration, which moves every knob of the factorial stage away from its baseline level,",
        "完整配置（析因阶段的所有开关均取非基线值）",
    ),
    "full/of_all": ("the full configuration ({moves})", "采用{moves}的完整配置"),
    "full/of_each": (
        "the full configuration of each compiler, which moves every knob away from its baseline level",
        "各编译器的完整配置（所有开关均取非基线值）",
    ),
    "full/of_each/first": (
        "the full configuration of each compiler, which moves every knob of the factorial stage away from its baseline "
        "level",
        "各编译器的完整配置（析因阶段的所有开关均取非基线值）",
    ),
    "whole/compilers": (
        "With {full}, the {metric}{over} is {changes}{see}.",
        "{over}与基线相比，{full}的{metric}变化如下：{changes}{see}。",
    ),
    "whole/compilers/unclear": (
        "With {full}, the {metric}{over} does not change significantly with any compiler (CIs within {reach}){see}.",
        "{over}{full}的{metric}在任何编译器上均无显著变化（CI 在 {reach} 以内）{see}。",
    ),
    "within": (" (CI within {reach})", "（CI 在 {reach} 以内）"),
    "with/less/ci": ("{amount} lower with {compiler} ({ci})", "{compiler} 减少 {amount}（{ci}）"),
    "with/more/ci": ("{amount} higher with {compiler} ({ci})", "{compiler} 增加 {amount}（{ci}）"),
    "with/times": ("{value} times that of the baseline with {compiler}", "{compiler} 为基线的 {value} 倍"),
    "with/times/ci": (
        "{value} times that of the baseline with {compiler} ({ci})",
        "{compiler} 为基线的 {value} 倍（{ci}）",
    ),
    "with/unclear/one": (
        "not significantly different with {compiler} (CI within {reach})",
        "{compiler} 无显著变化（CI 在 {reach} 以内）",
    ),
    "with/unclear": (
        "not significantly different with {compiler} (CIs within {reach})",
        "{compiler} 无显著变化（CI 在 {reach} 以内）",
    ),
    "eager/compilers/one": (
        "Over {eager}, the fastest configuration of each compiler achieves a speedup of {ratios}{over}{wins}.",
        "{over}各编译器的最快配置相对于{eager}的加速比如下：{ratios}{wins}。",
    ),
    "compared/all": ("; {wins} of the {workloads} workloads", "；在全部 {workloads} 个负载中，{wins}"),
    "shares/compilers": (
        "In terms of Shapley values{see}, the most {metric} is saved by {knobs}{lost}.",
        "按 Shapley 值分解{see}，缩短{metric}最多的是{knobs}{lost}。",
    ),
    "share/with": ("{amount} with {compiler}", "{compiler} {amount}"),
    "share/with/ci": ("{amount} with {compiler}, {ci}", "{compiler} {amount}，{ci}"),
    "centre/baseline": ("the baseline", "基线"),
    "centre/named": ("the configuration with {moves}", "采用{moves}的配置"),
    "centre/stage": ("the central configuration of its stage", "各阶段的中心配置"),
    "changes": (
        "Of {count} changes of a single knob, each starting from {centre}, {changes}{others}.",
        "从{centre}出发单独改变一个开关，在这 {count} 项改动中，{changes}{others}。",
    ),
    "changes/only": (
        "Of {count} changes of a single knob, each starting from {centre}, only {change} has a significant effect: it "
        "{does}{over}.",
        "从{centre}出发单独改变一个开关，在这 {count} 项改动中，只有{change}有显著影响：{over}{does}。",
    ),
    "changes/none": (
        "Of {count} changes of a single knob, each starting from {centre}, none has a significant effect on the "
        "{metric} (CIs within {reach}).",
        "从{centre}出发单独改变一个开关，这 {count} 项改动均未显著影响{metric}（CI 在 {reach} 以内）。",
    ),
    "changes/untested": (
        "The {count} changes of a single knob, each starting from {centre}, have one block each, so their effects on "
        "the {metric} are not tested.",
        "从{centre}出发单独改变一个开关，这 {count} 项改动各只有一个区组，对{metric}的影响未检验。",
    ),
    "changes/again/none": (
        "None of these changes has a significant effect on the {metric} (CIs within {reach}).",
        "这些改动均未显著影响{metric}（CI 在 {reach} 以内）。",
    ),
    "interaction/none": (
        "No two knobs interact significantly (all CIs lie within {reach}), so their effects multiply.",
        "任何两个开关之间均无显著的交互作用（CI 均在 {reach} 以内），各自的效应可直接相乘。",
    ),
    "interaction/unclear": (
        "No two knobs interact significantly (all CIs lie within {reach}).",
        "任何两个开关之间均无显著的交互作用（CI 均在 {reach} 以内）。",
    ),
    "interaction/open": (
        "No interaction of two knobs is significant, but the CIs, which lie within {reach}, do not rule one out.",
        "任何两个开关之间均无显著的交互作用，但 CI（均在 {reach} 以内）不能排除交互作用的存在。",
    ),
    "nothing/none/one": (
        "the {metric} changes by no more than {margin}% with {knobs}",
        "{knobs}对{metric}的影响不超过 {margin}%",
    ),
    "nothing/unclear": (
        "the effect of {knobs} is undecided (not significant, with CIs within {reach})",
        "{knobs}是否有影响尚无法判定（效应不显著，CI 在 {reach} 以内）",
    ),
    "nothing/open": (
        "The effect of {knobs} is undecided{see}: it is not significant, with CIs within {reach}.",
        "{knobs}是否有影响尚无法判定{see}：效应不显著，CI 在 {reach} 以内。",
    ),
    "nothing/on_one": (" on a single workload", "对任一负载"),
    "nothing/all_unclear": (
        "No effect of a single knob{on} is significant{see}; with {blocks} blocks, all CIs lie within {reach}.",
        "单个开关{on}均无显著影响{see}；在 {blocks} 个区组下，CI 均在 {reach} 以内。",
    ),
    "nothing/all_open": (
        "No effect of a single knob{on} is significant{see}, but {blocks} blocks are too few to tell: some CIs include "
        "changes by {reach}.",
        "单个开关{on}均无显著影响{see}，但 {blocks} 个区组不足以作出判定：部分 CI 包含 {reach} 的变化。",
    ),
    "losses/none/one": (
        "Taken individually{averaged}, no knob increases the {metric} significantly.",
        "{averaged}没有任何单个开关使{metric}显著延长。",
    ),
    "compile/compilers/unclear": (
        "The full configuration has no significant effect on the {metric} with any compiler{see}; all CIs lie within "
        "{reach}.",
        "完整配置的{metric}在任何编译器上均无显著变化{see}；CI 均在 {reach} 以内。",
    ),
    "compile/compilers/open": (
        "The full configuration has no significant effect on the {metric} with any compiler{see}, but the CIs reach "
        "up to {reach}, which leaves large effects possible.",
        "完整配置的{metric}在任何编译器上均无显著变化，但部分 CI 包含 {reach} 的变化，不能排除较大的影响{see}。",
    ),
    "memory/compilers": (
        "With the full configuration, the {metric}{lacking} is {changes}{see}.",
        "完整配置的{metric}与基线相比{lacking}：{changes}{see}。",
    ),
    "memory/lacking": (", which is not known for {compilers},", "（{compilers} 未报告）"),
    "best_choice/workloads/faster": (
        "On {count} of the {of} workloads, some other configuration is significantly faster than the full one"
        "{example}.",
        "在 {of} 个负载中的 {count} 个上，有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/compilers/faster": (
        "In {count} of the {of} combinations of workload and compiler, some other configuration is significantly "
        "faster than the full one{example}.",
        "在 {of} 个负载与编译器组合中的 {count} 个上，有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/with": (
        "With {count} of the {of} compilers, no other configuration is significantly faster than the full one"
        "{example}.",
        "在 {of} 个编译器中的 {count} 个上，没有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/with/faster": (
        "With {count} of the {of} compilers, some other configuration is significantly faster than the full one"
        "{example}.",
        "在 {of} 个编译器中的 {count} 个上，有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/with/all": (
        "With none of the {of} compilers is any other configuration significantly faster than the full one.",
        "在全部 {of} 个编译器上，均没有其他配置显著快于完整配置。",
    ),
    "best_choice/with/none": (
        "With each of the {of} compilers, some other configuration is significantly faster than the full one{example}.",
        "在全部 {of} 个编译器上，都有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/tested/faster": (
        "In {count} of the {of} cases where the full configuration could be compared with all others, some other one "
        "is significantly faster{example}.",
        "在完整配置可与其他所有配置比较的 {of} 种情形中，有 {count} 种有其他配置显著快于它{example}。",
    ),
    "best_choice/tested/all": (
        "Wherever the full configuration could be compared with all others (cases: {of}), none of these is "
        "significantly faster.",
        "在完整配置可与其他所有配置比较的全部 {of} 种情形中，都没有其他配置显著快于它。",
    ),
    "example/only": ("; the exception is {exceptions}", "；唯一的例外是 {exceptions}"),
    "example/both": ("; the exceptions are {exceptions}", "；例外是 {exceptions}"),
    "example/item": (
        "{place} (fastest with {moves}, {below})",
        "{place}（采用{moves}时最快，{below}）",
    ),
    "example/item/baseline": ("{place} (where the baseline is fastest)", "{place}（基线最快）"),
    "example/alone": (
        "; the run time is lowest with {moves} ({below})",
        "；采用{moves}时最快（{below}）",
    ),
    "example": (
        "; {place}, for example, runs fastest with {moves} ({below})",
        "；例如，{place} 采用{moves}时最快（{below}）",
    ),
    "example/others": (
        "; of the others, {place}, for example, runs fastest with {moves} ({below})",
        "；其余情形中，以 {place} 为例，采用{moves}时最快（{below}）",
    ),
    "below": ("{amount} below the baseline", "运行时间较基线缩短 {amount}"),
    "below/ci": ("{amount} below the baseline, {ci}", "运行时间较基线缩短 {amount}，{ci}"),
    "eager/compilers": (
        "Over {eager}, the fastest configuration of each workload achieves{over} a speedup of {ratios}{wins}.",
        "{over}每个负载的最快配置相对于{eager}的加速比如下：{ratios}{wins}。",
    ),
}
"""Phrase -> English and Chinese."""
