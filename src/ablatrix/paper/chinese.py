# ruff: noqa: RUF001 - Chinese punctuation is meant
"""The phrases of the paper in Chinese."""

from collections.abc import Mapping

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.paper.fragment import Language

PHRASES: Mapping[str, str] = {
    # Small parts
    "interval": "{value} [{low}, {high}]",
    "from_to": "{least} 至 {most}",
    "with_unit": "{number} {unit}",
    "on_compiler": "{compiler} 上的 {workload}",
    "knob_at": "{knob} 取 {level}",
    "ratio_at": "{place} 为 {ratio}",
    "many_places": "{count} 个负载（{least} 至 {most}）",
    "the_baseline": "基线",
    # Fairness
    "trials_and_outcomes": "本研究共有 {trials} 次试验（{machines}），已运行的试验均在独立进程中进行：其中 {ok} 次成功"
    "，{failed} 次失败{failures}，{unsupported} 次要求了编译器或机器不具备的功能{not_run}。只有成功的试验进入时间、大小"
    "与效应的统计，其余试验单独计数。",
    "machine": "{cpu}，{cores} 个核",
    "gpu": "GPU {gpu}",
    "failures": "（{failures}）",
    "not_run": "；另有 {count} 次未运行（{statuses}）",
    "of_status": "{status} {count} 次",
    "cold_scope": "冷启动时间从程序载入完毕起计，至首次运行结束为止，并使用各自的空缓存；按 {trials} 次试验中各部分占比"
    "的中位数计，它包括{shares}。加载框架、构建负载与生成输入不计入其中。{tagged}",
    "cold_tagged": "按其 cache_tag 的取值使用其他试验所填缓存的试验不计入上述占比，共 {trials} 次。",
    "share_of_part": "{part}（{share}%）",
    "part/plan_ms": "规划",
    "part/import_ms": "编译器前端",
    "part/compile_ms": "优化遍与代码生成",
    "part/link_ms": "链接",
    "part/load_ms": "加载",
    "part/run_ms_cold": "首次运行",
    "hot_scope": "热运行时间是预热之后的一次运行时间{samples}，不含编译；输入只生成一次，且不计时。同一区组内的"
    "各配置以随机顺序交错测量，并且只在区组内相互比较；热运行共有 {blocks} 个区组。",
    "samples": "（每次试验的样本数中位数为 {samples}）",
    "protocol": "比值为各区组的几何平均，区组多于一个时，其区间由区组间的学生 t 分布给出，置信水平为 {confidence}%；"
    "比值小于一表示低于基线。每个负载在每个编译器上有{modes}。",
    "blocks/cold": " {blocks} 个冷启动区组",
    "blocks/hot": " {blocks} 个热运行区组",
    "precision": "各开关主效应的最宽区间：{reached}{wanted}。",
    "half_width": "{metric} ±{width}%",
    "target": "；热运行区组的重复以 ±{target}% 为目标",
    "judgement": "若一个效应的 p 值（按 Holm 方法对该指标的所有主效应校正）不超过 {alpha}%，且大于基线两个副本之间的"
    "差异，则认定为有差异；若由双单侧检验可知其落在 ±{margin}% 以内，则认定为无影响；否则视为与无影响无法区分。",
    "warm_up_classes": "根据最初若干次迭代中的变点，在 {trials} 次热运行试验中，{classes}。",
    "warm_up/flat": "{count} 次自始平稳",
    "warm_up/warmed_up": "{count} 次在起始阶段之后变快",
    "warm_up/slowing": "{count} 次在起始阶段之后变慢",
    "warm_up/unsteady": "{count} 次到预热结束时仍在变化（unsteady）",
    "checked_is_timed": "按摘要比对，在 {trials} 次热运行试验中有 {same} 次的计时对象正是经过检查的"
    "可执行文件。{others}",
    "timed_other": "计时对象与检查对象不同、因而不进入任何统计的热运行试验有 {count} 次。",
    "cache_misses": "一次缓存未命中指一个必须重新编译的任务。{medians}{agreed}",
    "misses_median": "未命中数的中位数：{medians}。",
    "misses_at": "{place} 在 {level} 时为 {misses}",
    "misses_expected": "在 {trials} 次试验中，有 {same} 次的未命中数与规程预期一致。",
    "threads_in_force": "从各库读回的实际线程数：{threads}。",
    "threads_of": "{library}：{threads}",
    # Benefit
    "effect": "在 {compiler} 上，将 {knob} 由 {base} 改为 {level}，{metric}变为原来的下列倍数：{groups}。{mean}",
    "mean": "对 {workloads} 个负载取几何平均，倍数为 {ratio}。",
    "mean_unclear": "对 {workloads} 个负载取几何平均，倍数为 {ratio}，与一无法区分。",
    "verdict/faster": "变快：{places}",
    "verdict/slower": "变慢：{places}",
    "verdict/smaller": "变小：{places}",
    "verdict/larger": "变大：{places}",
    "verdict/fewer": "减少：{places}",
    "verdict/more": "增多：{places}",
    "verdict/no effect": "无影响（变化在 {margin}% 以内）：{places}",
    "verdict/not distinguishable": "与无影响无法区分：{places}",
    "no_op": "在 {compiler} 上，将 {knob} 由 {base} 改为 {level} 对 {places} 不起任何作用：所生成的内容完全相同，因此"
    "不主张任何效果。",
    "proven_at": "{workload}（全部 {pairs} 对配置均为同一程序）",
    "all_on": "在 {compiler} 上，由基线改为 {levels}，{metric}变为原来的下列倍数：{groups}。",
    "fastest": "对于 {workload}，{compiler} 在配置（{configuration}）下的中位时间最低：{p50} ms{against}{reference}。",
    "against_baseline": "，为基线运行时间的 {ratio} 倍",
    "against_baseline_unclear": "，为基线运行时间的 {ratio} 倍，与基线无法区分",
    "eager": "（即时执行：{p50} ms）",
    "noise_floor": "同一区组内基线的两个副本在{metric}上至多相差：{floors}（A/A）；小于此值的效应与噪声无法区分。",
    "floor_at": "{place} {spread}%",
    "arena": "{place} 各任务之间的内存池大小：{arenas}。",
    "arena_at": "{partition} 时{levels}",
    "bytes_with": "取 {level} 为 {size}",
    "estimator": "编译器的估计器对 {place} 给出：{estimates}。",
    "estimate": "规划后 {planned}、规划前 {unplanned}",
    "estimate_at": "{partition} 时{estimate}",
    # Correctness
    "comparisons": "输出与同一程序的{oracle}结果进行比较{draws}：在 {trials} 次试验中共比较 {comparisons} 次，"
    "缺失 {missing} 次，输出错误的试验 {wrong} 次，期望值有限而输出非有限的元素 {nonfinite} 个，"
    "成功但未经检查的试验 {unchecked} 次。输出错误或缺失的试验，其时间、比值与效应不进入任何统计。",
    "oracle/double": "双精度",
    "oracle/single": "未经优化的单精度（无双精度可用）",
    "oracle/both": "双精度（{workloads} 无双精度可用，为未经优化的单精度）",
    "draws": "（输入抽样 {draws} 组）",
    "worst_differences": "成功试验中的最大差异为{worst}{others}。",
    "worst": "绝对 {absolute}、相对 {relative}（期望值非零处）",
    "worst_with_others": "；计入其余试验则为{worst}",
    "tolerance": "成功试验中输出的均方根误差至多为{unit}的 {ratio} 倍{limit}。{alone}{estimated}",
    "rms_unit/eager": "同一输入上单精度即时执行的均方根误差",
    "rms_unit/floor": "同一输入上单精度即时执行的均方根误差与期望值均方根的 {floor} 倍之和",
    "rms_unit/floors": "同一输入上单精度即时执行的均方根误差与期望值均方根的一部分（各试验所取不尽相同）之和",
    "rms_limit": "（允许 {factor} 倍）",
    "rms_not_eager": "若仅与即时执行的误差相比，倍数可能更大，记录中未给出该倍数。",
    "rms_estimated": "对于 {workloads}，期望值由即时执行给出，其误差为估计值。",
    # Claims
    "claim": "{statement}（{id}）：{state}，依据 {trials} 次试验{ratio}。",
    "claim_without_trials": "{statement}（{id}）：{state}，没有试验与之相关。",
    "claim/holds": "成立",
    "claim/fails": "不成立",
    "claim/undecided": "无法判定",
    "claim/no_op": "不成立，该开关不起任何作用",
    "claim_ratio": "；改善倍数（改前/改后）为 {ratio}",
    # What is left out, and why
    "nothing_left_out": "没有略去任何内容。",
    "figure_left_out": "图 {number}：没有可绘制的试验",
    "sentence_left_out": "{paragraph}，{sentence}：{reason}",
    "lacks/hot": "没有成功的热运行试验",
    "lacks/ok": "没有成功的试验",
    "lacks/cold_parts": "没有成功且给出各部分时间的冷启动试验",
    "lacks/interval": "没有带区间的主效应：这需要有变化的开关，以及两个成功的区组",
    "lacks/warm_up": "没有成功且给出预热情况的热运行试验",
    "lacks/digests": "没有热运行试验给出检查对象与计时对象的摘要",
    "lacks/misses": "没有成功且给出缓存未命中数的冷启动试验",
    "lacks/threads": "没有试验给出实际线程数",
    "lacks/no_op": "开关“{knob}”对 {workload} 不起任何作用",
    "lacks/no_op_everywhere": "开关“{knob}”在所有运行中均不起任何作用",
    "lacks/floor_hot": "没有同时含有成功的基线及其副本的热运行区组",
    "lacks/floor_cold": "没有同时含有成功的基线及其副本的冷启动区组",
    "lacks/arena": "没有成功的试验给出两种复用水平下的内存池大小，或编译器的估计值",
    "lacks/check": "没有试验经过检查",
    "lacks/differences": "没有成功的试验给出其差异",
    "lacks/rms": "没有成功的试验给出其均方根误差",
    **{f"metric/{one.name}": one.chinese for one in METRICS.values()},
}

CHINESE = Language(
    code="zh",
    phrases=PHRASES,
    comma="、",
    last="、",
    semicolon="；",
    space="",
    latex_note="% needs XeLaTeX or LuaLaTeX with \\usepackage{ctex} (or xeCJK with a Chinese font)",
)
