# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on compilers beside each other, and on what few blocks leave open: in English and in Chinese."""

from collections.abc import Mapping

BENEFIT: Mapping[str, tuple[str, str]] = {
    "full/first": (
        "The full configuration, which moves every knob of the factorial stage away from its baseline level,",
        "将析因阶段的所有开关都改离基线取值的完整配置",
    ),
    "full/of_all": ("the full configuration ({moves})", "完整配置（{moves}）"),
    "full/of_each": (
        "the full configuration of each compiler, which moves every knob away from its baseline level",
        "各编译器的完整配置（所有开关都改离基线取值）",
    ),
    "full/of_each/first": (
        "the full configuration of each compiler, which moves every knob of the factorial stage away from its baseline "
        "level",
        "各编译器的完整配置（析因阶段的所有开关都改离基线取值）",
    ),
    "whole/compilers": (
        "With {full}, the {metric}{over} is {changes}{see}.",
        "{over}采用{full}后，{metric}的变化为：{changes}{see}。",
    ),
    "whole/compilers/unclear": (
        "With {full}, the {metric}{over} does not change significantly with any compiler (CIs within {reach}){see}.",
        "{over}采用{full}后，{metric}在任何编译器上都没有显著变化（CI 在 {reach} 以内）{see}。",
    ),
    "within": (" (CI within {reach})", "（CI 在 {reach} 以内）"),
    "with/less/ci": ("{amount} lower with {compiler} ({ci})", "{compiler} 降低 {amount}（{ci}）"),
    "with/more/ci": ("{amount} higher with {compiler} ({ci})", "{compiler} 升高 {amount}（{ci}）"),
    "with/times": ("{value} times that of the baseline with {compiler}", "{compiler} 为基线的 {value} 倍"),
    "with/times/ci": (
        "{value} times that of the baseline with {compiler} ({ci})",
        "{compiler} 为基线的 {value} 倍（{ci}）",
    ),
    "with/unclear/one": (
        "not significantly different with {compiler} (CI within {reach})",
        "{compiler} 没有显著变化（CI 在 {reach} 以内）",
    ),
    "with/unclear": (
        "not significantly different with {compiler} (CIs within {reach})",
        "{compiler} 没有显著变化（CI 在 {reach} 以内）",
    ),
    "eager/compilers/one": (
        "Over {eager}, the fastest configuration of each compiler achieves a speedup of {ratios}{over}{wins}.",
        "{over}各编译器的最快配置相对于{eager}的加速比为：{ratios}{wins}。",
    ),
    "compared/all": ("; {wins} of the {workloads} workloads", "；在全部 {workloads} 个负载中，{wins}"),
    "shares/compilers": (
        "In terms of Shapley values{see}, the most {metric} is saved by {knobs}{lost}.",
        "按 Shapley 值{see}，节省{metric}最多的开关为{knobs}{lost}。",
    ),
    "share/with": ("{amount} with {compiler}", "{compiler} {amount}"),
    "share/with/ci": ("{amount} with {compiler}, {ci}", "{compiler} {amount}，{ci}"),
    "centre/baseline": ("the baseline", "基线"),
    "centre/named": ("the configuration with {moves}", "采用{moves}的配置"),
    "centre/stage": ("the central configuration of its stage", "各阶段的中心配置"),
    "changes": (
        "Of {count} changes of a single knob, each starting from {centre}, {changes}{others}.",
        "从{centre}出发每次只改变一个开关，在这 {count} 项改变中，{changes}{others}。",
    ),
    "changes/only": (
        "Of {count} changes of a single knob, each starting from {centre}, only {change} has a significant effect: it "
        "{does}{over}.",
        "从{centre}出发每次只改变一个开关，在这 {count} 项改变中，只有{change}有显著影响：{over}{does}。",
    ),
    "changes/none": (
        "Of {count} changes of a single knob, each starting from {centre}, none has a significant effect on the "
        "{metric} (CIs within {reach}).",
        "从{centre}出发每次只改变一个开关，在这 {count} 项改变中，没有一项显著影响{metric}（CI 在 {reach} 以内）。",
    ),
    "changes/untested": (
        "The {count} changes of a single knob, each starting from {centre}, have one block each, so their effects on "
        "the {metric} are not tested.",
        "从{centre}出发每次只改变一个开关，这 {count} 项改变各只有一个区组，其对{metric}的影响未作检验。",
    ),
    "changes/again/none": (
        "None of these changes has a significant effect on the {metric} (CIs within {reach}).",
        "这些改变均未显著影响{metric}（CI 在 {reach} 以内）。",
    ),
    "interaction/none": (
        "No two knobs interact significantly (all CIs lie within {reach}), so their effects multiply.",
        "任何两个开关之间都没有显著的交互作用（CI 都在 {reach} 以内），其效应可直接相乘。",
    ),
    "interaction/unclear": (
        "No two knobs interact significantly (all CIs lie within {reach}).",
        "任何两个开关之间都没有显著的交互作用（CI 都在 {reach} 以内）。",
    ),
    "interaction/open": (
        "No interaction of two knobs is significant, but the CIs, which lie within {reach}, do not rule one out.",
        "任何两个开关之间都没有显著的交互作用，但 CI 宽达 {reach}，不能排除交互作用的存在。",
    ),
    "nothing/none/one": (
        "the {metric} changes by no more than {margin}% with {knobs}",
        "{knobs}对{metric}的影响不超过 {margin}%",
    ),
    "nothing/unclear": (
        "the effect of {knobs} is undecided (not significant, with CIs within {reach})",
        "{knobs}是否有影响尚不能判定（均不显著，CI 在 {reach} 以内）",
    ),
    "nothing/open": (
        "The effect of {knobs} is undecided{see}: it is not significant, with CIs within {reach}.",
        "{knobs}是否有影响尚不能判定{see}：效应均不显著，CI 在 {reach} 以内。",
    ),
    "nothing/on_one": (" on a single workload", "对任何单个负载"),
    "nothing/all_unclear": (
        "No effect of a single knob{on} is significant{see}; with {blocks} blocks, all CIs lie within {reach}.",
        "任何单个开关{on}都没有显著影响{see}；区组数为 {blocks}，CI 都在 {reach} 以内。",
    ),
    "nothing/all_open": (
        "No effect of a single knob{on} is significant{see}, but {blocks} blocks are too few to tell: the CIs reach up "
        "to {reach}.",
        "任何单个开关{on}都没有显著影响{see}，但 {blocks} 个区组不足以判定，CI 宽达 {reach}。",
    ),
    "losses/none/one": (
        "Taken individually{averaged}, no knob increases the {metric} significantly.",
        "{averaged}没有任何单个开关使{metric}显著延长。",
    ),
    "compile/compilers/unclear": (
        "The same changes have no significant effect on the {metric} with any compiler{see}; all CIs lie within "
        "{reach}.",
        "经同样的改动，{metric}在任何编译器上都没有显著变化{see}；CI 都在 {reach} 以内。",
    ),
    "compile/compilers/open": (
        "The same changes have no significant effect on the {metric} with any compiler{see}, but the CIs reach up to "
        "{reach}, which leaves large effects possible.",
        "经同样的改动，{metric}在任何编译器上都没有显著变化{see}，但 CI 宽达 {reach}，不能排除较大的影响。",
    ),
    "memory/compilers": ("The {metric}{lacking} is {changes}{see}.", "就{metric}而言{lacking}，{changes}{see}。"),
    "memory/lacking": (", which is not known for {compilers},", "（{compilers} 未给出）"),
    "best_choice/workloads/faster": (
        "On {count} of the {of} workloads, some other configuration is significantly faster than the full one"
        "{example}.",
        "在 {of} 个负载中的 {count} 个上，有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/compilers/faster": (
        "In {count} of the {of} combinations of workload and compiler, some other configuration is significantly "
        "faster than the full one{example}.",
        "在 {of} 个负载与编译器的组合中的 {count} 个上，有其他配置显著快于完整配置{example}。",
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
        "在 {of} 个编译器上，都没有其他配置显著快于完整配置。",
    ),
    "best_choice/with/none": (
        "With each of the {of} compilers, some other configuration is significantly faster than the full one{example}.",
        "在全部 {of} 个编译器上，都有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/tested/faster": (
        "In {count} of the {of} cases where the full configuration could be compared with all others, some other one "
        "is significantly faster{example}.",
        "在完整配置能够与其他各配置比较的 {of} 种情形中，有 {count} 种有其他配置显著快于它{example}。",
    ),
    "best_choice/tested/all": (
        "Wherever the full configuration could be compared with all others (cases: {of}), none of these is "
        "significantly faster.",
        "在完整配置能够与其他各配置比较的全部 {of} 种情形中，都没有其他配置显著快于它。",
    ),
    "example/only": ("; the exception is {exceptions}", "；例外的是 {exceptions}"),
    "example/both": ("; the exceptions are {exceptions}", "；例外的是 {exceptions}"),
    "example/item": (
        "{place}, which runs fastest with {moves} ({below})",
        "{place}（采用{moves}时最快，{below}）",
    ),
    "example/item/baseline": ("{place}, where the baseline is fastest", "{place}（基线最快）"),
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
        "；在其余情形中，例如 {place} 采用{moves}时最快（{below}）",
    ),
    "below": ("{amount} below the baseline", "比基线缩短 {amount}"),
    "below/ci": ("{amount} below the baseline, {ci}", "比基线缩短 {amount}，{ci}"),
    "eager/compilers": (
        "Over {eager}, the fastest configuration of each workload achieves{over} a speedup of {ratios}{wins}.",
        "{over}每个负载的最快配置相对于{eager}的加速比为：{ratios}{wins}。",
    ),
}
"""Phrase -> English and Chinese."""
