"""Where a run stands, from the files that it writes: its design, its records, and the lock that it holds."""

import fcntl
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ablatrix.errors import StudyError, TrialError
from ablatrix.records.journal import final_records, read_records
from ablatrix.records.model import Record, Stopping
from ablatrix.records.names import DESIGN_NAME, RECORDS_NAME
from ablatrix.records.status import Status
from ablatrix.study.cost import learn_costs
from ablatrix.study.design import Design
from ablatrix.study.design_file import load_design
from ablatrix.trials.slots import SlotState, read_slot_states

LOCK = Path("work", "lock")


@dataclass(frozen=True, kw_only=True)
class UnitState:
    """The trials of one workload on one compiler in one mode, the reference beside them included.

    Attributes:
        statuses: Final records by status.
        stopping: The last decision about further hot blocks; None in cold mode, and before there was one.
        left_s: What the trials without a record will take, in seconds; None where nothing of the kind was measured.
    """

    workload: str
    compiler: str
    mode: str
    planned: int
    statuses: Mapping[Status, int]
    stopping: Stopping | None
    left_s: float | None

    @property
    def done(self) -> int:
        """Trials with a final record."""
        return sum(self.statuses.values())


@dataclass(frozen=True, kw_only=True)
class RunState:
    """Where a run stands.

    Attributes:
        is_running: Whether a process holds the directory's lock; None where there is none to look at.
        begun, last: When the first and the last trial with a record began (UTC, ISO 8601).
        seconds: From the one to the end of the other.
        slots: Where the slots of a run over several hosts stand; none of a run on this host alone.
    """

    study: str
    units: tuple[UnitState, ...]
    is_running: bool | None
    begun: str | None
    last: str | None
    seconds: float
    failures: tuple[Record, ...]
    slots: tuple[SlotState, ...] = ()

    @property
    def planned(self) -> int:
        """Trials that were issued so far."""
        return sum(unit.planned for unit in self.units)

    @property
    def done(self) -> int:
        """Trials with a final record."""
        return sum(unit.done for unit in self.units)

    @property
    def left_s(self) -> float | None:
        """Seconds that the trials without a record will take; None where that is not known."""
        open_units = [unit.left_s for unit in self.units if unit.done < unit.planned]
        known = [one for one in open_units if one is not None]
        return sum(known) if len(known) == len(open_units) else None


def read_state(directory: Path) -> RunState:
    """Return where the run into a directory stands.

    Raises:
        TrialError: It is not a directory of results.
        StudyError: Its design cannot be read.
        RecordError: Its records cannot be read.
    """
    file = directory / DESIGN_NAME
    if not file.is_file():
        found = "it does not exist" if not directory.exists() else f"it contains no {DESIGN_NAME}"
        raise TrialError(f"{directory}: not a directory of results: {found}; name the --out of 'ablatrix run'")
    try:
        design = load_design(file)
    except StudyError:
        raise TrialError(f"{file}: not a design that ablatrix wrote; name the --out of 'ablatrix run'") from None
    journal = directory / RECORDS_NAME
    records = list(read_records(journal, report=lambda _: None)) if journal.is_file() else []
    final = final_records(records)
    begun = min((one.meta.time_utc for one in records), default=None)
    latest = max(records, key=lambda one: one.meta.time_utc, default=None)
    seconds = 0.0
    if begun is not None and latest is not None:
        seconds = (_time(latest.meta.time_utc) - _time(begun)).total_seconds() + latest.wall_s
    return RunState(
        study=design.study,
        units=tuple(_units(design, records, final)),
        is_running=_is_locked(directory / LOCK),
        begun=begun,
        last=None if latest is None else latest.meta.time_utc,
        seconds=seconds,
        failures=tuple(one for one in final if one.status.is_failure),
        slots=tuple(read_slot_states(directory)),
    )


def _units(design: Design, records: Sequence[Record], final: Iterable[Record]) -> Iterable[UnitState]:
    """Yield the state of each unit, in the order of the design."""
    cells = {cell.cell_id: cell for cell in design.cells}
    compiler_of: dict[str, str] = {}
    for trial in design.trials:
        if (name := cells[trial.cell_id].compiler) != "eager":
            compiler_of[trial.block_id] = name  # the reference belongs to the compiler that it runs beside
    unit_of = {
        one.trial_id: (cells[one.cell_id].workload, compiler_of.get(one.block_id, "eager"), one.mode)
        for one in design.trials
    }
    planned = Counter(unit_of.values())
    statuses: dict[tuple[str, str, str], Counter[Status]] = {unit: Counter() for unit in planned}
    stopping: dict[tuple[str, str, str], Stopping] = {}
    for record in final:
        if (unit := unit_of.get(record.trial_id)) is not None:
            statuses[unit][record.status] += 1
    for record in records:
        unit = unit_of.get(record.trial_id)
        if unit is not None and record.runtime is not None and record.runtime.stopping is not None:
            stopping[unit] = record.runtime.stopping
    costs = learn_costs(records)
    for unit, count in planned.items():
        left = count - statuses[unit].total()
        known = costs.of_unit(*unit)
        yield UnitState(
            workload=unit[0],
            compiler=unit[1],
            mode=unit[2],
            planned=count,
            statuses=dict(sorted(statuses[unit].items())),
            stopping=stopping.get(unit),
            left_s=0.0 if not left else None if known is None else left * known,
        )


def _is_locked(lock: Path) -> bool | None:
    """Return whether a run holds a lock; None without a lock file that can be opened."""
    try:
        with lock.open("r") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
