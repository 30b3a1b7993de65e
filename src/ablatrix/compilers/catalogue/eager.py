"""PyTorch eager, the reference."""

from ablatrix.compilers.catalogue.model import CompilerEntry

EAGER = CompilerEntry(
    "eager",
    "PyTorch eager: the reference beside every block; it has no knobs.",
    ("torch",),
    "workloads",
    "ablatrix.compilers.eager:EagerCompiler",
    (),
    takes_onnx=True,
    cuda_unsupported="",
)
