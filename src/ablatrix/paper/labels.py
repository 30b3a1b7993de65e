"""The words of tables and figures in each language: headings, legends and axes that no template gives."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    "eager": ("eager", "eager"),
    "alone": ("each alone", "单独开启"),
    "without": ("all but", "仅关闭"),
    "over_eager": ("over eager", "相对 eager"),
    "geometric_mean": ("geometric mean", "几何平均"),
    "on_compiler": ("on {compiler}", "{compiler}"),
    "knob_levels": (
        "Knobs, from the baseline's level to the one that counts as on: {moves}.",
        "各开关由基线取值到“开启”取值：{moves}。",
    ),
    "same_program": (
        "=: the same program as the baseline, so no speed-up is claimed.",
        "=：与基线为同一程序，不报告加速比。",
    ),
    "no_row": (
        "No row: the records hold nothing that this table is made of.",
        "无数据行：记录中没有可列入本表的内容。",
    ),
    "mean_of": ("mean over {count} of {of} workloads", "{of} 个负载中 {count} 个的平均"),
    "continued": ("continued", "续"),
    "further_page": (", continued ({page} of {pages}).", "（续，第 {page} 页，共 {pages} 页）。"),
    "table": ("Table", "表"),
    "not_in_any_row": ("Not in any row: {what}.", "未列入任何一行：{what}。"),
    "not_attributable": (
        "Not attributable: {workload} on {compiler}: {why}.",
        "无法归因：{compiler} 上的 {workload}：{why}。",
    ),
    "further_reasons": (
        "Not attributable for {count} further reasons; see the effects.",
        "另有 {count} 个无法归因的原因，见效应表。",
    ),
    # Set-up table
    "fact": ("what", "项目"),
    "value": ("value", "内容"),
    "processor": ("Processor", "处理器"),
    "cores_of": ("{cpu}, {cores} cores", "{cpu}，{cores} 核"),
    "gpu": ("GPU", "GPU"),
    "memory": ("Memory", "内存"),
    "system": ("System", "系统"),
    "in_container": ("in a container ({container})", "容器内（{container}）"),
    "frequency": ("Frequency", "频率"),
    "governor": ("governor {governor}", "调频策略 {governor}"),
    "turbo": ("turbo {state}", "睿频 {state}"),
    "smt": ("SMT {state}", "超线程 {state}"),
    "on": ("on", "开"),
    "off": ("off", "关"),
    "versions": ("Versions", "软件版本"),
    "threads": ("Threads", "线程数"),
    "sizes": ("Sizes of {workload}", "{workload} 的规模"),
    "baseline_of": ("Baseline on {compiler}", "{compiler} 的基线"),
    "knob_of": ("Knob {knob}", "开关 {knob}"),
    "levels": ("levels: {levels}", "取值：{levels}"),
    "protocol": ("Repeats", "重复"),
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
    "speed_up_axis": ("speed-up over the baseline (ratio)", "相对基线的加速比"),
    "speed_up_ratio": ("speed-up (ratio)", "加速比"),
    "over_baseline": ("over the baseline", "相对基线"),
    "over_eager_axis": ("over eager", "相对 eager"),
    "cumulative": ("added one after the other", "依次累加"),
    "leave_one_out": ("all but one", "逐一关闭"),
    "by_itself": ("one by itself", "单独开启"),
    "interval": ("95 % interval", "95% 置信区间"),
    "no_op": ("no-op (same program)", "无作用（同一程序）"),
    "no_value": ("no value: failed or not run", "无数值：失败或未运行"),
    "phases_axis": ("compile + first run / baseline's (%)", "编译与首次运行时间 / 基线 (%)"),
    "memory_share": ("planned memory / baseline's (%)", "规划内存 / 基线 (%)"),
    "n_blocks": ("n = {count} blocks", "n = {count} 个区组"),
}


@dataclass(frozen=True)
class Labels:
    """The words of one language.

    Attributes:
        code: ``en`` or ``zh``.
    """

    code: str

    def __call__(self, name: str, **slots: object) -> str:
        """Return a word, with its slots filled."""
        return LABELS[name][self.code == "zh"].format(**slots)

    def heading(self, column: str) -> str:
        """Return the heading of a column that a template gives none: its name, translated where it has a word."""
        plain = column.removeprefix("knob_").removeprefix("parameter_")
        return self(column) if column in LABELS else plain
