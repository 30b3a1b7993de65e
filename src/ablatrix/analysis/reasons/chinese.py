# ruff: noqa: RUF001 - Chinese punctuation is meant
"""The words of `ablatrix.analysis.reasons.wording` in Chinese: the same reasons with the same facts."""

from collections.abc import Mapping

from ablatrix.analysis.reasons.absence import Cause
from ablatrix.analysis.reasons.reason import Code
from ablatrix.records.status import CHINESE as STATUSES

KINDS: Mapping[str, str] = {
    **STATUSES,
    Cause.NO_RECORD: "无记录",
    Cause.NO_BASELINE: "同一区组中的基线未成功",
    Cause.NO_VALUE: "成功但未给出正值",
}
NOT_RUN = "未运行"
IN_BLOCKS = "{blocks} 个区组中有 {count} 个{kind}"
LACK = "{absence}：{names:|}"
LACK_OF_MORE = "{absence}：{names:|} | 另有 {more} 个"
PHRASES: Mapping[Code, str] = {
    "no_whole_pair": "没有在所有区组中都完整的配置对",
    "baseline_apart": "没有同时包含它与基线的区组",
    "one_block": "只有一个区组，没有区间",
    "few_blocks": "只有 {blocks} 个区组，至少需 {least} 个",
    "not_known": "{kind} {name}：{why}",
    "too_wide": "{kind} {name}：精度为 ±{half_width:.2%}，要求 ±{margin:.2%}",
    "runs_differ": "{kind} {name}：第 {run} 次运行为第 1 次的 {ratio:.4f} 倍 [{low:.4f}, {high:.4f}]：{state}",
    "of_unit": "{compiler} 上的 {workload}（{mode}）：{why}",
    "no_trial_of_unit": "没有 {compiler} 上 {workload} 的试验；现有：{there}",
    "several_sizes": "在这些结果中，{compiler} 上的 {workload} 有 {count} 种规模",
    "no_trial_in_mode": "没有给出{metric}的 {modes:或} 模式试验",
    "no_trial": "没有与之相关的试验",
    "does_not_vary": "开关 {knob} 在 {mode} 模式下没有变化；有变化的是：{others}",
    "levels_not_named": "开关 {knob} 的取值有 {seen}；需用 levels 指明其中两个",
    "levels_not_run": "开关 {knob} 运行过的取值为 {seen}，没有 {levels:和}",
    "no_pair_in_claim": "没有运行过仅 {knob} 不同的两个配置",
    "no_configuration": "没有配置 {levels} 的试验",
    "same_configuration": "论断的两个配置相同",
    "no_block_of_both": "没有任何区组同时给出两者的 {metric}",
    "factor_beyond_bound": "比值为 {shown}，而论断为 {wanted}",
    "screened_idle": "阶段 {stage} 的不计时编译表明，开关 {knob} 不改变生成的程序",
    "screened_not_confirmed": "比值为 {shown}，仅由阶段 {stage} 筛选得出，未经确认",
    "interval_holds_bound": "{shown} 的区间包含 {bound:.4g}",
    "verdict_is_none": "比值为 {shown}，但在全部检验中的结论为：{verdict}",
    "knob_is_no_op": "开关 {knob} 从 {base_level} 到 {level} 无作用：{why}",
    "planned_without_record": "{count} 次计划的试验没有记录",
    "mode_without_record": "{count} 次计划的 {mode} 试验没有记录",
    "wrong_outputs": "{trials} 次试验中 {count} 次输出错误",
    "comparisons_missing": "缺少 {count} 次比较",
    "ok_without_check": "{count} 次成功的试验没有检查",
    "ok_ill_conditioned": "{count} 次成功的试验的输出均不能由其数值类型确定（病态）",
    "other_misses": "{trials} 次试验中 {count} 次编译的任务数不同",
    "misses_unknown": "{count} 次未报告",
    "trials_of_status": "{count} 次 {status}",
    "excluded": "{count} x {what}",
    "none_ok": "没有成功的试验",
    "one_level": "开关 {knob} 只有一个取值",
    "no_trial_of_matrix": "其配置没有 {mode} 试验",
    "not_whole": "{name}：{repeats} 个区组中 {ok} 个成功{others:()}",
    "no_block_with_baseline": "没有其与基线均成功的 {mode} 区组",
    "times_unclear": "{times:和} 时间的区间不足以判断",
    "times_equal": "两个时间均与基线无差异",
    "times_scatter": "差值过于分散，无法给出运行次数",
    "has_failures": "部分试验的结局为 {statuses}",
    "no_figure": "成功的试验均未给出 {columns}",
    "code_unstable": "同一配置的代码在各次试验之间不同",
    "only_code_differs": "代码不同，但规划与内存的各项数字均相同",
    "not_read_back": "代码相同，且没有读回其他内容",
    "no_pair_built": "没有构建过仅该开关不同的两个配置",
    "same_program": "{pairs} 对配置均为同一程序",
    "same_program_alone": "唯一的一对配置为同一程序",
    "differs_in_pairs": "{pairs} 对中 {differing} 对的 {evidence} 不同",
    "differs_on_average": "{pairs} 对的 {evidence} 平均而言不同",
    "alias": "{one} 与 {other} 为同一程序",
    "overridden": "被 {by:或} 覆盖",
    "not_built": "另有 {count} 对未构建",
    "no_op_claimed": "{compiler} 上的 {workload}：就构建内容而言，开关 {knob} 从 {base_level} 到 {level} 无作用"
    "（{pairs} 对中 {equal} 对产物相同），但 {metric} 变为原来的 {ratio:.4f} 倍 [{low:.4f}, {high:.4f}]："
    "它影响的是记录没有读回的内容，例如运行时的库（应声明该开关也影响运行时间），或者由试验的顺序引起；这不是代码的效应",
}
