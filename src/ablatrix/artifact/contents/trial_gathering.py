"""Gathers what documents say of trials, from their final records, one at a time."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime

from ablatrix.artifact.contents.budget import Budget
from ablatrix.artifact.contents.recorded import FailedTrial, RecordedTrials, RecordedWorkload
from ablatrix.records.model import Mode, Record, TrialMachine
from ablatrix.records.status import Status


class TrialGathering:
    """What was gathered so far of trials."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._statuses: Counter[Status] = Counter()
        self._failed: list[FailedTrial] = []
        self._workloads: dict[tuple[str, str], RecordedWorkload] = {}
        self._machines: dict[str, TrialMachine] = {}
        self._versions: dict[str, dict[str, None]] = defaultdict(dict)
        self._compilers: set[str] = set()
        self._levels: dict[str, dict[str, None]] = defaultdict(dict)
        self._threads: set[tuple[str, int]] = set()
        self._samplings: set[str] = set()
        self._reported = self._compiled_anew = self._cache_tagged = 0
        self._asked_for_cuda = False

    def add(self, record: Record, start: datetime, end: datetime) -> None:
        """Add a final record, given when it began and ended."""
        self._statuses[record.status] += 1
        if record.status.is_failure:
            failed = _failed(record, start, end)
            self._failed.append(failed)
            self._budget.fail(failed.levels, failed.error_type, failed.message)
        self._add_workload(record)
        self._add_machine(record.meta.machine)
        self._add_names(record)
        if record.compile is not None:
            self._reported += 1
            self._compiled_anew += record.compile.compile_cache_miss_delta_first_run > 0
            self._cache_tagged += record.mode == "cold" and record.compile.cache_tag is not None
        self._asked_for_cuda |= record.config.device == "cuda"

    def trials(self, blocks: Mapping[Mode, int]) -> RecordedTrials:
        """Return what was gathered, with the number of blocks in each mode."""
        return RecordedTrials(
            statuses=Counter(self._statuses),
            failed=tuple(self._failed),
            workloads=tuple(self._workloads[key] for key in sorted(self._workloads)),
            machines=tuple(self._machines.values()),
            versions={package: ", ".join(versions) for package, versions in sorted(self._versions.items())},
            compilers=frozenset(self._compilers),
            levels={knob: tuple(levels) for knob, levels in self._levels.items()},
            threads=frozenset(self._threads),
            samplings=frozenset(self._samplings),
            blocks=blocks,
            reported=self._reported,
            compiled_anew=self._compiled_anew,
            cache_tagged=self._cache_tagged,
            asked_for_cuda=self._asked_for_cuda,
        )

    def _add_workload(self, record: Record) -> None:
        held = record.workload
        key = held.name, held.digest
        if key not in self._workloads:
            self._budget.name(*key, held.source or "", held.source_digest or "")
        self._workloads[key] = RecordedWorkload(
            name=held.name,
            tier=held.tier,
            digest=held.digest,
            source=held.source,
            source_digest=held.source_digest,
            parameter_count=held.parameter_count,
            oracle=held.oracle,
        )

    def _add_machine(self, machine: TrialMachine) -> None:
        key = machine.model_dump_json(exclude={"gpu", "cpus", "memory_speed"})
        held = self._machines.get(key)
        if held is None:
            self._budget.name(key, key)
        if held is None or (held.gpu is None and machine.gpu is not None):
            self._machines[key] = machine.model_copy(update={"cpus": None, "memory_speed": None})  # no document says it

    def _add_names(self, record: Record) -> None:
        for package, version in record.meta.versions.items():
            self._versions[package][version] = None  # counted with the packages of all records
        if record.config.compiler not in self._compilers:
            self._compilers.add(record.config.compiler)
            self._budget.name(record.config.compiler)
        for knob, level in record.config.knobs.items():
            if level is not None and (text := str(level)) not in self._levels[knob]:
                self._levels[knob][text] = None
                self._budget.name(knob, text)
        for library in record.meta.threads.items():
            if library not in self._threads:
                self._threads.add(library)
                self._budget.name(library[0])
        if record.meta.layout is not None:
            self._samplings.add(record.meta.layout.sampling)


def _failed(record: Record, start: datetime, end: datetime) -> FailedTrial:
    levels = (f"{knob}={level}" for knob, level in sorted(record.config.knobs.items()) if level is not None)
    return FailedTrial(
        trial_id=record.trial_id,
        workload=record.workload.name,
        compiler=record.config.compiler,
        mode=record.mode,
        status=record.status,
        levels=", ".join(levels),
        error_type=None if record.error is None else record.error.type,
        message=None if record.error is None else record.error.message,
        start=start,
        end=end,
    )
