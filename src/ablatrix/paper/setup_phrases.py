# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on compilers with their versions, knobs and baselines: in English and in Chinese, side by side."""

from collections.abc import Mapping

SETUP: Mapping[str, tuple[str, str]] = {
    "setup/software": ("We evaluate {compilers}.", "所评测的编译器及版本为 {compilers}。"),
    "setup/software/compilers": (
        "We evaluate {compilers}; the other software used is {versions}.",
        "所评测的编译器及版本为 {compilers}，其他软件及版本为 {versions}。",
    ),
    "setup/compiler_of": ("{name} ({carrier})", "{name}（{carrier}）"),
    "setup/compiler_of/called": ("{name} ({official}, {carrier})", "{name}（{official}，{carrier}）"),
    "setup/knobs": (
        "We vary {count} knobs of {compilers}{design}: {knobs}. The level listed first is the baseline{but}.",
        "消融对象为 {compilers} 的 {count} 个开关{design}，各开关的首个取值为基线{but}：{knobs}。",
    ),
    "setup/knobs/one": (
        "We vary a single knob of {compilers}, {knobs}, whose first level is the baseline{but}.",
        "消融对象为 {compilers} 的一个开关，即{knobs}，首个取值为基线{but}。",
    ),
    "setup/knobs_of_several": (
        "We vary {count} knobs{design}: {knobs}. The level listed first is the baseline{but}.",
        "消融对象为 {count} 个开关{design}，各开关的首个取值为基线{but}：{knobs}。",
    ),
    "setup/knobs_of_several/one": (
        "We vary a single knob, {knobs}, whose first level is the baseline{but}.",
        "消融对象为一个开关，即{knobs}，首个取值为基线{but}。",
    ),
    "setup/many_knobs": (
        "We vary {count} knobs of {compilers}{design}{see}.",
        "消融对象为 {compilers} 的 {count} 个开关{design}{see}。",
    ),
    "setup/design/factorial": (" in all combinations of their levels", "（测量所有取值组合）"),
    "setup/design/factorial/each": (
        ", those of each compiler in all combinations of their levels",
        "（对每个编译器测量其开关的所有取值组合）",
    ),
    "setup/design/around/each": (" one at a time", "（每次只改变一个）"),
    "setup/design/around": (" one at a time", "（每次只改变一个）"),
    "setup/design/screen/each": (" in a screening", "（以筛选方式）"),
    "setup/design/screen": (" in a screening", "（以筛选方式）"),
    "setup/but": (", except that {exceptions}", "（例外：{exceptions}）"),
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
    "setup/departures": (
        "The baseline departs from the compiler defaults in that {departures}.",
        "基线的以下设置与编译器的默认值不同：{departures}。",
    ),
    "setup/departure/switched": ("{knobs} are {level}{on}", "{on}{knobs}均设为{level}"),
    "setup/departure/switched/one": ("{knobs} is {level}{on}", "{on}{knobs}设为{level}"),
    "setup/departure": (
        "{knob} is {level} rather than {shipped}{on}",
        "{on}{knob}设为{level}（默认为{shipped}）",
    ),
    "setup/departure/on": (" with {compilers}", "{compilers} 的"),
    "setup/departure/everywhere": (" with every compiler", "所有编译器的"),
}
"""Phrase -> English and Chinese."""
