"""README.md of an artifact: what it is, how to check it, how to run it again, and what that costs."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from ablatrix.artifact.contents import DOCUMENT_NAMES, MANIFEST_NAME, RECIPE_NAME, RecordedClaim, Role, role_of
from ablatrix.artifact.documents.conditions import hardware, kernels, needs
from ablatrix.artifact.documents.facts import RESULT_ROLES, Facts, duration, size
from ablatrix.artifact.documents.markup import Commands, Items, Paragraph, Section, Table, markdown, plain
from ablatrix.artifact.documents.origins import authors_line, code_licences, data_licences
from ablatrix.artifact.documents.steps import TINY, about_torch, full, installation, of_claims, without_network
from ablatrix.records.status import Status

MEANING: dict[Role, str] = {
    "records": "everything that was measured, as one JSON object per line and trial",
    "design": "the planned trials, in their order",
    "study": "the study that was run",
    "claims": "the claims of the study, in the form in which they are checked",
    "samples": "raw samples of hot trials, unrounded, by block",
    "plan": "plans of the workloads",
    "table": "tables generated from the records",
    "figure": "figures generated from the records",
    "text": "text and numbers of the paper, generated from the records",
    "provenance": "for every printed number, the records from which it is derived",
    "page": "HTML report, to be opened in a browser (needs no network)",
    "template": "specification of the paper's tables, figures and text",
    "environment": "the machine, the findings of the environment check before the run, and the cost of the run",
    "readme": "this file",
    "appendix": "the artifact appendix",
    "citation": "how to cite this artifact",
    "crate": "machine-readable metadata: RO-Crate 1.1, Process Run Crate 0.5",
    "lock": "exact versions of the packages to install",
    "software": "source of the ablatrix version that made this artifact, for `pip install`",
    "example": "a tiny study with claims of its own, for kicking the tires",
    "licence": "licence of ablatrix",
    "container": "recipe of a container in which this artifact is evaluated without a network",
    "finding": "what searches in these results came to (bisect, reduce, explain); the page shows it",
    "log": "what the run printed",
    "other": "files that came with the study",
}


def readme_text(facts: Facts) -> str:
    """Return the README."""
    sections = (
        _tires(facts),
        *_container(facts),
        _full(facts),
        *_claims(facts),
        _cost(facts),
        _systems(facts),
        _map(facts),
    )
    return markdown(Section(f"Artifact of the study `{facts.name}`", _abstract(facts), sections))


def machine_line(facts: Facts) -> str:
    """Return the machine and the software in one line."""
    return f"{hardware(facts)}. Software: {software_line(facts)}"


def software_line(facts: Facts) -> str:
    """Return the versions of the software in one line."""
    return ", ".join(f"{name} {plain(text)}" for name, text in facts.trials.versions.items())


def status_line(facts: Facts) -> str:
    """Return the number of trials, by status where not all succeeded."""
    if set(facts.trials.statuses) == {Status.OK}:
        return f"{facts.trials.count} successful trials"
    counts = ", ".join(f"{count} {status}" for status, count in sorted(facts.trials.statuses.items()))
    return f"{facts.trials.count} trials ({counts})"


def not_run_line(facts: Facts) -> str:
    """Return how many trials were not run, by status."""
    counts = facts.trials.not_run
    named = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{sum(counts.values())} trials were not run or not completed ({named})"


def cost_table(facts: Facts) -> Table:
    """Return the cost of each workload in each mode."""
    rows: list[tuple[str, ...]] = [
        (usage.workload, usage.mode, str(usage.attempts), f"{usage.seconds:.1f}", size(usage.growth_bytes))
        for usage in facts.recorded.usages
    ]
    rows.append(
        ("all", "", str(facts.recorded.count), f"{sum(usage.seconds for usage in facts.recorded.usages):.1f}", "")
    )
    return Table(("workload", "mode", "attempts", "seconds", "memory"), tuple(rows), (0.3, 0.12, 0, 0, 0))


def _abstract(facts: Facts) -> tuple[Paragraph, ...]:
    held = Counter(claim.state for claim in facts.claims)
    counts = ", ".join(f"{held[state]} {words[held[state] > 1]}" for state, words in STATES if held[state])
    if held["holds"] == len(facts.claims) > 1:
        counts = "all of them hold"
    number = f"{len(facts.claims)} claims" if len(facts.claims) > 1 else "one claim"
    claims = f" The study makes {number}; according to these records, {counts}." if facts.claims else ""
    failures = f" {len(facts.trials.failed)} trials failed; they are recorded as such and enter no statistics."
    not_run = f" {not_run_line(facts)}."
    parts = [plain(facts.description)] if facts.description else []
    parts.append(
        f"This folder holds the records of {status_line(facts)}, run on {facts.start:%Y-%m-%d}. Machine: "
        f"{machine_line(facts)}."
        + claims
        + (failures if facts.trials.failed else "")
        + (not_run if facts.trials.not_run else "")
    )
    parts.append(f"Authors: {authors_line(facts)}. Licences: {code_licences(facts)}; {data_licences(facts)}.")
    return tuple(Paragraph(part) for part in parts)


STATES = (("holds", ("holds", "hold")), ("fails", ("fails", "fail")), ("undecided", ("is undecided", "are undecided")))
"""Outcomes of claims with their words: of one claim, and of several."""


def _tires(facts: Facts) -> Section:
    return Section(
        "Kick the tires (30 minutes)",
        (
            Paragraph(
                f"Run the following commands in this folder; they require Python 3.11 or later and a C++ compiler. "
                f"Most of the time goes into downloading the packages ({size(facts.environment.installed_bytes)} when "
                f"installed); the tiny study itself takes about a minute on two cores. {about_torch(facts)}".rstrip()
            ),
            Commands((*installation(facts), *TINY)),
            Paragraph(
                "`ablatrix doctor` lists what the machine lacks, and tells what prevents a run from what only affects "
                "the measurements. `ablatrix verify .` hashes every file, validates every record, checks the records "
                "against the design, and generates every table, figure, text and document again from the records to "
                "compare it with the one in this folder. It ends with `holds` and the root digest, which covers all "
                f"files and is also stated in `{MANIFEST_NAME}`; compare it with the published one. This step needs "
                "neither torch nor a compiler. The last command runs the tiny study in `tiny/` on your machine and "
                "checks its claims. Do not add files to this folder, as `verify` would report them."
            ),
        ),
    )


def _container(facts: Facts) -> tuple[Section, ...]:
    """Return how to do it without a network, where the artifact has a recipe."""
    if not any(entry.path == RECIPE_NAME for entry in facts.entries):
        return ()
    text = (
        "The folder of wheels that comes with this artifact has every package of `container/wheels.txt`, and pip "
        "installs none with another digest. Only the first command needs a network: it fetches Debian's Python and "
        "C++ compiler, of the day on which the study was run. The others need root, and the network is off for "
        "whatever they run; `container/Containerfile` and `container/apptainer.def` say how to do the same without "
        "root. The second command ends with a digest of the whole file tree, which is the same whoever makes it. What "
        "is repeated there of the study itself is measured on your machine, and with its own kernel."
    )
    return (Section("Kick the tires without a network", (Commands(without_network()), Paragraph(text))),)


def _full(facts: Facts) -> Section:
    said = (
        f"This command reruns the whole study (about {duration(facts.run_seconds)} on the recorded machine), compares "
        "the new records with those of this artifact, and reports each claim as reproduced, not reproduced or "
        "undecided."
    )
    if not facts.claims:
        said = (
            f"These commands rerun the whole study (about {duration(facts.run_seconds)} on the recorded machine) and "
            "report, for each effect found in this artifact, whether it was found again; the study states no claims."
        )
    return Section(
        "Full evaluation",
        (
            Commands(full(facts)),
            Paragraph(
                f"{said} As absolute times differ between machines, ratios and their confidence intervals are compared."
            ),
        ),
    )


def _claims(facts: Facts) -> tuple[Section, ...]:
    """Return the claims, grouped by the trials that they need."""
    groups: dict[tuple[str | None, tuple[str, ...]], list[RecordedClaim]] = defaultdict(list)
    for claim in facts.claims:
        groups[claim.workload, claim.modes].append(claim)
    sections = tuple(_group(facts, workload, modes, claims) for (workload, modes), claims in groups.items())
    note = Paragraph(
        "The full evaluation checks all claims. Those of one group can also be checked on their own; all other claims "
        "are then reported as undecided, because their trials are not run. Portable claims are about outputs and what "
        "is computed, such as planned memory: any machine gives the same. Machine-bound ones are about times and "
        "memory as measured, and may fail on a machine that is unlike the recorded one."
    )
    return (Section("Claims", (note,), sections),) if groups else ()


def _group(facts: Facts, workload: str | None, modes: tuple[str, ...], claims: Sequence[RecordedClaim]) -> Section:
    rows = tuple(
        (
            f"`{claim.id}`",
            f"{plain(claim.statement)}.",
            plain(claim.found),
            claim.state,
            "portable" if claim.is_portable else "machine-bound",
        )
        for claim in claims
    )
    seconds, growth = facts.usage_of(workload, modes)
    cost = (
        f"Time: {duration(seconds)} for the trials. Memory: {size(growth)} on top of the loaded frameworks. Disk: "
        f"{size(facts.samples_bytes(workload, modes))} of raw samples."
    )
    return Section(
        f"{workload or 'All workloads'}, {' and '.join(modes)}",
        (
            Table(("claim", "statement", "recorded", "outcome", "kind"), rows, (0.2, 0.4, 0.17, 0.1, 0.13)),
            Paragraph(cost),
            Commands(of_claims(workload, modes)),
        ),
    )


def _cost(facts: Facts) -> Section:
    run = facts.environment.run
    known = run is not None and run.trials == facts.recorded.count
    items = [
        ("Time", f"{duration(facts.run_seconds)} for the whole study" + ("" if known else ", first trial to last")),
        ("Memory", f"{size(run.largest_process_bytes if run else None)} for the largest process"),
        (
            "Disk",
            f"{size(facts.bytes_of())} for this artifact, of which {size(facts.bytes_of(RESULT_ROLES))} are "
            f"records and raw samples; {size(run.work_bytes if run else None)} for programs and caches during the run; "
            f"{size(facts.environment.installed_bytes)} for installed packages",
        ),
    ]
    note = Paragraph(
        "All values were measured in the recorded run. The table gives the machine time of all attempts, and the "
        "growth of resident memory over that of a process that has loaded the frameworks (in hot mode, of all live "
        "trials of a block together)."
    )
    return Section("Resources", (Items(tuple(items)), note, cost_table(facts)))


def _systems(facts: Facts) -> Section:
    containers = {machine.container: None for machine in facts.trials.machines if machine.container}
    container = f" ({plain(', '.join(containers))})" if containers else ""
    return Section(
        "Supported systems",
        (
            Items((
                ("Runs on", f"Linux on x86-64 or ARM64. {needs(facts)}"),
                ("Recorded on", f"{kernels(facts)}{container} on {machine_line(facts)}"),
                ("Verifies on", "any system with Python 3.11 or later and the packages of `requirements.lock`"),
            )),
        ),
    )  # fmt: skip


def _map(facts: Facts) -> Section:
    entries: Counter[tuple[str, Role]] = Counter()
    for path in {entry.path for entry in facts.entries} | set(DOCUMENT_NAMES):
        folder, slash, _ = path.rpartition("/")
        entries[folder + slash or path, role_of(path)] += 1
    rows = [(f"`{entry}`", str(count), MEANING[role]) for (entry, role), count in sorted(entries.items())]
    first = (f"`{MANIFEST_NAME}`", "1", "SHA-256, size and role of every file; commands, versions and root digest")
    return Section("Contents", (Table(("file or folder", "files", "content"), (first, *rows), (0.35, 0, 0.5)),))
