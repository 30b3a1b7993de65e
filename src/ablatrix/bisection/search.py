"""The search for the culprit: what is seen goes into a journal, and what is believed follows from the journal alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ablatrix.bisection.finding import Ending, Finding, sure_text
from ablatrix.bisection.journal import Begun, BisectionJournal, Built, Compared, Looked, Skipped, begun_in, looks_at
from ablatrix.bisection.line import Commit, read_line
from ablatrix.bisection.look import Sight, see
from ablatrix.bisection.question import Question, Settled, settle
from ablatrix.builds import BuildSpec, make_build
from ablatrix.canonical import digest_value
from ablatrix.catalogue import Catalogue
from ablatrix.errors import BuildFailedError, TrialError
from ablatrix.statistics.bisection import Belief, Decision, Suspects, Votes, decide, failing_belief, slower_belief
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.results import Progress, Silence

COMPARING = 3
"""So many times the blocks of a look has the run of the culprit beside its parent."""
GUESSED_S = 60.0
"""What a build is thought to take before any was made."""
Tell = Callable[[str], None]


def bisect_builds(
    resolved: ResolvedStudy,
    question: Question,
    out: Path,
    *,
    catalogue: Catalogue | None = None,
    progress: Progress | None = None,
    tell: Tell = lambda text: None,
) -> Finding:
    """Find the commit that brought a trouble. Again into the same directory it goes on where it was.

    Args:
        resolved: A study whose compiler has two builds of one repository.
        question: What is asked.
        out: Directory for the journal, the runs of all looks, and builds.
        catalogue: Compilers and workloads besides those of the study itself; default: those of ``resolved``.
        progress: Notified of what happens in each run.
        tell: Called with a sentence about each step.

    Raises:
        StudyError: The question does not fit the study, or the commits are no line. BuildError: The repository cannot
        be read; or the good or the bad commit cannot be built. TrialError: The directory cannot be written, or is that
        of another bisection; or the bad commit cannot be measured. InterruptedLook: The user stopped it.
    """
    settled = settle(resolved.study, question)
    out = out.resolve()
    asked, held = _digest(settled), begun_in(out)
    if held is not None and held.question == asked:  # a branch may have moved since
        settled = settled.between(held.commits[0], held.commits[-1])
    commits = read_line(settled, out / "builds")
    begun = Begun(question=asked, commits=tuple(one.sha for one in commits))
    with BisectionJournal(out, begun) as journal:
        search = _Search(settled, commits, journal, out, catalogue or resolved.catalogue, progress or Silence(), tell)
        return search.run()


def _digest(settled: Settled) -> str:
    asked = settled.question
    fields = {name: getattr(asked, name) for name in ("trouble", "metric", "confidence", "least", "blocks")}
    chosen = {"workload": settled.workload, "compiler": settled.compiler.name, "builds": [settled.good, settled.bad]}
    return digest_value({**fields, **chosen, "levels": dict(asked.levels), "study": settled.study.digest})


@dataclass
class _Search:
    settled: Settled
    commits: tuple[Commit, ...]
    journal: BisectionJournal
    out: Path
    catalogue: Catalogue
    progress: Progress
    tell: Tell

    @property
    def bad(self) -> int:
        """Number of the bad commit."""
        return len(self.commits) - 1

    def run(self) -> Finding:
        """Look until the question is answered, and return the answer."""
        question = self.settled.question
        between = self.bad - 1
        self.tell(f"{between} commits between {self.commits[0].name} (good) and {self.commits[-1].name} (bad)")
        self.build(0)
        while True:
            found = self.decision()
            if found.commit is None:
                break
            if len(self.looks()) >= question.most_looks:
                return self.finding("most_looks", found.suspects)
            if self.build(found.commit):
                self.look(found.commit, found)
        ending: Ending = found.state if found.state != "look" else "stalled"
        if ending == "found" and question.is_slower and found.suspects.is_one:
            self.compare(found.suspects.first)
        return self.finding(ending, found.suspects)

    def looks(self) -> list[Looked]:
        """Return all looks so far."""
        return [one for one in self.journal.events if isinstance(one, Looked)]

    def skipped(self) -> dict[int, str]:
        """Return the commits that cannot be looked at, and why."""
        return {one.commit: one.why for one in self.journal.events if isinstance(one, Skipped)}

    def belief(self) -> Belief:
        """Return what is believed after all looks so far."""
        question = self.settled.question
        if question.is_slower:
            values: dict[int, list[float]] = {}
            for one in self.looks():
                values.setdefault(one.commit, []).extend(one.logs)
            return slower_belief(values, self.bad, question.blocks, question.least_log)
        votes: dict[int, Votes] = {}
        for one in self.looks():
            for commit, shown in ((one.commit, one.shown), (0, one.good_shown)):
                held = votes.get(commit, Votes())
                votes[commit] = Votes(held.shown + bool(shown), held.not_shown + (not shown))
        return failing_belief(votes, self.bad)

    def decision(self) -> Decision:
        """Return what comes next."""
        seen = {one.commit for one in self.looks()}
        return decide(self.belief(), seen, self.skipped(), self.costs(), self.settled.question.confidence)

    def costs(self) -> list[float]:
        """Return what a look at each commit from 1 on takes, in seconds, a build that is not made yet included."""
        made = {one.commit: one.seconds for one in self.journal.events if isinstance(one, Built)}
        looks = [one.seconds for one in self.looks()]
        build = fmean(made.values()) if made else GUESSED_S
        look = fmean(looks) if looks else GUESSED_S
        return [look + (0.0 if commit in made else build) for commit in range(1, self.bad + 1)]

    def spec(self, commit: int) -> BuildSpec:
        """Return how a commit is built."""
        return self.settled.bad_spec.at_commit(self.commits[commit].sha)

    def build(self, commit: int) -> bool:
        """Build a commit, or find its build, and return whether there is one.

        Raises:
            BuildError: It is the good commit or the bad one, and cannot be built; or none can.
        """
        if any(isinstance(one, Built) and one.commit == commit for one in self.journal.events):
            return True
        self.tell(f"building {self.describe(commit)}")
        start = time.monotonic()
        try:
            make_build(
                self.commits[commit].name, self.spec(commit), self.out / "builds", base=self.settled.study.directory
            )
        except BuildFailedError as error:
            if commit in (0, self.bad):
                raise
            self.skip(commit, f"it cannot be built: {_own_words(error)}")
            return False
        self.journal.append(Built(commit=commit, seconds=time.monotonic() - start))
        return True

    def skip(self, commit: int, why: str) -> None:
        """Leave a commit out from now on."""
        self.tell(f"skipped {self.describe(commit)}: {why}")
        self.journal.append(Skipped(commit=commit, why=why))

    def look(self, commit: int, found: Decision) -> None:
        """Run a commit's build beside the good one, and keep what it showed.

        Raises:
            BuildError: The build of the good commit or of the bad one cannot be used.
            TrialError: It is the bad commit, and shows neither the trouble nor its absence.
        """
        turn = looks_at(self.journal.events, commit)
        number = len(self.looks()) + 1
        place = f"looks/{number:03d}-{self.commits[commit].name}"
        self.tell(f"look {number}: {self.describe(commit)}")
        start = time.monotonic()
        try:
            sight = self.see((self.spec(0), self.spec(commit)), place, turn, self.settled.question.blocks)
        except BuildFailedError as error:
            if commit == self.bad or error.build != self.settled.bad:
                raise
            self.skip(commit, f"its build cannot be used: {_own_words(error)}")
            return
        why = self.reason_to_skip(sight)
        if why is not None and commit == self.bad:
            raise TrialError(
                f"the bad commit {self.commits[commit].name} cannot be looked at: {why}; see ablatrix status "
                f"{self.out / place}"
            )
        if why is not None:
            self.skip(commit, why)
            return
        trouble = self.settled.question.trouble
        looked = Looked(
            commit=commit,
            results=place,
            seconds=time.monotonic() - start,
            trials=sight.trials,
            logs=sight.logs,
            shown=None if self.settled.question.is_slower else trouble in sight.statuses,
            good_shown=None if self.settled.question.is_slower else trouble in sight.good_statuses,
        )
        self.journal.append(looked)
        self.tell(f"    {self.shown(looked)}; {self.belief_text()}")

    def reason_to_skip(self, sight: Sight) -> str | None:
        """Return why a run says nothing of its commit; None where it does."""
        trouble = self.settled.question.trouble
        if self.settled.question.is_slower:
            return sight.why
        if sight.statuses & {trouble, "ok"}:
            return None
        ended = ", ".join(sorted(sight.statuses)) or "not run"
        return f"its trials ended as {ended}, which says neither yes nor no"

    def see(self, specs: tuple[BuildSpec, BuildSpec], place: str, turn: int, blocks: int) -> Sight:
        """Run two builds beside each other."""
        return see(self.settled, self.catalogue, specs, self.out / place, (turn, blocks), self.out, self.progress)

    def compare(self, culprit: int) -> None:
        """Measure the culprit beside its parent, on fresh blocks; a parent that cannot be looked at is left."""
        parent = culprit - 1
        done = any(isinstance(one, Compared) and one.culprit == culprit for one in self.journal.events)
        if done or parent in self.skipped() or not self.build(parent):
            return
        place = f"compared/{self.commits[culprit].name}"
        self.tell(f"comparing {self.commits[culprit].name} with its parent {self.commits[parent].name}")
        start = time.monotonic()
        try:
            blocks = COMPARING * self.settled.question.blocks
            sight = self.see((self.spec(parent), self.spec(culprit)), place, 0, blocks)
        except BuildFailedError as error:
            self.tell(f"    {_own_words(error)}")
            return
        if sight.why is not None:
            self.tell(f"    {sight.why}")
            return
        seconds = time.monotonic() - start
        self.journal.append(
            Compared(
                culprit=culprit, parent=parent, results=place, seconds=seconds, trials=sight.trials, logs=sight.logs
            )
        )

    def finding(self, ending: Ending, suspects: Suspects) -> Finding:
        """Return what it came to."""
        events = self.journal.events
        compared = next((one for one in events if isinstance(one, Compared) and one.culprit == suspects.first), None)
        compared = compared if suspects.is_one else None
        of_bad = [log for one in self.looks() if one.commit == self.bad for log in one.logs]
        timed = [one for one in events if not isinstance(one, Skipped)]
        return Finding(
            question=self.settled.question,
            ending=ending,
            commits=self.commits,
            suspects=suspects,
            skipped=tuple(sorted(self.skipped().items())),
            ratio=None if compared is None else _ratio(compared.logs),
            whole=_ratio(of_bad),
            builds=sum(isinstance(one, Built) for one in events),
            looks=len(self.looks()),
            trials=sum(one.trials for one in events if isinstance(one, Looked | Compared)),
            seconds=sum(one.seconds for one in timed),
            compared=None if compared is None else compared.results,
        )

    def describe(self, commit: int) -> str:
        """Return a commit in words."""
        one = self.commits[commit]
        return f"commit {commit} of {self.bad}, {one.name} ({one.subject})"

    def shown(self, looked: Looked) -> str:
        """Return what a look showed, in words."""
        if looked.shown is not None:
            trouble = self.settled.question.trouble.replace("_", " ")
            return f"{trouble}" if looked.shown else f"no {trouble}"
        ratio = paired_ratio(looked.logs)
        return f"{ratio.value:.4f} of the good build's in {ratio.count} blocks"

    def belief_text(self) -> str:
        """Return what is believed now, in words."""
        suspects = self.decision().suspects
        sure = sure_text(suspects.probability)
        if suspects.is_one:
            return f"culprit is commit {suspects.first} with {sure}"
        return f"culprit is one of commits {suspects.first} to {suspects.last} with {sure}"


def _own_words(error: BuildFailedError) -> str:
    """Return what is wrong with a build: of a command that failed, which one, and the last line that it printed."""
    what, *printed = str(error).removeprefix(f"build '{error.build}': ").splitlines()
    last = f": {printed[-1].strip()}" if printed else ""
    return f"{what.partition('; the last lines')[0]}{last}"


def _ratio(logs: Sequence[float]) -> Ratio | None:
    return paired_ratio(logs) if logs else None
