"""What trials ran on and how, as the records and the environment say: hardware, threads, state, what was compiled."""

from collections.abc import Iterable

from ablatrix.artifact.documents.facts import Facts, size
from ablatrix.artifact.documents.markup import plain
from ablatrix.records.model import TrialMachine

NOT_RECORDED = "not recorded"


def hardware(facts: Facts) -> str:
    """Return the machines of the records, with the GPUs that trials used."""
    return f"{_each(map(_machine, facts.trials.machines))}; {gpu(facts)}"


def gpu(facts: Facts) -> str:
    """Return the GPUs that trials used, or that none was."""
    found = [machine.gpu for machine in facts.trials.machines if machine.gpu is not None]
    if found:
        texts = [f"{plain(one.name)}, {size(one.memory_bytes)}, driver {one.driver or NOT_RECORDED}" for one in found]
        return f"GPU: {_each(texts)}"
    return "a GPU was asked for, and no trial opened one" if facts.trials.asked_for_cuda else "no GPU was used"


def needs(facts: Facts) -> str:
    """Return what a run takes: what ablatrix asks for, and what the recorded run took."""
    run = facts.environment.run
    largest = run.largest_process_bytes if run else None
    took = f"; the largest process of the recorded run took {size(largest)}" if largest else ""
    has_gpu = any(machine.gpu is not None for machine in facts.trials.machines)
    card = " The study asks for an NVIDIA GPU." if has_gpu else ""
    return f"At least two cores, and 4 GiB of memory for ablatrix itself{took}.{card}"


def blocks_line(facts: Facts) -> str:
    """Return how ratios and their intervals are made, by the number of blocks of each mode."""
    blocks = " and ".join(f"{count} {mode} blocks" for mode, count in sorted(facts.trials.blocks.items()))
    return (
        f"Ratios are paired within blocks ({blocks} over all workloads and compilers). Intervals come from the "
        "variation between the blocks of one workload on one compiler; a single block has none."
    )


def kernels(facts: Facts) -> str:
    """Return the kernels of the records."""
    return _each(f"Linux {plain(machine.kernel)}" for machine in facts.trials.machines)


def threads(facts: Facts) -> str:
    """Return the threads in force, by library."""
    found = sorted(f"{name} {count}" for name, count in facts.trials.threads)
    return f"threads in force: {', '.join(found) or NOT_RECORDED}"


def state(facts: Facts) -> str:
    """Return what sets the frequency of the CPU."""
    turbo = {None: "unknown", True: "on", False: "off"}
    return _each(
        f"frequency governor {plain(machine.governor or 'unknown')}, turbo {turbo[machine.turbo]}"
        for machine in facts.trials.machines
    )


def compiled(facts: Facts) -> str:
    """Return in how many trials anything was compiled anew, as counted at their caches."""
    reported, anew = facts.trials.reported, facts.trials.compiled_anew
    if not reported:
        return "no trial reports what it compiled"
    cached = reported - anew
    rest = f" and {cached} took everything from a cache" if cached else ""
    return f"of the {reported} trials that report it, {anew} compiled anew{rest}"


def oracle(facts: Facts) -> str:
    """Return what outputs are compared with: by the records, in which precision."""
    single = [one.name for one in facts.trials.workloads if one.oracle == "float32"]
    if not single:
        return "those of the same program in float64"
    if len(single) == len(facts.trials.workloads):
        return "those of the same program in unoptimized float32, as it has no float64 form"
    return f"those of the same program in float64 (of {', '.join(single)}: in unoptimized float32)"


def _machine(machine: TrialMachine) -> str:
    return f"{plain(machine.cpu)}, {machine.cores} cores, {size(machine.memory_bytes)} of memory"


def _each(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))
