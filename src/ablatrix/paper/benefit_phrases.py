# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on compilers beside each other, and on what few blocks leave open: in English and in Chinese."""

from collections.abc import Mapping

BENEFIT: Mapping[str, tuple[str, str]] = {
    "full/first": (
        "The full configuration, in which every knob of the factorial design is set to a non-baseline level{last},",
        "与基线相比，完整配置（因子设计中的所有开关均取非基线值{last}）",
    ),
    "full/of_all": (
        "the full configuration ({moves})",
        "采用{moves}的完整配置",
    ),
    "full/of_each": (
        "In the full configuration of a compiler, every knob is set to a non-baseline level{last}.",
        "各编译器的完整配置中，所有开关均取非基线值{last}。",
    ),
    "full/of_each/first": (
        "In the full configuration of a compiler, every knob of the factorial design is set to a non-baseline "
        "level{last}.",
        "各编译器的完整配置中，因子设计的所有开关均取非基线值{last}。",
    ),
    "whole/compilers": (
        "{over}{see}, {full} {changes}.",
        "{over}与基线相比{see}，{full}{changes}。",
    ),
    "whole/compilers/unclear": (
        "{over}{see}, {full} has no significant effect on the {metric} with any compiler ({reach}).",
        "{over}与基线相比{see}，{full}对{metric}的影响在任何编译器上均不显著（{reach}）。",
    ),
    "eager/compilers/one": (
        "Over {eager}, the fastest configuration of each compiler achieves speedups of {ratios}{wins}.",
        "各编译器的最快配置相对于{eager}的加速比如下：{ratios}{wins}。",
    ),
    "compared/all": ("; {wins} of the {workloads} workloads", "；在全部 {workloads} 个负载中，{wins}"),
    "shares/compilers": (
        "A Shapley decomposition of the change in {metric} for each compiler{see} attributes the largest "
        "reductions to {knobs}{lost}.",
        "对各编译器按 Shapley 值分解{see}，缩短{metric}最多的是{knobs}{lost}。",
    ),
    "share/with": ("{amount} with {compiler}", "{compiler} {amount}"),
    "share/with/ci": ("{amount} with {compiler}, {ci}", "{compiler} {amount}，{ci}"),
    "centre/baseline": ("the baseline", "基线"),
    "centre/named": ("the configuration with {moves}", "采用{moves}的配置"),
    "centre/stage": ("the central configuration of its stage", "各阶段的中心配置"),
    "changes": (
        "Of the {count} single-knob changes to {centre}, {changes}{others}.",
        "在从{centre}出发的 {count} 项单开关改动中，{changes}{others}。",
    ),
    "changes/only": (
        "Of the {count} single-knob changes to {centre}, only {change} has a significant effect: it {does}{over}.",
        "在从{centre}出发的 {count} 项单开关改动中，只有一项有显著影响：{over}{change}{does}。",
    ),
    "changes/none": (
        "Of the {count} single-knob changes to {centre}, none has a significant effect on the {metric} ({reach}).",
        "从{centre}出发的 {count} 项单开关改动均未显著影响{metric}（{reach}）。",
    ),
    "changes/untested": (
        "The {count} single-knob changes to {centre} have one block each, so their effects on the {metric} are "
        "not tested.",
        "从{centre}出发的 {count} 项单开关改动各只有一个区组，对{metric}的影响未检验。",
    ),
    "changes/again/none": (
        "None of these changes has a significant effect on the {metric} ({reach}).",
        "这些改动均未显著影响{metric}（{reach}）。",
    ),
    "nothing/none/one": (
        "the {metric} changes by at most {margin}% with {knobs}",
        "{knobs}对{metric}的影响不超过 {margin}%",
    ),
    "nothing/unclear": (
        " The effect of {knobs} remains undecided ({reach}).",
        "{knobs}是否有影响尚不能确定（{reach}）。",
    ),
    "nothing/open": (
        "The effect of {knobs} remains undecided{see}: it is not significant ({reach}).",
        "{knobs}是否有影响尚不能确定{see}：效应不显著（{reach}）。",
    ),
    "nothing/on_one": (
        " of any workload",
        "对任一负载的",
    ),
    "nothing/all_unclear": (
        "After Holm correction, no single knob has a significant effect on the {metric}{on}{see}; there are "
        "{blocks} blocks, with {reach}.",
        "经 Holm 校正，任一开关{on}{metric}均无显著影响{see}（共 {blocks} 个区组，{reach}）。",
    ),
    "nothing/all_open": (
        "After Holm correction, no single knob has a significant effect on the {metric}{on}{see}; with only "
        "{blocks} blocks and {reach}, however, large effects cannot be ruled out.",
        "经 Holm 校正，任一开关{on}{metric}均无显著影响{see}；但仅有 {blocks} 个区组，{reach}，不能排除较大的影响。",
    ),
    "losses/none/one": (
        "None of the single-knob effects{averaged} increases the {metric} significantly.",
        "{averaged}没有任何单个开关使{metric}显著延长。",
    ),
    "compile/compilers/unclear": (
        "The full configuration has no significant effect on the {metric} with any compiler{see} ({reach}).",
        "完整配置对{metric}的影响在任何编译器上均不显著{see}（{reach}）。",
    ),
    "compile/compilers/open": (
        "The full configuration has no significant effect on the {metric} with any compiler{see}; with {reach}, "
        "large effects cannot be ruled out.",
        "完整配置对{metric}的影响在任何编译器上均不显著{see}；但{reach}，不能排除较大的影响。",
    ),
    "memory/compilers": (
        "The full configuration {changes}{lacking}.",
        "完整配置{changes}{lacking}。",
    ),
    "memory/lacking": (
        "; it is not reported by {compilers}",
        "；{compilers} 未报告该值",
    ),
    "best_choice/workloads/faster": (
        "By Hsu's multiple comparisons with the best, some other configuration is significantly faster than "
        "the full one on {count} of the {of} workloads{example}.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在 {of} 个负载中的 {count} 个上，有其他配置显著快于完整配置"
        "{example}。",
    ),
    "best_choice/compilers/faster": (
        "By Hsu's multiple comparisons with the best within each combination of workload and compiler, some "
        "other configuration is significantly faster than the full one in {count} of the {of} "
        "combinations{example}.",
        "对每个负载与编译器组合分别采用 Hsu 的 MCB 方法（与最优者的多重比较），在 {of} 个组合中的 {count} 个上"
        "，有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/with": (
        "By Hsu's multiple comparisons with the best, no other configuration is significantly faster than the "
        "full one with {count} of the {of} compilers{example}.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在 {of} 个编译器中的 {count} 个上，没有其他配置显著快于完整"
        "配置{example}。",
    ),
    "best_choice/with/faster": (
        "By Hsu's multiple comparisons with the best, some other configuration is significantly faster than "
        "the full one with {count} of the {of} compilers{example}.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在 {of} 个编译器中的 {count} 个上，有其他配置显著快于完整配"
        "置{example}。",
    ),
    "best_choice/with/all": (
        "By Hsu's multiple comparisons with the best, no other configuration is significantly faster than the "
        "full one with any of the {of} compilers.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在全部 {of} 个编译器上均没有其他配置显著快于完整配置。",
    ),
    "best_choice/with/none": (
        "By Hsu's multiple comparisons with the best, some other configuration is significantly faster than the "
        "full one with each of the {of} compilers{example}.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在全部 {of} 个编译器上都有其他配置显著快于完整配置{example}。",
    ),
    "best_choice/tested/faster": (
        "By Hsu's multiple comparisons with the best, some other configuration is significantly faster than "
        "the full one in {count} of the {of} cases where all of them could be compared{example}.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在完整配置可与其他所有配置比较的 {of} 种情形中，有 {count} "
        "种有其他配置显著快于它{example}。",
    ),
    "best_choice/tested/all": (
        "By Hsu's multiple comparisons with the best, no other configuration is significantly faster than the "
        "full one in any of the {of} cases where all of them could be compared.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在完整配置可与其他所有配置比较的全部 {of} 种情形中，都没有其他"
        "配置显著快于它。",
    ),
    "example/only": (
        "; the exception is {exceptions}",
        "；唯一的例外是 {exceptions}",
    ),
    "example/both": (
        "; the exceptions are {exceptions}",
        "；例外是 {exceptions}",
    ),
    "example/item": (
        "{place}, where {moves} is fastest ({below})",
        "{place}（最快的是{moves}，{below}）",
    ),
    "example/item/baseline": (
        "{place}, where the baseline is fastest",
        "{place}（基线最快）",
    ),
    "example/alone": (
        "; the fastest is {moves} ({below})",
        "；最快的是{moves}（{below}）",
    ),
    "example": (
        "; among them, the run time falls most for {place}, by {gain} from the baseline to {moves}",
        "；其中运行时间相对于基线降幅最大的是 {place}，{moves}使其缩短 {gain}",
    ),
    "example/others": (
        "; among the others, the run time falls most for {place}, by {gain} from the baseline to {moves}",
        "；其余情形中，运行时间相对于基线降幅最大的是 {place}，{moves}使其缩短 {gain}",
    ),
    "below": (
        "{amount} below the baseline",
        "运行时间较基线缩短 {amount}",
    ),
    "below/ci": (
        "{amount} below the baseline, {ci}",
        "运行时间较基线缩短 {amount}，{ci}",
    ),
    "eager/compilers": (
        "With the fastest configuration for each workload, the compilers achieve speedups over {eager} of "
        "{ratios}{over}{wins}.",
        "{over}各编译器在每个负载上的最快配置相对于{eager}的加速比如下：{ratios}{wins}。",
    ),
    "full/named/first": (
        "The full configuration of the factorial design ({moves}; other knobs as in the baseline)",
        "与基线相比，采用{moves}而其他开关取基线值的配置（因子设计的完整配置，下文简称完整配置）",
    ),
    "full/of_all/first": (
        "the full configuration of the factorial design ({moves}; other knobs as in the baseline)",
        "采用{moves}而其他开关取基线值的配置（因子设计的完整配置，下文简称完整配置）",
    ),
    "with/time/less": (
        "by {amount} with {compiler}",
        "在 {compiler} 上缩短 {amount}",
    ),
    "with/time/less/ci": (
        "by {amount} with {compiler} ({ci})",
        "在 {compiler} 上缩短 {amount}（{ci}）",
    ),
    "with/time/more": (
        "by {amount} with {compiler}",
        "在 {compiler} 上延长 {amount}",
    ),
    "with/time/more/ci": (
        "by {amount} with {compiler} ({ci})",
        "在 {compiler} 上延长 {amount}（{ci}）",
    ),
    "with/size/less": (
        "by {amount} with {compiler}",
        "在 {compiler} 上减少 {amount}",
    ),
    "with/size/less/ci": (
        "by {amount} with {compiler} ({ci})",
        "在 {compiler} 上减少 {amount}（{ci}）",
    ),
    "with/size/more": (
        "by {amount} with {compiler}",
        "在 {compiler} 上增加 {amount}",
    ),
    "with/size/more/ci": (
        "by {amount} with {compiler} ({ci})",
        "在 {compiler} 上增加 {amount}（{ci}）",
    ),
    "compilers/less": (
        "reduces the {metric} {items}",
        "使{metric}{items}",
    ),
    "compilers/more": (
        "increases the {metric} {items}",
        "使{metric}{items}",
    ),
    "compilers/more/again": (
        ", but increases it {items}",
        "，但{items}",
    ),
    "compilers/none": (
        "leaves the {metric} unchanged (within ±{margin}%) with {compilers}",
        "对{metric}的影响在 {compilers} 上均不超过 {margin}%",
    ),
    "compilers/none/again": (
        "; with {compilers}, it is unchanged (within ±{margin}%)",
        "；在 {compilers} 上无影响（±{margin}% 以内）",
    ),
    "compilers/unclear": (
        "has no significant effect on the {metric} with {compilers}",
        "对{metric}的影响在 {compilers} 上不显著",
    ),
    "compilers/unclear/again": (
        "; the effect is not significant with {compilers}",
        "；在 {compilers} 上的影响不显著",
    ),
    "compilers/untested": (
        "brings the {metric} to {items} (one block, not tested)",
        "使{metric}{items}（仅一个区组，未检验）",
    ),
    "compilers/untested/again": (
        "; it brings it to {items} (one block, not tested)",
        "；{items}（仅一个区组，未检验）",
    ),
    "end_with/less": (
        "a decrease {amount} with {compiler}{ci}",
        "{compiler} 减少{amount}{ci}",
    ),
    "end_with/more": (
        "an increase {amount} with {compiler}{ci}",
        "{compiler} 增加{amount}{ci}",
    ),
    "end_with/none": (
        "no change (within ±{margin}%) with {compiler}",
        "{compiler} 无变化（±{margin}% 以内）",
    ),
    "end_with/unclear": (
        "no significant change with {compiler}",
        "{compiler} 无显著变化",
    ),
    "end_with/untested": (
        "{ratio} times the baseline with {compiler}",
        "{compiler} 为基线的 {ratio} 倍",
    ),
    "in_brackets": (
        " ({inner})",
        "（{inner}）",
    ),
    "example/item/same": (
        "{place}, where the fastest configuration is not distinguishable from the baseline",
        "{place}（最快的配置与基线无显著差异）",
    ),
    "example/items/same": (
        "{places}, where the fastest configurations are not distinguishable from the baseline",
        "{places}（最快的配置与基线均无显著差异）",
    ),
    "config_with": (
        "the configuration with only {moves}",
        "仅采用{moves}的配置",
    ),
    "full/last": (
        " ({levels} for {knobs}, respectively)",
        "（{knobs}分别取 {levels}）",
    ),
    "best_choice/tested/all/one": (
        "By Hsu's multiple comparisons with the best, no other configuration is significantly faster than the "
        "full one in the only case where all of them could be compared.",
        "按 Hsu 的 MCB 方法（与最优者的多重比较），在完整配置可与其他所有配置比较的唯一情形中，没有其他配置显著快"
        "于它。",
    ),
    "at_compiler": (
        "{amount} with {compiler}{ci}",
        "{amount}（{compiler}{ci}）",
    ),
    "after_comma": (
        " ({inner})",
        "，{inner}",
    ),
    "chosen/with": (
        "The fastest configuration of each compiler reduces the run time by between {least} and {most}{see}.",
        "各编译器的最快配置使运行时间缩短 {least}至 {most}{see}。",
    ),
    "full/it": (
        "it",
        "完整配置",
    ),
    "full/last/one": (
        " ({levels} for {knobs})",
        "（{knobs}取 {levels}）",
    ),
    "eager/compilers/ends": (
        "With the fastest configuration for each workload, speedups over {eager} range from {least} to "
        "{most}{over}{wins}.",
        "{over}各编译器在每个负载上的最快配置相对于{eager}的加速比不等，{least}，{most}{wins}。",
    ),
    "eager/compilers/one/ends": (
        "The fastest configurations achieve speedups over {eager} that range from {least} to {most}{wins}.",
        "各编译器的最快配置相对于{eager}的加速比不等，{least}，{most}{wins}。",
    ),
    "best_choice/why": (
        "; this procedure can find differences where the Holm-corrected tests of single knobs cannot, as it "
        "compares whole configurations and pools their errors",
        "；该方法直接比较各配置并合并其误差估计，因而能检出经 Holm 校正的单开关检验未能检出的差异",
    ),
    "in_brackets/uncorrected": (
        " ({inner}, uncorrected)",
        "（未校正的 {inner}）",
    ),
    "example/one": (
        "; the fastest for {place} is {moves} ({below})",
        "；{place} 上最快的是{moves}（{below}）",
    ),
}
"""Phrase -> English and Chinese."""
