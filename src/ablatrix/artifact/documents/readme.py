"""README.md of an artifact: what it is, how to check it, how to run it again, and what that costs."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from ablatrix.artifact.contents import DOCUMENT_NAMES, MANIFEST_NAME, RecordedClaim, Role, role_of
from ablatrix.artifact.documents.conditions import hardware, kernels, needs
from ablatrix.artifact.documents.facts import RESULT_ROLES, Facts, duration, size
from ablatrix.artifact.documents.markup import Commands, Items, Paragraph, Section, Table, markdown, plain
from ablatrix.artifact.documents.origins import authors_line, code_licences, data_licences
from ablatrix.artifact.documents.steps import TINY, about_torch, full, installation, of_claims

MEANING: dict[Role, str] = {
    "records": "one JSON object a line and trial: everything that was measured",
    "design": "what was planned, in which order",
    "study": "the study that was run",
    "claims": "what the study claims, to be checked by its records",
    "samples": "raw samples of hot trials, unrounded, by block",
    "plan": "plans of the workloads",
    "table": "tables, made of the records",
    "figure": "figures, made of the records",
    "text": "text and numbers for the paper, made of the records",
    "provenance": "for every printed number the records that it came from",
    "page": "report in HTML: open it in a browser; it needs no network",
    "template": "what the paper's tables, figures and text are made of",
    "environment": "the machine, what the environment check found before the run, what the run cost",
    "readme": "this file",
    "appendix": "the artifact appendix, for people and for LaTeX",
    "citation": "how to cite this artifact",
    "crate": "the same for machines: RO-Crate 1.1, Process Run Crate 0.5",
    "lock": "exact versions of the packages to install",
    "software": "ablatrix itself, as it made this artifact; `pip install` takes it",
    "example": "a tiny study, with claims of its own, to kick the tires with",
    "licence": "licence of ablatrix",
    "log": "what the run printed",
    "other": "files that came with the study",
}


def readme_text(facts: Facts) -> str:
    """Return the README."""
    sections = (_tires(facts), _full(facts), *_claims(facts), _cost(facts), _systems(facts), _map(facts))
    return markdown(Section(f"Artifact of the study `{facts.name}`", _abstract(facts), sections))


def machine_line(facts: Facts) -> str:
    """Return the machine and the software in one line."""
    return f"{hardware(facts)}; with {software_line(facts)}"


def software_line(facts: Facts) -> str:
    """Return the versions of the software in one line."""
    return ", ".join(f"{name} {plain(text)}" for name, text in facts.versions.items())


def status_line(facts: Facts) -> str:
    """Return the number of trials, by status."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(facts.statuses.items()))
    return f"{len(facts.final)} trials ({counts})"


def not_run_line(facts: Facts) -> str:
    """Return how many trials were not run, by status."""
    counts = Counter(record.status for record in facts.not_run)
    named = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{len(facts.not_run)} trials were not run, or not to their end ({named})"


def cost_table(facts: Facts) -> Table:
    """Return the cost of each workload in each mode."""
    rows = [
        (usage.workload, usage.mode, str(usage.attempts), f"{usage.seconds:.1f}", size(usage.growth_bytes))
        for usage in facts.usages
    ]
    rows.append(("all", "", str(len(facts.records)), f"{sum(usage.seconds for usage in facts.usages):.1f}", ""))
    return Table(("workload", "mode", "attempts", "seconds", "memory"), tuple(rows), (0.3, 0.12, 0, 0, 0))


def _abstract(facts: Facts) -> tuple[Paragraph, ...]:
    held = Counter(claim.state for claim in facts.claims)
    counts = ", ".join(f"{held[state]} {word}" for state, word in STATES if held[state])
    claims = f" It makes {len(facts.claims)} claims; by its own records, {counts}." if facts.claims else ""
    failures = f" {len(facts.failed)} trials failed; they are recorded as such, and no number is made of them."
    not_run = f" {not_run_line(facts)}."
    parts = [plain(facts.description)] if facts.description else []
    parts.append(
        f"{status_line(facts)}, run on {facts.start:%Y-%m-%d} on {machine_line(facts)}."
        + claims
        + (failures if facts.failed else "")
        + (not_run if facts.not_run else "")
    )
    parts.append(f"Authors: {authors_line(facts)}. Licences: {code_licences(facts)}; {data_licences(facts)}.")
    return tuple(Paragraph(part) for part in parts)


STATES = (("holds", "hold"), ("fails", "fail"), ("undecided", "are undecided"))


def _tires(facts: Facts) -> Section:
    return Section(
        "Kick the tires (meant for 30 minutes)",
        (
            Paragraph(
                f"From this folder, with Python 3.11 or later and a C++ compiler. Nearly all of the time is the "
                f"download of the packages ({size(facts.environment.installed_bytes)} when installed); the tiny "
                f"study itself takes about a minute on two cores. {about_torch(facts)}".rstrip()
            ),
            Commands((*installation(facts), *TINY)),
            Paragraph(
                "`ablatrix doctor` names what the machine lacks: what is fatal, and what only makes numbers differ. "
                "`ablatrix verify .` hashes every file, validates every record, compares the records with the design, "
                "makes every table, figure, text and document again from the records and compares it; it ends with "
                f"`holds`, and with the root digest, which stands in `{MANIFEST_NAME}` and covers everything: compare "
                "it with the published one. It needs neither torch nor a compiler. The last command runs the tiny "
                "study of `tiny/` here and checks its claims. Do not add files to this folder: `verify` reports them."
            ),
        ),
    )


def _full(facts: Facts) -> Section:
    subject = "for each claim: reproduced, not reproduced, or undecided"
    if not facts.claims:
        subject = "for each effect that was found here whether it was found again (the study states no claims)"
    return Section(
        "Full evaluation",
        (
            Commands(full(facts)),
            Paragraph(
                f"This runs the whole study again (about {duration(facts.run_seconds)} on the recorded machine), "
                f"compares it with the records of this artifact, and reports {subject}. Times will differ on another "
                "machine; ratios are compared, with their intervals."
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
        "The full evaluation checks all of them. The claims of one group can also be checked alone; all others are "
        "then undecided, as they have no trials."
    )
    return (Section("Claims", (note,), sections),) if groups else ()


def _group(facts: Facts, workload: str | None, modes: tuple[str, ...], claims: Sequence[RecordedClaim]) -> Section:
    rows = tuple((f"`{claim.id}`", f"{plain(claim.statement)}.", plain(claim.found), claim.state) for claim in claims)
    seconds, growth = facts.usage_of(workload, modes)
    cost = (
        f"Time: {duration(seconds)} of trials. Memory: {size(growth)} beside the loaded frameworks. Disk: "
        f"{size(facts.samples_bytes(workload, modes))} of raw samples."
    )
    return Section(
        f"{workload or 'All workloads'}, {' and '.join(modes)}",
        (
            Table(("claim", "statement", "recorded", "outcome"), rows, (0.2, 0.45, 0.2, 0.1)),
            Paragraph(cost),
            Commands(of_claims(workload, modes)),
        ),
    )


def _cost(facts: Facts) -> Section:
    run = facts.environment.run
    known = run is not None and run.trials == len(facts.records)
    items = [
        ("Time", f"{duration(facts.run_seconds)} for the whole study" + ("" if known else ", first trial to last")),
        ("Memory", f"{size(run.largest_process_bytes if run else None)}: the largest process"),
        (
            "Disk",
            f"{size(facts.bytes_of())} this artifact, of which {size(facts.bytes_of(RESULT_ROLES))} records and raw "
            f"samples; {size(run.work_bytes if run else None)} of programs and caches while it runs; "
            f"{size(facts.environment.installed_bytes)} of installed packages",
        ),
    ]
    note = Paragraph(
        "Measured in the recorded run. Below: machine time of all attempts, and by how much resident memory grew over "
        "that of a process that has loaded the frameworks (in hot mode all live trials of a block together)."
    )
    return Section("What it takes", (Items(tuple(items)), note, cost_table(facts)))


def _systems(facts: Facts) -> Section:
    containers = {machine.container: None for machine in facts.machines if machine.container}
    container = f", in {plain(', '.join(containers))}" if containers else ""
    return Section(
        "Supported systems",
        (
            Items((
                ("Runs on", f"Linux on x86-64 or ARM64. {needs(facts)}"),
                ("Recorded on", f"{kernels(facts)}{container}, {machine_line(facts)}"),
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
    first = (f"`{MANIFEST_NAME}`", "1", "SHA-256, size and role of every file, commands, versions, root digest")
    return Section("What is here", (Table(("file or folder", "files", "what it is"), (first, *rows), (0.35, 0, 0.5)),))
