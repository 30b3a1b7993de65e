"""Where in the model: the first operation whose value departs from the oracle, by running cut-off programs.

A program that ends with an operation is run in the configuration with the trouble, and its output checked as any
other's: against float64, within what eager float32 can be off. The search halves the operations that a wrong one needs,
and ends with one that is wrong while all that it reads is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.culprits.asking import Asking
from ablatrix.culprits.finding import Departure
from ablatrix.culprits.journal import Cut
from ablatrix.errors import WorkloadError
from ablatrix.records.status import Status
from ablatrix.study.design import make_design
from ablatrix.trials.results import ResultDirectory
from ablatrix.troubles import Configuration, Predicate, Trouble

if TYPE_CHECKING:
    from ablatrix.workloads.cutting import Cuttable

PROGRAMS = "cut"


def find_departure(asking: Asking) -> tuple[Departure | None, str]:
    """Return the first operation whose value is wrong in the configuration with the trouble, or why none can be named.

    Args:
        asking: Whose trouble is a wrong output, and of which at least one look was made.

    Raises:
        InterruptedLook: The user stopped it. TrialError: A run cannot be made.
    """
    configuration = asking.candidates.configuration
    try:
        program = _cuttable(asking, configuration)
    except WorkloadError as error:
        return None, f"where in the model it begins is not known: {error}"
    return _DepartureSearch(asking, configuration, program).run()


def _cuttable(asking: Asking, configuration: Configuration) -> Cuttable:
    from ablatrix.workloads.cutting import Cuttable  # torch loads here
    from ablatrix.workloads.prepare import load_program

    first = next(one for one in asking.journal.looks if one.results)
    resolved = configuration.look("cold")
    cell = next(one for one in make_design(resolved).cells if one.stage is not None)
    prepared = load_program(ResultDirectory(asking.looks.directory / first.results[0]).program(resolved, cell))
    return Cuttable(prepared.exported, prepared.input_sets[0].inputs)


@dataclass
class _DepartureSearch:
    asking: Asking
    configuration: Configuration
    program: Cuttable

    def run(self) -> tuple[Departure | None, str]:
        """Search, and return what was found."""
        wrong = next((one for one in self.program.results if self.is_wrong(one)), None)
        if wrong is None:
            return None, (
                "where in the model it begins is not known: the program that ends with its output alone is right, so "
                "the fault needs what is cut off"
            )
        right: set[int] = set()
        while True:
            waiting = [one for one in self.program.before(wrong) if one not in right]
            found = self.first_wrong(waiting, right)
            if found is None:
                break
            wrong = found
        return self.departure(wrong), ""

    def first_wrong(self, waiting: Sequence[int], right: set[int]) -> int | None:
        """Return a wrong one of some operations, the earliest that halving leads to; None where what is read is right.

        Args:
            waiting: In graph order.
            right: Operations whose values are right; those that are found to be are added.
        """
        low, high, found = 0, len(waiting), None
        while low < high:
            middle = (low + high) // 2 if found is not None or high - low > 1 else low
            if self.is_wrong(waiting[middle]):
                found, high = waiting[middle], middle
            else:
                right.update((waiting[middle], *self.program.before(waiting[middle])))
                low = middle + 1
        return found

    def is_wrong(self, number: int) -> bool:
        """Return whether the value of an operation departs from the oracle."""
        held = self.held(number)
        return (held or self.look(number)).answer == "yes"

    def held(self, number: int) -> Cut | None:
        """Return the look at one that was made before."""
        cuts = (one for one in self.asking.journal.events if isinstance(one, Cut))
        return next((one for one in cuts if one.node == number), None)

    def look(self, number: int) -> Cut:
        """Run the program that ends with an operation, and keep what the check said."""
        operation = self.program.operations[number]
        path: Path = self.asking.looks.directory / PROGRAMS / f"{number}.pt2"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.program.save(number, path)
        predicate = Predicate(looks=self.asking.looks, trouble=Trouble(kind=Status.WRONG_OUTPUT.value))
        observed = predicate.ask(replace(self.configuration, program=path), f"cut-{number:04d}")
        is_wrong = observed.trouble is not None and observed.trouble.kind == Status.WRONG_OUTPUT
        told = observed.trouble.told if observed.trouble is not None else observed.why
        cut = Cut(
            node=number,
            answer="yes" if is_wrong else observed.answer,
            told=told,
            trials=observed.trials,
            seconds=observed.seconds,
            results=observed.results,
        )
        self.asking.journal.append(cut)
        word = "wrong" if is_wrong else "right" if cut.answer == "no" else told or cut.answer
        self.asking.tell(f"cut off behind operation {number + 1}, {operation.name}: {word}")
        return cut

    def departure(self, number: int) -> Departure:
        """Return an operation as what was found."""
        one, held = self.program.operations[number], self.held(number)
        before = [self.program.operations[other].name for other in one.operands]
        return Departure(
            node=one.name,
            operation=one.operation,
            number=number + 1,
            count=len(self.program.operations),
            line=one.line,
            values=held.told if held is not None else "",
            before=", ".join(before),
        )
