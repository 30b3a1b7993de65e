"""Reads XLA's text of an optimised module: what it calls, and its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ablatrix.canonical import digest_value

COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) \(.*\{$")
INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.\-]+ = (?P<rest>.*)$")
OPCODE = re.compile(r"(?:^|[\s)}\]])(?P<opcode>[a-z][a-z0-9\-]*)\(")
CALLS = re.compile(r"calls=%?(?P<name>[\w.\-]+)")
METADATA = re.compile(r", metadata=\{[^{}]*\}")
NO_WORK = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "bitcast"})
LOOPS = frozenset({"while", "conditional", "call"})
LIBRARY_OPERATIONS = frozenset({"dot", "convolution", "custom-call"})
LIBRARY_FUSION = '"kind":"__'  # of YNNPACK, XNNPACK or oneDNN: "__ynn_fusion" and the like


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its opcode, the computation that it calls, and whether a library computes it."""

    opcode: str
    calls: str | None
    library: bool


@dataclass(frozen=True, slots=True)
class Module:
    """An optimised module.

    Attributes:
        entry: What a run executes in order, without what does no work.
        computations: The instructions of each computation by name, those that do work.
        digest: SHA-256 of the text without metadata (names and lines of the source).
    """

    entry: tuple[Instruction, ...]
    computations: dict[str, tuple[Instruction, ...]]
    digest: str

    @property
    def calls(self) -> int | None:
        """Calls to kernels in a run; None where a loop or branch makes that depend on data."""
        return None if any(one.opcode in LOOPS for one in self.entry) else len(self.entry)

    @property
    def kernels(self) -> int | None:
        """Generated kernels, one for each call that no library takes; None where ``calls`` is."""
        return None if self.calls is None else sum(not one.library for one in self.entry)

    @property
    def fusions(self) -> int:
        """Calls that compute several operations at once."""
        return sum(one.calls is not None and len(self.computations[one.calls]) > 1 for one in self.entry)


def read_module(text: str) -> Module:
    """Read the text of an optimised module (``Compiled.as_text()``)."""
    stripped = METADATA.sub("", text)
    computations: dict[str, list[Instruction]] = {}
    lines: list[str] = []  # of computations alone: tables of the source's files and lines come before them
    entry = current = ""
    for line in stripped.splitlines():
        if opened := COMPUTATION.match(line):
            current = opened["name"]
            lines.append(line)
            computations[current] = []
            entry = current if opened["entry"] else entry
        elif current and (found := INSTRUCTION.match(line)):
            lines.append(line)
            instruction = _read(found["rest"])
            if instruction.opcode not in NO_WORK:
                computations[current].append(instruction)
    frozen = {name: tuple(instructions) for name, instructions in computations.items()}
    return Module(frozen[entry], frozen, digest_value(lines))


def _read(rest: str) -> Instruction:
    found = OPCODE.search(rest)
    opcode = found["opcode"] if found else ""
    called = CALLS.search(rest) if opcode == "fusion" else None
    library = opcode in LIBRARY_OPERATIONS or LIBRARY_FUSION in rest
    return Instruction(opcode, called["name"] if called else None, library)
