"""What the workloads, knobs and levels that are shipped are called in what people read."""

from collections.abc import Mapping
from types import MappingProxyType

Title = Mapping[str, str]


def _title(english: str, chinese: str) -> Title:
    return MappingProxyType({"en": english, "zh": chinese})


KNOB_TITLES: Mapping[str, Title] = MappingProxyType(
    {
        "partition": _title("partitioning", "程序划分"),
        "reuse": _title("buffer reuse", "缓冲区复用"),
        "memory_plan": _title("memory planning", "内存规划"),
        "fusion": _title("operator fusion", "算子融合"),
        "schedule": _title("loop scheduling", "循环调度"),
        "library": _title("library kernels", "库算子"),
        "upper_bound": _title("the size bound", "尺寸上界"),
        "cache_tag": _title("the compile cache", "编译缓存"),
        "pass_timing": _title("pass timing", "遍计时"),
        "threads": _title("the number of threads", "线程数"),
        "weights": _title("the handling of weights", "权重形式"),
        "freezing": _title("weight freezing", "权重冻结"),
        "max_autotune": _title("autotuning", "自动调优"),
        "layout_optimization": _title("layout optimization", "布局优化"),
        "cpp_wrapper": _title("the C++ wrapper", "C++ 包装"),
        "graph_level": _title("graph optimization", "图优化"),
        "layout": _title("blocked layouts", "分块布局"),
        "without": _title("a disabled optimizer", "停用的优化"),
        "arena": _title("the arena allocator", "内存池分配"),
        "precision": _title("precision", "精度"),
        "denormals": _title("denormal handling", "非规格化数处理"),
        "algebra": _title("algebraic simplification", "代数化简"),
        "convolution_layout": _title("convolution layouts", "卷积布局"),
        "code_level": _title("code optimization", "代码优化级别"),
    }
)
KNOB_HEADINGS: Mapping[str, Title] = MappingProxyType(
    {
        "partition": _title("partition", "划分"),
        "reuse": _title("reuse", "复用"),
        "memory_plan": _title("memory plan", "内存规划"),
        "fusion": _title("fusion", "融合"),
        "schedule": _title("schedule", "调度"),
        "library": _title("library", "库算子"),
        "upper_bound": _title("size bound", "尺寸上界"),
        "cache_tag": _title("cache", "缓存"),
        "pass_timing": _title("pass timing", "遍计时"),
        "threads": _title("threads", "线程数"),
        "weights": _title("weights", "权重"),
        "freezing": _title("freezing", "冻结"),
        "max_autotune": _title("autotuning", "调优"),
        "layout_optimization": _title("layout opt.", "布局优化"),
        "cpp_wrapper": _title("C++ wrapper", "C++ 包装"),
        "graph_level": _title("graph level", "图优化"),
        "layout": _title("layout", "分块布局"),
        "without": _title("disabled", "停用"),
        "arena": _title("arena", "内存池"),
        "precision": _title("precision", "精度"),
        "denormals": _title("denormals", "非规格化"),
        "algebra": _title("algebra", "代数化简"),
        "convolution_layout": _title("conv. layout", "卷积布局"),
        "code_level": _title("code level", "代码优化"),
    }
)
"""Titles of the same knobs in few words: a main table has two columns a knob."""
LEVEL_TITLES: Mapping[str, Mapping[str, Title]] = MappingProxyType(
    {
        "partition": {"whole": _title("whole program", "整个程序"), "regions": _title("per block", "逐块")},
        "reuse": {"keep": _title("off", "关"), "release": _title("on", "开")},
        "weights": {"input": _title("runtime inputs", "运行时输入"), "constant": _title("constants", "常量")},
        "schedule": {"default": _title("scalar", "标量"), "vectorised": _title("vectorized", "向量化")},
    }
)
"""Levels that are not called by their names, by knob."""
SWITCH_TITLES: Mapping[str, Title] = MappingProxyType({"off": _title("off", "关"), "on": _title("on", "开")})
"""Levels of any knob that is switched."""
WORKLOAD_TITLES: Mapping[str, Title] = MappingProxyType(
    {
        "mlp": _title("MLP", "MLP"),
        "convolution": _title("ConvNet", "卷积网络"),
        "attention": _title("self-attention", "自注意力"),
        "encoder": _title("BERT", "BERT"),
        "decoder": _title("Llama", "Llama"),
        "resnet": _title("ResNet", "ResNet"),
        "bound_propagation": _title("IBP", "区间界传播"),
    }
)
