# ruff: noqa: RUF001 - Chinese punctuation is meant
"""The words of tables and figures in each language: headings, legends and axes that no template gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter

from ablatrix.analysis.table import NOT_FINAL, NOT_RECORDED, TIMED_OTHER
from ablatrix.records.metrics import METRICS, Language
from ablatrix.records.status import CHINESE
from ablatrix.records.titles import Titles

LABELS: Mapping[str, tuple[str, str]] = {
    # Columns of tables that a template leaves without a heading
    "workload": ("workload", "负载"),
    "compiler": ("compiler", "编译器"),
    "configuration": ("configuration", "配置"),
    "tier": ("tier", "级别"),
    "inputs": ("inputs", "输入"),
    "dynamic": ("dynamic", "动态维度"),
    "tasks": ("tasks", "任务"),
    "compilers": ("compilers", "编译器"),
    "configurations": ("configurations", "配置数"),
    "blocks": ("blocks", "区组数"),
    "trials": ("trials", "试验数"),
    "missing": ("missing", "缺失"),
    "stage": ("stage", "阶段"),
    "change": ("change", "改动"),
    # Main table
    "baseline": ("baseline", "基线"),
    "all_on": ("all on", "全部开启"),
    "eager": ("eager", "eager 模式"),
    "alone": ("each alone", "单独开启"),
    "without": ("all but", "仅关闭"),
    "baseline_over_eager": ("baseline over eager", "基线相对 eager 模式"),
    "all_over_eager": ("all on over eager", "全部开启相对 eager 模式"),
    "geometric_mean": ("geomean", "几何平均"),
    "on_compiler": ("on {compiler}", "{compiler}"),
    "knob_levels": (
        "Knobs, from the baseline's level to the one that counts as on: {moves}.",
        "各开关的基线取值与“开启”取值：{moves}。",
    ),
    "same_program": (
        "=: the same program as the baseline, so no speedup is claimed.",
        "=：程序与基线相同，故不报告加速比。",
    ),
    "no_row": (
        "No rows: the records contain no data for this table.",
        "无数据行：记录中没有可列入本表的内容。",
    ),
    "axes": ("axes", "参数"),
    "effect": ("effect", "效应"),
    "along": ("along", "参数"),
    "axis_at": ("{axis} ({others})", "{axis}（{others}）"),
    "course_grows": ("grows", "增大"),
    "course_falls": ("falls", "减小"),
    "course_crosses": ("crosses 1 {ends}", "越过 1（{ends}）"),
    "crossing": ("between {before} and {after}", "{before} 与 {after} 之间"),
    "values_of": ("{count} values of {axis}", "{axis} 的 {count} 个取值"),
    "further_values_of": ("{count} of {axis}", "{axis} 的 {count} 个取值"),
    "and": (" and ", "与"),
    "values_of_workload": ("{values} of {workload}", "{workload} 在 {values}上"),
    "mean_of_values": ("Geomean: over {over}.", "几何平均的范围：{over}。"),
    "mean_of_variants": (
        "Geomean: first over the variants of each workload ({over}), then over workloads with equal weights.",
        "几何平均：先对每个负载的各变体取平均（{over}），再对各负载等权平均。",
    ),
    "marked": ("{mark}: {why}.", "{mark}：{why}。"),
    "mean_of": ("mean over {count} of {of} workloads", "{of} 个负载中 {count} 个的平均"),
    "continued": ("{table}, continued{part}.", "续{table}{part}"),
    "further_page": (", continued ({page} of {pages}).", "（续，第 {page} 页，共 {pages} 页）。"),
    "table": ("Table", "表"),
    "titled": ("{title}.", "{title}。"),
    "not_in_any_row": ("Not included in any row: {what}.", "未列入任何一行：{what}。"),
    "not_attributable": (
        "Not attributable: {workload} on {compiler}: {why}.",
        "无法归因（{compiler} 编译的 {workload}）：{why}。",
    ),
    "further_reasons": (
        "Not attributable for {count} further reasons; see the effects.",
        "另有 {count} 条无法归因的原因，见效应表。",
    ),
    # Cells of tables
    "not_attributable_cell": ("not attributable", "无法归因"),
    "no_baseline": ("no baseline", "没有基线"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "unsteady": ("unsteady", "未稳定"),
    "tier_tiny": ("tiny", "微型"),
    "tier_medium": ("medium", "中型"),
    "tier_hard": ("hard", "大型"),
    "role_measured": ("measured", "测量"),
    "role_reference": ("reference", "参照"),
    "role_twin": ("twin", "基线副本"),
    "mode_cold": ("cold", "冷启动"),
    "mode_hot": ("hot", "热运行"),
    "proof_effective": ("differs", "不同"),
    "proof_no_op": ("no-op", "无作用"),
    "proof_aliased": ("differs in part", "部分不同"),
    "proof_unproven": ("unproven", "未证实"),
    "whole": ("total", "合计"),
    "interaction": ("{knob} × {other}", "{knob} × {other}"),
    "knob_move": ("{knob} {levels}", "{knob}（{levels}）"),
    "moved": ("{knob}: {base} → {level}", "{knob}：{base} → {level}"),
    "scalar": ("scalar", "标量"),
    "dynamic_within": ("{name} {low} to {high}, timed at {timed}", "{name} {low} 至 {high}，计时取 {timed}"),
    "distinct_tasks": ("{tasks} ({distinct} distinct)", "{tasks}（{distinct} 种）"),
    "or": ("or", "或"),
    "not_recorded": (NOT_RECORDED, "计划的试验没有任何记录（尚未运行，或记录丢失）"),
    "not_final": (NOT_FINAL, "试验没有最终的一次尝试（已中断，尚未再次运行）"),
    "timed_other": (TIMED_OTHER, "热运行试验的计时与检查使用了不同的可执行文件"),
    # Set-up table
    "fact": ("what", "项目"),
    "value": ("value", "内容"),
    "processor": ("Processor", "处理器"),
    "cores_of": ("{cpu}, {cores} cores", "{cpu}，{cores} 核"),
    "isa": ("Instruction set", "指令集"),
    "kernel": ("Linux {kernel}", "Linux {kernel}"),
    "gpu": ("GPU", "GPU"),
    "memory": ("Memory", "内存"),
    "system": ("System", "系统"),
    "in_container": ("in a container ({container})", "容器内（{container}）"),
    "frequency": ("Frequency", "频率"),
    "governor": ("governor {governor}", "调频策略：{governor}"),
    "turbo": ("turbo {state}", "睿频：{state}"),
    "smt": ("SMT {state}", "同时多线程：{state}"),
    "on": ("on", "开"),
    "off": ("off", "关"),
    "versions": ("Versions", "软件版本"),
    "threads": ("Threads", "线程数"),
    "sizes": ("Sizes of {workload}", "{workload} 的规模"),
    "float_distance": (
        "outputs {percent} % (RMS) from those before quantisation",
        "输出与量化前相差 {percent}%（均方根）",
    ),
    "baseline_of": ("Baseline on {compiler}", "{compiler} 的基线"),
    "knobs_alike": ("{count} knobs", "{count} 个开关"),
    "knob_of": ("Knob {knob}", "开关“{knob}”"),
    "knob_said": ("{words} ({name})", "{words}（{name}）"),
    "comma": (", ", "、"),
    "semicolon": ("; ", "；"),
    "same_in_rows": ("The same in all rows: {facts}.", "各行相同：{facts}。"),
    "described": ("{what}: {words}", "{what}：{words}"),
    "levels": ("levels: {levels}", "取值：{levels}"),
    "protocol": ("Repeats", "重复次数"),
    "cold_blocks": ("{count} cold blocks", "{count} 个冷启动区组"),
    "hot_blocks": ("{count} hot blocks", "{count} 个热运行区组"),
    # Memory and phases
    "planned": ("planned", "规划内存"),
    "peak": ("peak growth", "峰值增量"),
    "planned_of": ("planned memory", "规划内存"),
    "plan_ms": ("planning", "规划"),
    "import_ms": ("frontend", "前端"),
    "compile_ms": ("passes, code", "优化与代码生成"),
    "link_ms": ("linking", "链接"),
    "load_ms": ("loading", "加载"),
    "other_ms": ("other", "其他"),
    "run_ms_cold": ("first run", "首次运行"),
    "total": ("total", "合计"),
    # Figures
    "speed_up_axis": ("speedup over the baseline (ratio)", "相对基线的加速比"),
    "speed_up_ratio": ("speedup (ratio)", "加速比"),
    "over_baseline": ("over the baseline", "相对基线"),
    "over_eager_axis": ("over eager", "相对 eager 模式"),
    "cumulative": ("added one after the other", "依次累加"),
    "leave_one_out": ("all but one", "逐一关闭"),
    "by_itself": ("one by itself", "单独开启"),
    "interval": ("95% interval", "95% 置信区间"),
    "no_op": ("no-op (same program)", "无作用（程序相同）"),
    "no_value": ("no value: failed or not run", "无数值：失败或未运行"),
    "phases_axis": ("compile + first run / baseline's (%)", "编译与首次运行时间 / 基线 (%)"),
    "memory_share": ("planned memory / baseline's (%)", "规划内存 / 基线 (%)"),
    "n_block": ("n = {count} block", "n = {count} 个区组"),
    "n_hosts": ("n = {count} hosts", "n = {count} 台主机"),
    "n_blocks": ("n = {count} blocks", "n = {count} 个区组"),
    "from_to": ("{least} to {most}", "{least} 至 {most}"),
    "failed_no_effect": ("failed: no effect known", "失败：无法得出效应"),
    "unsupported": ("unsupported level", "不支持的取值"),
    "failed_or_unsupported": ("failed or unsupported", "失败或不支持"),
    "few_blocks": ("too few blocks for intervals", "区组过少，无置信区间"),
    "no_op_knob": ("no-op knob (same program)", "无作用的开关（程序相同）"),
    "open_part": ("open: some pairs failed", "空心：部分配置对失败"),
    "control": ("A/A control, 95% interval", "A/A 对照，95% 置信区间"),
    "control_fails": (
        "A/A control fails on {failed} of {count}: intervals there are wider",
        "{count} 处 A/A 对照中有 {failed} 处未通过，相应区间已加宽",
    ),
    "new_over_base": ("at new level / at base level", "新取值 / 基线取值"),
    "to_base_level": ("over base level's", "相对基线取值"),
    "level_axis": ("level of the knob", "开关取值"),
    "to_baseline": ("relative to the baseline's", "相对基线"),
    "ratio_of": ("{name}, {of} (ratio)", "{name}，{of}（比值）"),
    "less": ("less", "减少"),
    "more": ("more", "增加"),
    "together": ("all together", "全部"),
    "not_attributable_short": ("failed: not attributable", "失败：无法归因"),
    "first_levels": ("baseline's levels", "各开关取基线值"),
    "one_configuration": ("configuration", "配置"),
    "not_shown": ("not shown by marks: further knobs, {count}", "标记未表示的其他开关：{count} 个"),
    "together_less": ("less than their product", "小于两者之积"),
    "together_more": ("more than their product", "大于两者之积"),
    "crossed_axis": ("colour: factor on one knob's effect", "颜色：一个开关的效应所乘的因子"),
    "crossed_of": ("the other changed too", "另一个也改变"),
    "crossed_bold": ("bold: shown to be there", "粗体：已证实"),
    "crossed_marked": ("bold, or a dot: shown to be there", "粗体或圆点：已证实"),
    "crossed_found": ("shown to be there", "已证实"),
    "crossed_sum": ("sum of several, not told apart", "多个交互之和，无法区分"),
    "crossed_others": ("{count} further knobs: smaller", "其余 {count} 个开关：更小"),
    "others": ("{count} further changes: {low} to {high}", "其余 {count} 项改动：{low} 至 {high}"),
    "others_alike": ("{count} further changes: {low}", "其余 {count} 项改动：{low}"),
    "others_unknown": ("{count} further changes without a value", "其余 {count} 项改动无数值"),
    "largest_rows": (
        "{where}: the {shown} largest changes. {rest}.",
        "{where}：变化最大的 {shown} 项改动。{rest}。",
    ),
    "largest_columns": (
        "Columns: the {shown} knobs with the largest changes. {rest}.",
        "各列为变化最大的 {shown} 个开关。{rest}。",
    ),
    "ring": ("ring: baseline", "圆环：基线"),
    "bar_interval": ("bar: 95% interval", "竖线：95% 置信区间"),
    "failed_trials": ("{count} failed trials", "{count} 次试验失败"),
    "memory_not_told": ("memory not reported: {names}", "未报告内存：{names}"),
    "nothing_measured": ("nothing measured", "无测量值"),
    "compile_time": ("compile + first run", "编译与首次运行"),
    "run_time": ("run time", "运行时间"),
    "screen_found": ("found at a false discovery rate of 5%", "检出（错误发现率 5%）"),
    "screen_not_found": ("not found", "未检出"),
    "half_normal_axis": ("half-normal quantile", "半正态分位数"),
    "size_axis": ("absolute log ratio (%)", "对数比的绝对值 (%)"),
    "knobs_axis": ("knobs, largest first", "开关数（由大到小）"),
    "explained_axis": ("of all main effects (%)", "占全部主效应 (%)"),
    "on_compiler_of": ("{workload} on {compiler}", "{compiler} 上的 {workload}"),
    "repaid": ("pays after so many runs", "达到此数后收回成本"),
    "pays at first": ("pays up to so many runs", "达到此数前领先"),
    "pays at once": ("pays at once", "立即受益"),
    "never pays": ("never pays", "始终不受益"),
    "at most": ("pays after at most so many", "至多此数后收回成本"),
    "ahead at most": ("ahead up to at most so many", "至多领先至此数"),
    "at least": ("pays after at least so many, if ever", "若能收回，至少需此数"),
    "ahead at least": ("ahead for at least so many", "至少领先至此数"),
    "undecided": ("undecided", "无法判断"),
    "time_ratio": ("time / baseline's (ratio)", "时间 / 基线（比值）"),
    "runs_axis": ("break-even (runs)", "盈亏平衡（运行次数）"),
    "misses_axis": ("compile cache misses up to the first run (tasks)", "截至首次运行的编译缓存未命中数（任务）"),
    "cold_axis": ("compile + first run (ms)", "编译与首次运行 (ms)"),
    "no_trial_ok": ("no trial is ok", "没有成功的试验"),
    "warm_cache": ("warm cache", "热缓存"),
    "failed_count": ("{count} failed", "{count} 次失败"),
    "failed_at_edge": ("{count} failed ({unknown} at edge)", "{count} 次失败（{unknown} 次在边缘）"),
    "silent": ("{count} ok, not reported", "{count} 次成功但未报告"),
    "medians": ("medians of a workload", "各负载的中位数"),
    "few_counts": ("too few counts for a line", "未命中数过少，不画趋势线"),
    "grouped_marks": ("mark: median of trials, bar: 5 to 95%", "标记：中位数，竖线：5% 至 95%"),
    "ok_and_failed": ("n = {ok}, {failed} failed", "n = {ok}，{failed} 次失败"),
    "only_ok": ("n = {ok}", "n = {ok}"),
}


@dataclass(frozen=True)
class Labels:
    """The words of one language, and what workloads, compilers, knobs and levels are called in it.

    Here alone tables and figures get what they call a thing, so that they call it as the text does.

    Attributes:
        code: ``en`` or ``zh``.
        titles: What things are called; without a title by their names.
        of_hosts: Whether the values of the study are of several hosts, so that what repeats is a host and not a block.
    """

    code: str
    titles: Titles = field(default_factory=Titles)
    of_hosts: bool = False

    def repeats(self, count: object) -> str:
        """Return how many blocks, or hosts, are behind a mark."""
        many = "n_hosts" if self.of_hosts and str(count) != "1" else "n_block" if str(count) == "1" else "n_blocks"
        return self(many, count=count)

    def __call__(self, name: str, /, **slots: object) -> str:
        """Return a word, with its slots filled."""
        english, chinese = LABELS[name]
        return closed_up(chinese, slots) if self.code == "zh" else english.format(**slots)

    def known(self, name: str, otherwise: str) -> str:
        """Return a word without slots, or another text where there is no such word."""
        return self(name) if name in LABELS else otherwise

    @property
    def language(self) -> Language:
        """The code of the language."""
        return "zh" if self.code == "zh" else "en"

    def workload(self, name: str) -> str:
        """Return what a workload is called; in one of its sizes, where the name tells it."""
        return self.titles.workload(name, self.language)

    def compiler(self, name: str) -> str:
        """Return what a compiler is called."""
        return self.titles.compiler(name, self.language)

    def eager(self) -> str:
        """Return what the reference is called."""
        return self.compiler("eager") if "eager" in self.titles.compilers else self("eager")

    def knob(self, name: str) -> str:
        """Return what a knob is called where there is room for few words."""
        return self.titles.heading(name, self.language)

    def level(self, knob: str, level: object) -> str:
        """Return what a level of a knob is called."""
        return self.titles.level(knob, level, self.language)

    def move(self, knob: str, level: object, sign: str = "=") -> str:
        """Return a knob with one of its levels: ``fusion=on``."""
        return f"{self.knob(knob)}{sign}{self.level(knob, level)}"

    def step(self, knob: str, base: object, level: object) -> str:
        """Return a knob that goes from one level to another."""
        return self("moved", knob=self.knob(knob), base=self.level(knob, base), level=self.level(knob, level))

    def status(self, status: str) -> str:
        """Return what an ending of a trial is called; in English its name."""
        return CHINESE.get(status, status) if self.code == "zh" else status

    def metric(self, column: str, fallback: str) -> str:
        """Return what an axis calls a metric; of other columns, or in English, the text given."""
        known = METRICS.get(column)
        return known.chinese if known is not None and self.code == "zh" else fallback

    def heading(self, column: str) -> str:
        """Return the heading of a column that a template gives none: its name, or a word or a title for it."""
        if column.startswith("knob_"):
            return self.knob(column.removeprefix("knob_"))
        plain = column.removeprefix("parameter_")
        return self(column) if self.code != "en" and column in LABELS else plain


WIDE_FROM = "\u2e80"
"""The first letter that Chinese has and English has not."""
ENGLISH = Labels("en")
"""The words that data files have: in English, by names."""


def closed_up(text: str, slots: Mapping[str, object]) -> str:
    """Return a Chinese text with its slots filled: where a slot begins or ends, no space parts two Chinese letters."""
    found = ""
    for literal, slot, _, _ in Formatter().parse(text):
        for piece in (literal, "" if slot is None else str(slots[slot])):
            left, right = found.rstrip(" "), piece.lstrip(" ")
            are_wide = left[-1:] >= WIDE_FROM and right[:1] >= WIDE_FROM
            found = left + right if are_wide else found + piece
    return found
