"""PyTorch eager, the reference."""

from ablatrix.compilers.catalogue.model import CompilerEntry

EAGER = CompilerEntry(
    name="eager",
    summary="PyTorch eager: the reference beside every block; it has no knobs.",
    modules=("torch",),
    extra="workloads",
    adapter="ablatrix.compilers.eager:EagerCompiler",
    knobs=(),
    takes_onnx=True,
    cuda_unsupported="",
)
