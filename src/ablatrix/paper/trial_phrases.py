# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on trials, their phases, warm-ups and faults: in English and in Chinese, side by side."""

from collections.abc import Mapping

TRIALS: Mapping[str, tuple[str, str]] = {
    "outcome/ok": ("{count} succeeded", "{count} 次成功"),
    "outcome/failed": ("{count} failed ({kinds})", "{count} 次失败（{kinds}）"),
    "outcome/unsupported": (
        "{count} required features that the compiler or the machine does not support",
        "{count} 次因编译器或机器不支持所需功能而记为“不支持”",
    ),
    "outcome/not_run": ("{count} did not run ({kinds})", "{count} 次未运行（{kinds}）"),
    "status/plan_error": ("planning error", "规划出错"),
    "status/compile_error": ("compile error", "编译出错"),
    "status/run_error": ("run-time error", "运行出错"),
    "status/wrong_output": ("wrong output", "输出错误"),
    "status/missing_check": ("unchecked output", "输出未经检查"),
    "status/timeout": ("timeout", "超时"),
    "status/out_of_memory": ("out of memory", "内存不足"),
    "status/crashed": ("crash", "崩溃"),
    "status/interrupted": ("interrupted", "中断"),
    "status/not_run_budget": ("time budget spent", "时间预算用尽"),
    "status/not_prepared": ("workload not prepared", "负载准备失败"),
    "status/node_lost": ("host lost", "节点丢失"),
    "status/place_failed": ("failure of the machine", "机器故障"),
    "part/plan_ms": ("planning", "规划"),
    "part/import_ms": (
        "the compiler frontend",
        "编译器前端",
    ),
    "part/compile_ms": (
        "code generation including all passes",
        "优化与代码生成",
    ),
    "part/link_ms": ("linking", "链接"),
    "part/load_ms": ("loading", "加载"),
    "part/other_ms": ("other work of the compiler", "编译器的其他工作"),
    "part/run_ms_cold": ("the first run", "首次运行"),
    "warm_up/some": (
        "{count} as {kind}",
        "{count} 次{kind}",
    ),
    "warm_up/flat": (
        "steady from the start",
        "自始平稳",
    ),
    "warm_up/warmed_up": (
        "faster after a start-up phase",
        "在启动阶段后变快",
    ),
    "warm_up/slowing": (
        "slowing down",
        "逐渐变慢",
    ),
    "warm_up/unsteady": (
        "still unsteady at the end of the warm-up",
        "在预热结束时仍未稳定",
    ),
    "fault/missing": ("{count} comparisons are missing", "缺失比较 {count} 次"),
    "fault/missing/one": ("{count} comparison is missing", "缺失比较 {count} 次"),
    "fault/wrong": ("{count} trials have a wrong output", "输出错误的试验 {count} 次"),
    "fault/wrong/one": ("{count} trial has a wrong output", "输出错误的试验 {count} 次"),
    "fault/nonfinite": (
        "{count} elements are not finite where finite ones are expected",
        "参考值有限而输出非有限的元素 {count} 个",
    ),
    "fault/nonfinite/one": (
        "{count} element is not finite where a finite one is expected",
        "参考值有限而输出非有限的元素 {count} 个",
    ),
    "fault/unchecked": ("{count} successful trials went unchecked", "成功但未经检查的试验 {count} 次"),
    "fault/unchecked/one": ("{count} successful trial went unchecked", "成功但未经检查的试验 {count} 次"),
    "outcome/unsupported/at": (
        "{count} were not supported ({settings})",
        "{count} 次不受支持（{settings}）",
    ),
    "unsupported/at": (
        "{knob} {level} with {compilers}",
        "{compilers} 不支持将{knob}设为{level}",
    ),
    "trials/kinds": (
        " ({kinds})",
        "（{kinds}）",
    ),
    "kind/cold": (
        "{count} cold trials of configurations",
        "各配置的冷启动试验 {count} 次",
    ),
    "kind/hot": (
        "{count} hot trials of configurations",
        "各配置的热运行试验 {count} 次",
    ),
    "kind/reference": (
        "{count} of {eager}",
        "{eager}的试验 {count} 次",
    ),
    "kind/twin": (
        "{count} of second copies of the baseline",
        "基线副本的试验 {count} 次",
    ),
    "part/compile_ms/apart": (
        "code generation, including all passes,",
        "优化与代码生成",
    ),
    "kind/both": (
        "{cold} cold and {hot} hot trials of configurations",
        "各配置的冷启动试验 {cold} 次、热运行试验 {hot} 次",
    ),
}
"""Phrase -> English and Chinese."""
