"""Prepare a workload: build, export, lower, ask the oracle. Done once for each study and kept on disk."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError
from ablatrix.records.model import WorkloadFacts
from ablatrix.records.workload import InputFacts
from ablatrix.workloads.allowance import pack, unpack
from ablatrix.workloads.built import Built
from ablatrix.workloads.capture import take
from ablatrix.workloads.capture.exporting import export
from ablatrix.workloads.capture.graph import symbols_of
from ablatrix.workloads.capture.precision import in_float64, widen
from ablatrix.workloads.casting import floating_types
from ablatrix.workloads.digest import program_digest
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.generation import Generation, expect_generation, pack_generation, unpack_generation
from ablatrix.workloads.inputs.replacing import with_inputs
from ablatrix.workloads.numeric_types import fixed_by_file
from ablatrix.workloads.operators import import_modules, needed_modules
from ablatrix.workloads.oracle import Oracle, judged_in_quanta, pool
from ablatrix.workloads.parameters import build_workload, check_parameters
from ablatrix.workloads.program import InputSet, Program
from ablatrix.workloads.program_files import load_programs, save_programs
from ablatrix.workloads.quantising import distance, in_plain_operations
from ablatrix.workloads.shipped import get_shipped

FORMAT = 3
GENERATION = "generation.pt"
PROGRAMS = ("exported", "lowered")


def prepare(
    workload: str | WorkloadEntry,
    parameters: Mapping[str, Any] | None = None,
    *,
    input_sets: int = 3,
    seed: int = 0,
    largest: Mapping[str, int] | None = None,
) -> Program:
    """Build, export and lower a workload and make its inputs and expected outputs.

    The first input set has the timed sizes; the second the smallest, the third the largest sizes of the dynamic
    dimensions, further ones random sizes between them.

    Args:
        workload: Name of one that comes with ablatrix, or the entry of any other.
        parameters: Parameters that differ from their defaults.
        input_sets: Number of input sets, at least 1.
        seed: Seed of the first input set; the next ones count up from it.
        largest: Largest size that any input set may have, by dimension, where that is below the workload's own
            bound.

    Raises:
        WorkloadError: The workload or a parameter is unknown, or the program cannot be exported.
    """
    entry = get_shipped(workload) if isinstance(workload, str) else workload
    name = entry.name
    if input_sets < 1:
        raise WorkloadError(f"workload '{name}': input_sets must be at least 1, but got {input_sets}")
    given = check_parameters(entry, parameters or {})
    built = with_inputs(name, build_workload(entry, given), entry.inputs)
    sizes = _sizes(name, built, input_sets, seed, largest or {})
    first = built.own_inputs or built.make_inputs(seed, sizes[0])
    exported = export(name, built, first) if built.exported is None else built.exported
    functional, lowered = take(exported if built.unquantised is None else in_plain_operations(exported))
    exported = functional.program
    built = _with_written(built, functional.written)
    inputs = [built.make_inputs(seed + index, one) for index, one in enumerate(sizes)]
    if built.own_inputs is not None:
        inputs[0] = built.own_inputs
    oracle = Oracle(exported, built.chain, built.reference)
    answers = [oracle.answer(one) for one in inputs]
    if built.rounding is not None:
        answers = pool(answers, built.rounding)
    answers = [judged_in_quanta(answer, built.quanta) for answer in answers] if any(built.quanta) else answers
    made = [
        InputSet(seed + index, dict(sizes[index]), one, answer.expected, answer.allowances)
        for index, (one, answer) in enumerate(zip(inputs, answers, strict=True))
    ]
    symbols = symbols_of(lowered, [built.input_dimensions.get(one, {}) for one in built.input_names])
    return Program(
        facts=_facts(entry, given, built, program_digest((exported, lowered), made, symbols)),
        exported=exported,
        lowered=lowered,
        input_sets=tuple(made),
        dynamic_bounds={symbol: built.dynamic[dimension][1] for symbol, dimension in symbols.items()},
        symbol_names=symbols,
        float_distance=_float_distance(name, built, made),
        generation=_generation(built, exported),
        modules=needed_modules((exported, lowered), entry),
    )


def _float_distance(name: str, built: Built, made: Sequence[InputSet]) -> float | None:
    """Return how far the outputs are from those of the model before it was quantised; None where it is not."""
    if built.unquantised is None:
        return None
    plain = in_float64(export(name, replace(built, module=built.unquantised), made[0].inputs))
    with torch.no_grad():
        outputs = [one for each in made for one in pytree.tree_leaves(plain(*widen(each.inputs)))]
    return distance([one for each in made for one in each.expected], outputs)


def _generation(built: Built, exported: ExportedProgram) -> Generation | None:
    if built.prompted is None:
        return None
    steps, start = built.prompted
    return expect_generation(exported, start, steps)


def _with_written(built: Built, written: Mapping[str, torch.Tensor]) -> Built:
    """Return a workload with the buffers that it writes to as further inputs, which have the same values each time."""
    if not written:
        return built

    def values() -> tuple[torch.Tensor, ...]:
        return tuple(one.clone().contiguous() for one in written.values())

    def make(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (*built.make_inputs(seed, sizes), *values())

    own = None if built.own_inputs is None else (*built.own_inputs, *values())
    return replace(built, make_inputs=make, own_inputs=own, input_names=(*built.input_names, *written))


def save_program(program: Program, directory: Path) -> None:
    """Write a program into an empty or new directory as .pt2, tensors and JSON."""
    directory.mkdir(parents=True, exist_ok=True)
    digests = save_programs(dict(zip(PROGRAMS, (program.exported, program.lowered), strict=True)), directory)
    tensors = [
        {
            "inputs": list(input_set.inputs),
            "expected": list(input_set.expected),
            "allowances": [pack(one) for one in input_set.allowances],
        }
        for input_set in program.input_sets
    ]
    torch.save(tensors, directory / "draws.pt")
    if program.generation is not None:
        torch.save(pack_generation(program.generation), directory / GENERATION)
    plain = {
        "format": FORMAT,
        "programs": digests,
        "facts": program.facts.model_dump(),
        "draws": [{"seed": input_set.seed, "sizes": dict(input_set.sizes)} for input_set in program.input_sets],
        "dynamic_bounds": dict(program.dynamic_bounds),
        "symbol_names": dict(program.symbol_names),
        "float_distance": program.float_distance,
        "modules": list(program.modules),
    }
    (directory / "program.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def load_program(directory: Path) -> Program:
    """Read a program that ``save_program`` wrote; its digest is computed again and compared.

    Raises:
        WorkloadError: The directory holds no program, one of another format, or one that was changed.
    """
    try:
        plain = json.loads((directory / "program.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkloadError(f"{directory} holds no prepared workload: {error}; prepare it again") from error
    if plain.get("format") != FORMAT:
        raise WorkloadError(
            f"{directory} holds a prepared workload of format {plain.get('format')}, this is {FORMAT}; prepare it again"
        )
    import_modules(plain["modules"])
    programs = load_programs({name: str(plain["programs"][name]) for name in PROGRAMS}, directory)
    tensors = torch.load(directory / "draws.pt", weights_only=True)
    input_sets = tuple(
        InputSet(
            one["seed"],
            one["sizes"],
            tuple(kept["inputs"]),
            tuple(kept["expected"]),
            tuple(map(unpack, kept["allowances"])),
        )
        for one, kept in zip(plain["draws"], tensors, strict=True)
    )
    facts = WorkloadFacts.model_validate(plain["facts"])
    exported, lowered = programs["exported"], programs["lowered"]
    found = program_digest((exported, lowered), input_sets, plain["symbol_names"])
    if found != facts.digest:
        raise WorkloadError(
            f"{directory}: workload '{facts.name}' has digest {found}, but {facts.digest} was written; prepare it again"
        )
    path = directory / GENERATION
    generation = unpack_generation(torch.load(path, weights_only=True)) if path.exists() else None
    return Program(
        facts,
        exported,
        lowered,
        input_sets,
        plain["dynamic_bounds"],
        plain["symbol_names"],
        plain["float_distance"],
        generation,
        tuple(plain["modules"]),
    )


def _sizes(name: str, built: Built, input_sets: int, seed: int, largest: Mapping[str, int]) -> list[dict[str, int]]:
    """Return the size of each dynamic dimension for each input set."""
    unknown = sorted(set(largest) - set(built.dynamic))
    if unknown:
        raise WorkloadError(f"workload '{name}' has no dynamic dimension {unknown}; it has: {sorted(built.dynamic)}")
    limits = {dim: (low, min(high, largest.get(dim, high))) for dim, (low, high) in built.dynamic.items()}
    for dim, (low, high) in limits.items():
        if not low <= built.timed_sizes[dim] <= high:
            raise WorkloadError(
                f"workload '{name}': smallest <= timed <= largest must hold for '{dim}', "
                f"but got {low} <= {built.timed_sizes[dim]} <= {high}"
            )
    rng = random.Random(seed)
    further = [{dim: rng.randint(*limit) for dim, limit in limits.items()} for _ in range(max(0, input_sets - 3))]
    smallest = {dim: low for dim, (low, _) in limits.items()}
    all_largest = {dim: high for dim, (_, high) in limits.items()}
    return [dict(built.timed_sizes), smallest, all_largest, *further][:input_sets]


def describe(entry: WorkloadEntry, parameters: Mapping[str, Any] | None = None) -> WorkloadFacts:
    """Return the facts of a workload without exporting it; ``digest`` is empty.

    Raises:
        WorkloadError: A parameter is unknown, or the workload cannot be built.
    """
    given = check_parameters(entry, parameters or {})
    return _facts(entry, given, with_inputs(entry.name, build_workload(entry, given), entry.inputs), "")


def _facts(entry: WorkloadEntry, parameters: Mapping[str, Any], built: Built, digest: str) -> WorkloadFacts:
    inputs = []
    made = built.make_inputs(0, built.timed_sizes)
    for one, tensor in zip(built.input_names, made, strict=True):
        dimensions = built.input_dimensions.get(one, {})
        shape = [dimensions.get(axis, size) for axis, size in enumerate(tensor.shape)]
        inputs.append(InputFacts(name=one, shape=shape, dtype=str(tensor.dtype).removeprefix("torch.")))
    return WorkloadFacts(
        name=entry.name,
        tier=entry.tier,
        source=None if entry.origin is None else entry.origin.source,
        source_digest=entry.source_digest,
        parameters=dict(parameters),
        inputs=inputs,
        dynamic={dim: list(bounds) for dim, bounds in built.dynamic.items()},
        timed_sizes=dict(built.timed_sizes),
        parameter_count=_weights(built),
        oracle="float64" if built.chain is None else "float32",
        dtype=None if fixed_by_file(entry) else floating_types(built.module, made),
        digest=digest,
        tokens=built.tokens,
    )


def _weights(built: Built) -> int:
    if built.parameter_count is not None:
        return built.parameter_count
    return sum(parameter.numel() for parameter in built.module.parameters())
