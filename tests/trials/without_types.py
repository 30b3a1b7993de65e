"""Compilers that lack a type: one says so, one is ended by a signal, one fails whatever it is given."""

from __future__ import annotations

import os
import signal

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.compilers.catalogue import PARTITION, CompilerEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import CompilerError


class NoHalf(EagerCompiler):
    """Refuses a program whose inputs are float16, and is ended by one whose inputs are bfloat16."""

    name = "nohalf"

    def compile(self, request: CompileRequest) -> Executable:
        dtype = str(request.program.input_sets[0].inputs[0].dtype)
        if dtype == "torch.float16":
            raise CompilerError("no rule for f16\n  in pass 3")
        if dtype == "torch.bfloat16":
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().compile(request)


class Broken(EagerCompiler):
    """Refuses every program."""

    name = "broken"

    def compile(self, request: CompileRequest) -> Executable:
        raise CompilerError("no toolchain")


def entry_of(kind: type[EagerCompiler]) -> CompilerEntry:
    """Return the entry of one of these compilers."""
    return CompilerEntry(
        name=kind.name,
        summary="Lacks a type.",
        modules=("torch",),
        extra="",
        adapter=f"tests.trials.without_types:{kind.__name__}",
        knobs=(PARTITION,),
    )
