"""What the compilers that are shipped are called: also in records whose design has no title of them."""

from collections.abc import Mapping
from types import MappingProxyType

from ablatrix.records.titles import Title

COMPILER_TITLES: Mapping[str, Title] = MappingProxyType(
    {
        name: MappingProxyType({"en": english, "zh": chinese})
        for name, english, chinese in (
            ("tvm", "TVM", "TVM"),
            ("inductor", "TorchInductor", "TorchInductor"),
            ("onnxruntime", "ONNX Runtime", "ONNX Runtime"),
            ("xla", "XLA", "XLA"),
            ("openvino", "OpenVINO", "OpenVINO"),
            ("eager", "eager PyTorch", "PyTorch eager 模式"),
        )
    }
)
"""Name -> language -> title."""
