"""The contract suite of compilers, as a class of tests that an author's own test class derives from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch

from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level
from ablatrix.errors import AblatrixError, UnsupportedError
from ablatrix.testing import checks
from ablatrix.testing.adapters import load_compiler
from ablatrix.testing.checks import ContractError, demand
from ablatrix.testing.programs import GATES, SMALL_PROGRAMS, make_gates
from ablatrix.testing.requests import Function, make_program
from ablatrix.testing.subject import Case, Subject, other_levels
from ablatrix.workloads.numeric_types import NARROW

BOUND = 16


class CompilerContract:
    """Tests that every compiler passes.

    An author derives from it and names her entry::

        class TestMyCompiler(CompilerContract):
            entry = MY_ENTRY

    Every level of every knob that affects code must change the code of at least one small program (``gates``,
    ``attention``, ``filters``). What cannot be seen there is stated by class attributes.

    Attributes:
        entry: The compiler's entry of the catalogue.
        runs_torch_operators: Whether the compiler's code is made of torch's operators. Then falling back to eager
            cannot be recognised by running the code, and only their number is checked.
        acts_on: Knob -> the one small program on which each of its levels must change the code; any where none is
            named.
        acts_with: Knob -> levels of other knobs that it takes for the knob to act.
        types: 16-bit types that the compiler must take; it may refuse the others with a typed error.
        acts_not: Knob, or ``"knob: level"``, that changes the code of no small program -> the reason.
    """

    entry: ClassVar[CompilerEntry]
    runs_torch_operators: ClassVar[bool] = False
    types: ClassVar[frozenset[str]] = frozenset()
    acts_on: ClassVar[Mapping[str, str]] = {}
    acts_with: ClassVar[Mapping[str, Mapping[str, Level]]] = {}
    acts_not: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Any:
        """The compiler, with what it has compiled so far; skips where the entry's modules are not installed."""
        if not cls.entry.installed:
            pytest.skip(f"compiler '{cls.entry.name}' is not installed: {cls.entry.installation}")
        yield Subject(load_compiler(cls.entry), cls.entry, tmp_path_factory.mktemp("contract"))
        torch.set_num_threads(1)

    def test_configurations_are_right_quiet_and_give_facts(self, subject: Subject) -> None:
        """Every level: right outputs by the compiler's own code, silence, facts, phases, one miss a distinct task."""
        for knobs in subject.configurations:
            case = subject.case(knobs)
            checks.check_outputs(case)
            checks.check_runs_its_own_code(case, self.runs_torch_operators)
            checks.check_quiet(case)
            checks.check_facts(case)
            checks.check_phases(case)
            checks.check_misses(case)

    @pytest.mark.parametrize("program", SMALL_PROGRAMS)
    def test_small_programs_give_right_outputs(self, subject: Subject, program: str) -> None:
        """Each output of each small program is right; one that the compiler does not support is skipped."""
        try:
            case = subject.case(program=program)
        except UnsupportedError as error:
            if program == GATES:
                raise ContractError(f"{subject.name_case({})}: this program must be supported: {error}") from error
            pytest.skip(str(error))
        checks.check_outputs(case)

    def test_program_that_computes_nothing_gives_its_input(self, subject: Subject) -> None:
        """A program of no operation, as dropout alone is where nothing is trained, has no task and gives its input."""
        x = torch.arange(8.0).reshape(2, 4)
        program = make_program(Function(lambda x: (torch.nn.functional.dropout(x, 0.1, training=False),)), (x,))
        where = f"{subject.name_case({})}, with a program of no operation"
        try:
            executable = subject.compiler.compile(subject.request(program, {}, subject.new_directory()))
        except UnsupportedError as error:
            pytest.skip(str(error))
        bound = executable.bind((x,))
        bound.run()
        demand(torch.equal(bound.outputs()[0], x), where, "it must give its input")

    @pytest.mark.parametrize("dtype", NARROW)
    def test_program_in_16_bits_is_right_or_refused(self, subject: Subject, dtype: str) -> None:
        """Weights, inputs and outputs of a 16-bit type; a compiler that lacks the type raises a typed error."""
        try:
            case = subject.case(program=f"{GATES}:{dtype}")
        except AblatrixError as error:
            demand(dtype not in self.types, subject.name_case({}), f"{dtype} must be taken: {error}")
            pytest.skip(str(error))
        checks.check_outputs(case)

    def test_code_knobs_change_code(self, subject: Subject) -> None:
        """Each level of each knob that affects code changes the code of a small program, or a reason says why not."""
        self._check_names(subject)
        silent = [
            f"'{knob.name}: {level}'"
            for knob in subject.entry.knobs
            if knob.affects == "code" and knob.name not in self.acts_not
            for level in other_levels(knob)
            if f"{knob.name}: {level}" not in self.acts_not and not self._acts(subject, knob, level)
        ]
        demand(
            not silent,
            f"compiler '{subject.entry.name}'",
            f"{', '.join(silent)} must change the code of a small program, but the code is the same as at the default; "
            "a knob that acts elsewhere says so in acts_on, acts_with or acts_not",
        )

    def test_plan_knobs_change_plan(self, subject: Subject) -> None:
        """A knob that affects the plan gives another plan of a program that is cut into tasks."""
        for knob, level in _levels(subject, "plan"):
            around = self._around(subject, knob)
            checks.check_plan(knob, subject.case(around), subject.case({**around, knob.name: level}))

    def test_run_time_knobs_leave_code_unchanged(self, subject: Subject) -> None:
        """A knob that affects run time alone changes nothing of what is built."""
        for knob, level in _levels(subject, "run_time"):
            around = self._around(subject, knob)
            checks.check_leaves_code(knob, subject.case(around), subject.case({**around, knob.name: level}))

    def test_other_knobs_leave_cache_keys_unchanged(self, subject: Subject) -> None:
        """What affects the plan or a run, names of caches and observers are not in the keys."""
        for knob in subject.entry.knobs:
            for level in other_levels(knob):
                checks.check_keys(knob, subject.case(), subject.case({knob.name: level}))

    def test_configurations_share_no_code(self, subject: Subject) -> None:
        """A level that may change code, compiled where the defaults were built before, gets code of its own."""
        for knob in subject.entry.knobs:
            levels = other_levels(knob)
            if knob.may_change_code and levels:
                knobs = {knob.name: levels[-1]}
                beside = subject.compile(knobs, subject.case().directory)
                checks.check_own_code(knob, subject.case(), subject.case(knobs), beside)

    def test_warm_cache_gives_same_facts_and_outputs(self, subject: Subject) -> None:
        """What was built is found again, and is the same."""
        for knobs in ({}, subject.configurations[-1]):
            case = subject.case(knobs)
            checks.check_warm_cache(case, subject.compile(knobs, case.directory))

    def test_rebuild_gives_same_code(self, subject: Subject) -> None:
        """The same request on an empty cache gives the same code, and a dump changes nothing of it."""
        checks.check_rebuild(subject.case(subject.regions), subject.dumped)

    def test_dump_shows_every_stage_or_gives_reason(self, subject: Subject) -> None:
        """A dump has files of every stage of each task, or says why not."""
        checks.check_dump(subject.dumped.request)

    def test_observers_give_times_and_change_no_code(self, subject: Subject) -> None:
        """An observer's times are of a compile of its own, which no figure includes."""
        for knob in subject.observers:
            observed = subject.case({knob.name: other_levels(knob)[-1]})
            checks.check_observer(subject.case(), observed)
            checks.check_outputs(observed)
            checks.check_quiet(observed)
            checks.check_facts(observed)

    def test_threads_set_are_in_force(self, subject: Subject) -> None:
        """Threads are read back from the libraries, and outputs are right with any number."""
        case = subject.case()
        for threads in (2, 1):
            subject.compiler.set_threads(threads)
            if subject.entry.program is not None:  # a program gets the number when it is started
                subject.compile({}, case.directory, threads=threads)
            checks.check_threads(f"compiler '{subject.entry.name}'", subject.compiler, threads)
        checks.check_outputs(case)

    def test_dynamic_program_is_right_up_to_bound(self, subject: Subject) -> None:
        """Every size of a dynamic program within its bound is right, and one beyond it is refused."""
        module, x = make_gates()
        program = make_program(module, (x,), ({0: torch.export.Dim("rows", min=2, max=64)},))
        (symbol,) = program.lowered.range_constraints
        knobs = {**subject.regions, **({"reuse": "release"} if _has(subject, "reuse", "release") else {})}
        where = f"{subject.name_case(knobs)}, with a dynamic dimension"
        request = subject.request(program, knobs, subject.new_directory(), bounds={str(symbol): BOUND})
        executable = subject.compiler.compile(request)
        checks.check_dynamic(where, executable, module, (2, 5, BOUND), BOUND + 1)
        static = subject.case()
        checks.check_facts(
            Case(
                name=where,
                request=request,
                executable=executable,
                draw=static.draw,
                printed="",
                counters=request.cache.counters,
                weights={},
                reference=module,
            )
        )

    def test_levels_marked_unsupported_are_refused(self, subject: Subject) -> None:
        """A level that the entry marks as unsupported is refused with its reason."""
        for knob in subject.entry.knobs:
            for level in knob.levels:
                if level.unsupported:
                    with pytest.raises(UnsupportedError, match=knob.name):
                        subject.entry.refuse_unsupported({knob.name: level.name})

    def test_versions_are_given(self, subject: Subject) -> None:
        """Whatever generates or runs code states its version."""
        checks.check_versions(f"compiler '{subject.entry.name}'", subject.compiler)

    def test_preload_leaves_process_forkable(self, subject: Subject) -> None:
        """Preloading starts no thread."""
        checks.check_fork_safety(subject)

    def _check_names(self, subject: Subject) -> None:
        """Refuse statements about knobs, levels and programs that do not exist."""
        where = f"{type(self).__name__}"
        knobs = {knob.name for knob in subject.entry.knobs}
        levels = {f"{knob.name}: {level}" for knob in subject.entry.knobs for level in other_levels(knob)}
        for name in {*self.acts_on, *self.acts_with, *self.acts_not} - knobs - levels:
            raise ContractError(
                f"{where}: compiler '{subject.entry.name}' has no knob or further level '{name}'; "
                f"it has: {', '.join(sorted(knobs))}"
            )
        for name in {*self.acts_on.values()} - set(SMALL_PROGRAMS):
            raise ContractError(f"{where}: there is no program '{name}'; there are: {', '.join(SMALL_PROGRAMS)}")
        for name, reason in self.acts_not.items():
            demand(bool(reason), where, f"acts_not['{name}'] must give a reason")

    def _acts(self, subject: Subject, knob: KnobEntry, level: Level) -> bool:
        """Return whether a level changes the code of a program on which it may act."""
        around = self._around(subject, knob)
        named = self.acts_on.get(knob.name)
        for program in (named,) if named else SMALL_PROGRAMS:
            try:
                base = subject.case(around, program)
                changed = subject.case({**around, knob.name: level}, program)
            except UnsupportedError:
                continue
            if changed.digest != base.digest:
                return True
        return False

    def _around(self, subject: Subject, knob: KnobEntry) -> Mapping[str, Level]:
        """Return the levels of other knobs that it takes for a knob to act."""
        return self.acts_with.get(knob.name, subject.regions if knob.affects == "plan" else {})


def _levels(subject: Subject, affects: str) -> list[tuple[KnobEntry, Level]]:
    """Return each level beside the default of the knobs that affect something."""
    return [(knob, level) for knob in subject.entry.knobs if knob.affects == affects for level in other_levels(knob)]


def _has(subject: Subject, name: str, level: Level) -> bool:
    knob = subject.entry.knob(name)
    return knob is not None and level in {knob.default, *other_levels(knob)}
