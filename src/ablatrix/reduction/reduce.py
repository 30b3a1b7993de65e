"""A reduction from its question to its results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ablatrix.canonical import digest_value
from ablatrix.compilers.catalogue import Level
from ablatrix.errors import StudyError, WorkloadError
from ablatrix.reduction.journal import ReductionJournal
from ablatrix.reduction.judge import Judge, SpentError, Tell
from ablatrix.reduction.question import Ending, Reduction, ReductionQuestion
from ablatrix.reduction.results import Case, Checked, write_results
from ablatrix.reduction.steps import reduce_graph
from ablatrix.statistics.ratio import paired_ratio
from ablatrix.study.design import make_design
from ablatrix.study.model import Mode
from ablatrix.trials.host import place_runs
from ablatrix.trials.results import ResultDirectory
from ablatrix.troubles import SLOWER, Configuration, Looks, Predicate, Sight, Trouble, check_kind, mode_of
from ablatrix.workloads.capture import FlatGraph, read_flat
from ablatrix.workloads.onnx.operation import find_onnx
from ablatrix.workloads.prepare import load_program

LOOKS, WHOLE = "looks", "whole"
METRIC = "run_ms_paired"
BLOCKS_FIRST = 3
"""Blocks in which a slow-down of the whole program is measured."""
_SET = re.compile(r"input set (\d+)")


def reduce(
    configuration: Configuration, question: ReductionQuestion, out: Path, *, tell: Tell = lambda text: None
) -> Reduction:
    """Make the program of a configuration as small as it can be and still have one trouble.

    Again into the same directory it goes on where it was.

    Args:
        configuration: A workload on a compiler, with the levels that show the trouble.
        question: What is asked.
        out: Directory for the journal, the runs and the results.
        tell: Called with a sentence about each step.

    Raises:
        StudyError: The configuration does not fit its study, does not show the trouble, or shows it only sometimes.
        WorkloadError: Its program cannot be taken apart.
        TrialError: The directory cannot be written, or is that of another reduction.
        InterruptedLook: The user stopped it.
    """
    kind = check_kind(question.kind)
    good = replace(configuration, levels=dict(question.reference))
    for one in (configuration, good):
        one.check()
    out, mode = out.resolve(), mode_of(METRIC) if kind == SLOWER else question.mode
    with ReductionJournal(out, _digest(configuration, good, kind)) as journal, Looks(out / LOOKS) as looks:
        predicate, control = _first_looks(configuration, good, kind, mode, looks, tell)
        graph = _whole_graph(configuration, looks, predicate.trouble, mode)
        judge = Judge(
            predicate=predicate,
            configuration=configuration,
            control=control,
            journal=journal,
            out=out,
            most_steps=question.most_steps,
            most_seconds=question.most_seconds,
            tell=tell,
        )
        smallest, ending = _smallest(graph, judge)
        case = Case(
            configuration=configuration,
            good=good,
            trouble=judge.shown or predicate.trouble,
            mode=mode,
            graph=smallest,
            nodes=len(graph.operations),
            threads=place_runs(configuration.study.protocol.threads, configuration.study.protocol.cpus)[0],
            out=out,
        )
        tell("running study.yaml and repro.py in fresh interpreters")
        checked = write_results(case, predicate)
        return _finding(case, judge, graph, checked, ending)


def _digest(configuration: Configuration, good: Configuration, kind: str) -> str:
    """Return the digest of what is asked: a journal goes on for the same alone."""
    return digest_value(
        {
            "kind": kind,
            "workload": configuration.workload,
            "compiler": configuration.compiler,
            "levels": configuration.full_levels,
            "reference": good.full_levels,
            "study": configuration.study.digest,
        }
    )


def _smallest(graph: FlatGraph, judge: Judge) -> tuple[FlatGraph, Ending]:
    """Return the smallest program that was found, and why it ends there.

    Raises:
        StudyError: The whole program does not show the trouble as plain operations.
    """
    judge.tell(f"{len(graph.operations)} operations, {_elements(graph)} elements of inputs and weights")
    judge.phase = "whole"
    if not judge.has_it(graph):
        raise StudyError(
            f"{judge.configuration.workload}: as plain operations of fixed sizes the program does not show the trouble "
            f"any more ({judge.predicate.trouble.text}), so it cannot be taken apart; dynamic sizes may be part of it"
        )
    try:
        return reduce_graph(graph, judge), "reduced"
    except SpentError as spent:
        is_sure = judge.best is not None and judge.confirm(judge.best)
        smallest = (judge.best if is_sure else judge.sure) or graph
        return smallest, "most_steps" if spent.ending == "most_steps" else "most_time"


def _finding(case: Case, judge: Judge, whole: FlatGraph, checked: Checked, ending: Ending) -> Reduction:
    asked = judge.journal.asked.values()
    return Reduction(
        trouble=judge.predicate.trouble,
        final=checked.shown or case.trouble,
        ending=ending,
        nodes=len(whole.operations),
        nodes_left=len(case.graph.operations),
        operators=tuple(str(one.target) for one in case.graph.operations),
        elements=_elements(whole),
        elements_left=_elements(case.graph),
        steps=judge.counts(),
        trials=sum(one.trials for one in asked),
        seconds=sum(one.seconds for one in asked),
        others=judge.others(),
        controlled=judge.control is not None or judge.predicate.trouble.is_slower,
        again=checked.study,
        repro=checked.repro,
        repro_told=checked.told,
        out=case.out,
    )


def _first_looks(
    configuration: Configuration, good: Configuration, kind: str, mode: Mode, looks: Looks, tell: Tell
) -> tuple[Predicate, Mapping[str, Level] | None]:
    """Return what asks for the trouble of the whole program, and the levels under which there is none.

    Raises:
        StudyError: It does not show the trouble, or not each time.
    """
    if kind == SLOWER:
        return _first_times(configuration, good, looks, tell), None
    first = looks.see(configuration, WHOLE, mode)
    trouble = _expected(configuration, first, kind)
    tell(f"the whole program: {trouble.text}")
    again = looks.see(configuration, f"{WHOLE}-again", mode, turn=1)
    if again.trouble is None or not again.trouble.is_same_as(trouble):
        shown = "ok" if again.trouble is None else again.trouble.text
        raise StudyError(
            f"{configuration.workload}: the trouble does not come each time: first {trouble.text}, then {shown}; a "
            "reduction needs one that does"
        )
    predicate = Predicate(looks=looks, trouble=trouble, mode=mode)
    if good.full_levels == configuration.full_levels:
        tell("it is the reference itself, so that no step is tried without the setting")
        return predicate, None
    beside = predicate.ask(good, f"{WHOLE}-without")
    if beside.answer == "yes":
        tell("the reference shows it, too, so that no step is tried without the setting")
    return predicate, good.full_levels if beside.answer == "no" else None


def _first_times(configuration: Configuration, good: Configuration, looks: Looks, tell: Tell) -> Predicate:
    """Return what asks for a slow-down, which is measured first.

    Raises:
        StudyError: There is none that the blocks can tell from nothing.
    """
    if good.full_levels == configuration.full_levels:
        raise StudyError(
            f"{configuration.workload}: the configuration is its own reference, and so not slower than it; name "
            "another with --good KNOB=LEVEL"
        )
    sight = looks.see(configuration, WHOLE, mode_of(METRIC), reference=good.levels, metric=METRIC, blocks=BLOCKS_FIRST)
    if not sight.logs:
        shown = sight.trouble.text if sight.trouble is not None else sight.why or "no block has both configurations"
        raise StudyError(f"{configuration.workload}: it cannot be compared with the reference: {shown}")
    ratio = paired_ratio(sight.logs)
    if ratio.side <= 0:
        raise StudyError(
            f"{configuration.workload}: it is not slower than the reference: {ratio.value:.3f} times its time "
            f"[{ratio.low:.3f}, {ratio.high:.3f}] in {ratio.count} blocks"
        )
    trouble = Trouble(kind=SLOWER, ratio=ratio)
    tell(f"the whole program: {trouble.text}")
    return Predicate(looks=looks, trouble=trouble, reference=good.levels, metric=METRIC, mode=mode_of(METRIC))


def _expected(configuration: Configuration, sight: Sight, kind: str) -> Trouble:
    """Return what a look showed.

    Raises:
        StudyError: It is not the trouble that is asked for.
    """
    if sight.trouble is not None and sight.trouble.kind == kind:
        return sight.trouble
    words = kind.replace("_", " ")
    if sight.trouble is not None:
        raise StudyError(
            f"{configuration.workload}: it shows another trouble than {words}: {sight.trouble.text}; ask for that with "
            f"--trouble {sight.trouble.kind}"
        )
    ended = ", ".join(sorted(set(sight.statuses))).replace("_", " ") or "not run"
    raise StudyError(f"{configuration.workload}: it does not show the trouble ({words}): its trial ended as {ended}")


def _whole_graph(configuration: Configuration, looks: Looks, trouble: Trouble, mode: Mode) -> FlatGraph:
    """Return the program as it was prepared for the first look, at the inputs that show the trouble.

    Raises:
        WorkloadError: It cannot be taken apart.
    """
    resolved = configuration.look(mode)
    cell = next(one for one in make_design(resolved).cells if one.stage is not None)
    program = load_program(ResultDirectory(looks.directory / WHOLE).program(resolved, cell))
    if find_onnx(program.lowered) is not None:
        raise WorkloadError(
            f"{configuration.workload}: an ONNX file is one operation here, so that nothing can be removed from it; "
            "give the module that it was exported from"
        )
    found = _SET.search(trouble.told) if trouble.kind == "wrong_output" else None
    number = int(found.group(1)) if found is not None else 0
    return read_flat(program.exported, program.input_sets[min(number, len(program.input_sets) - 1)].inputs)


def _elements(graph: FlatGraph) -> int:
    return sum(one.value.numel() for one in graph.leaves)
