# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on effects along the axes of workloads: in English and in Chinese, side by side."""

from collections.abc import Mapping

AXES: Mapping[str, tuple[str, str]] = {
    "axes": (
        "Along the axes of the workloads{see}, {changes}.",
        "效应随负载参数的变化如下{see}：{changes}。",
    ),
    "axes/none": (
        "No effect grows, falls or changes its side significantly along {axes}{see}.",
        "没有效应随 {axes} 显著增大、减小或改变方向{see}。",
    ),
    "axis/at": (
        "{workload} ({others})",
        "{workload}（{others}）",
    ),
    "axis/ends": (
        ", from {least} at {first} to {most} at {last}",
        "（取 {first} 时为 {least}，取 {last} 时为 {most}）",
    ),
    "axis/grows/less": (
        "the saving from {knob} on {workload} grows with {axis}{ends}",
        "在 {workload} 上，{knob}的收益随 {axis} 的增大而增大{ends}",
    ),
    "axis/falls/less": (
        "the saving from {knob} on {workload} falls with {axis}{ends}",
        "在 {workload} 上，{knob}的收益随 {axis} 的增大而减小{ends}",
    ),
    "axis/grows/more": (
        "the loss from {knob} on {workload} grows with {axis}{ends}",
        "在 {workload} 上，{knob}的损失随 {axis} 的增大而增大{ends}",
    ),
    "axis/falls/more": (
        "the loss from {knob} on {workload} falls with {axis}{ends}",
        "在 {workload} 上，{knob}的损失随 {axis} 的增大而减小{ends}",
    ),
    "axis/crosses/more": (
        "{knob} on {workload} turns from a saving into a loss between {axis} {before} and {after}",
        "在 {workload} 上，{knob}的效应在 {axis} 取 {before} 与 {after} 之间由收益变为损失",
    ),
    "axis/crosses/less": (
        "{knob} on {workload} turns from a loss into a saving between {axis} {before} and {after}",
        "在 {workload} 上，{knob}的效应在 {axis} 取 {before} 与 {after} 之间由损失变为收益",
    ),
    "over/variants": (" in the geometric mean over {values}", "按 {values}的几何平均计，"),
    "over/all_variants": (
        " in the geometric mean over all workloads, first over their variants ({values})",
        "按全部负载的几何平均计（先对各变体取平均：{values}），",
    ),
    "over/values": ("{count} values of {axis}", "{axis} 的 {count} 个取值"),
    "over/values/further": ("{count} of {axis}", "{axis} 的 {count} 个取值"),
    "over/of": ("{values} of {workload}", "{workload} 在 {values}上"),
    "over/some/variants": (
        " in the geometric mean over {count} of the {workloads} variants and workloads",
        "按 {workloads} 个变体与负载中 {count} 个的几何平均计，",
    ),
    "in/some/variants": (
        " in the geometric mean over {count} of the {workloads} variants and workloads",
        "（按 {workloads} 个变体与负载中 {count} 个的几何平均计）",
    ),
}
"""Phrase -> English and Chinese."""
