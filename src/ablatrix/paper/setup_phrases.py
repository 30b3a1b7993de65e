# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on compilers with their versions, knobs and baselines: in English and in Chinese, side by side."""

from collections.abc import Mapping

SETUP: Mapping[str, tuple[str, str]] = {
    "setup/software": (
        "We evaluate {compilers}.",
        "所评测的编译器为 {compilers}。",
    ),
    "setup/software/compilers": (
        "We evaluate {compilers}, using {versions}.",
        "所评测的编译器为 {compilers}，软件环境包括 {versions}。",
    ),
    "setup/compiler_of": ("{name} ({carrier})", "{name}（{carrier}）"),
    "setup/compiler_of/called": ("{name} ({official}, {carrier})", "{name}（{official}，{carrier}）"),
    "setup/knobs": (
        "We vary {count} knobs{of}{design}: {knobs}. The level listed first is that of the baseline{but}.",
        "消融对象为{of} {count} 个开关{design}：{knobs}；各开关以首个取值为基线{but}。",
    ),
    "setup/knobs/one": (
        "We vary a single knob{of}, {knobs}; the level listed first is that of the baseline{but}.",
        "消融对象为{of}一个开关，即{knobs}，以首个取值为基线{but}。",
    ),
    "setup/many_knobs": (
        "We vary {count} knobs of {compilers}{design}{see}.",
        "消融对象为 {compilers} 的 {count} 个开关{design}{see}。",
    ),
    "setup/design/factorial": (
        " in a full factorial design",
        "（全因子设计）",
    ),
    "setup/design/factorial/each": (
        ", those of each compiler in a full factorial design",
        "（每个编译器的开关作全因子设计）",
    ),
    "setup/design/around/each": (" one at a time", "（每次只改变一个）"),
    "setup/design/around": (" one at a time", "（每次只改变一个）"),
    "setup/design/screen/each": (" in a screening", "（以筛选方式）"),
    "setup/design/screen": (" in a screening", "（以筛选方式）"),
    "setup/but": (
        ", except that {exceptions}",
        "（但{exceptions}）",
    ),
    "setup/base_of": ("{knob} is {level} in the baseline of {compilers}", "{compilers} 的基线中{knob}设为{level}"),
    "setup/knobs_own": (
        "We vary {count} knobs{design}: {knobs}{see}.",
        "消融对象为 {count} 个开关{design}：{knobs}{see}。",
    ),
    "setup/knobs_with": ("with {compiler}, {knobs}", "{compiler} 的{knobs}"),
    "setup/knob": ("{knob} ({levels})", "{knob}（{levels}）"),
    "setup/knobs_alike": ("{knob} (each {levels})", "{knob}（均为{levels}）"),
    "setup/address_and": ("{address}; {levels}", "{address}；{levels}"),
    "levels_in/table": ("; Table {number} lists their levels", "；各取值见表 {number}"),
    "setup/hosts": (
        "The trials ran on {count} hosts of one kind; every block is of one host and contains the baseline, so that "
        "configurations are compared within a host only. {outcome}",
        "试验在 {count} 台同类主机上进行；每个区组都在同一台主机上完成，并包含基线，"
        "因此只在同一主机内比较配置。{outcome}",
    ),
    "hosts/alike": ("No effect differs significantly between hosts.", "各主机间的效应均无显著差异。"),
    "hosts/differ": (
        "Between hosts, the effects of {knobs} differ significantly.",
        "{knobs}的效应在各主机间有显著差异。",
    ),
    "hosts/untested": (
        "With one block on each host, whether effects differ between hosts cannot be tested.",
        "每台主机只有一个区组，无法检验各主机间的效应是否不同。",
    ),
    "protocol/hosts": (
        "Configurations are compared only within a block, where their measurements alternate. Ratios are geometric "
        "means over hosts, each of which weighs the same, with {confidence}% confidence intervals (CIs) from Student's "
        "t-distribution over hosts.",
        "不同配置只在同一区组内比较，区组内各配置的测量交替进行。比值取各主机的几何平均（各主机权重相同），其 "
        "{confidence}% 置信区间（CI）由主机间的 t 分布得出。",
    ),
    "setup/departures": (
        "The baseline differs from the compiler defaults in {departures}.",
        "基线在以下设置上不同于编译器的默认值：{departures}。",
    ),
    "setup/departure/switched": (
        "{knobs} (all {level}{on})",
        "{on}{knobs}（均设为{level}）",
    ),
    "setup/departure/switched/one": (
        "{knobs} ({level}{on})",
        "{on}{knobs}（设为{level}）",
    ),
    "setup/departure": (
        "{knob}{on} ({level} instead of {shipped})",
        "{on}{knob}（设为{level}，默认为{shipped}）",
    ),
    "setup/departure/on": (" with {compilers}", "{compilers} 的"),
    "setup/departure/everywhere": (" with every compiler", "所有编译器的"),
    "setup/of": (
        " of {compilers}",
        "{compilers} 的",
    ),
    "setup/knobs_of_stages": (
        "We vary {count} knobs{of}: {crossed} in a full factorial design, and {single} one at a time{centre}. The "
        "level listed first is that of the baseline{but}.",
        "消融对象为{of} {count} 个开关：对{crossed}作全因子实验；{centre}逐个改变{single}。各开关以首个取值为基线"
        "{but}。",
    ),
    "setup/starting_from": (
        ", starting from {centre}",
        "以{centre}为起点，",
    ),
    "setup/departures/one": (
        "The baseline differs from the compiler defaults only in {departures}.",
        "基线仅在一项设置上不同于编译器的默认值：{departures}。",
    ),
    "setup/departure/switched/two": (
        "{knobs} (both {level}{on})",
        "{on}{knobs}（均设为{level}）",
    ),
}
"""Phrase -> English and Chinese."""
