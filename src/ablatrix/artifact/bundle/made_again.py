"""Do tables, figures, text, page and documents follow from the records? They are made again, and compared."""

from dataclasses import dataclass
from io import BytesIO

from ablatrix.artifact.checks import Derive, Extent, check_derived, describe_difference
from ablatrix.artifact.contents import CITATION_NAME, CRATE_NAME, MANIFEST_NAME, Manifest, Problem, Reading, Recorded
from ablatrix.artifact.documents import make_documents, read_facts
from ablatrix.errors import AblatrixError
from ablatrix.records.names import STUDY_NAME
from ablatrix.regular_files import open_regular

MADE, DOCUMENTS = "tables, figures, text and page", "the documents"
"""What is made again from the records, as summaries name it."""
_FROM_ABOUT = (
    f"; its title, authors, licence and DOI come from 'about' in {STUDY_NAME}: change them there, and make the "
    "artifact again"
)
REMEDIES = {CITATION_NAME: _FROM_ABOUT, CRATE_NAME: _FROM_ABOUT}


@dataclass(frozen=True, kw_only=True)
class MadeAgain:
    """What came of it.

    Attributes:
        problems: What does not follow from the records.
        notes: What could not be compared, and why.
        unchecked: What was not made, as there are too many records.
    """

    problems: list[Problem]
    notes: list[str]
    unchecked: tuple[str, ...]


def check_made(
    reading: Reading,
    recorded: Recorded,
    manifest: Manifest | None,
    derive: Derive,
    *,
    inputs_hold: bool,
    extent: Extent | None,
) -> MadeAgain:
    """Make everything that follows from valid records again, and compare it.

    Args:
        reading: The artifact.
        recorded: What its records say.
        manifest: Its manifest; None without one, and then documents are not made, which list all files.
        derive: Makes tables, figures, text and page.
        inputs_hold: Whether the other files that documents are made from are those of the manifest.
        extent: Most records from which that is done; None: any number.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    unchecked: tuple[str, ...] = ()
    excess = None if extent is None else extent.excess(reading.records, recorded)
    if excess is None:
        problems, notes = check_derived(reading, manifest.versions if manifest else {}, derive)
    else:
        notes, unchecked = [excess], (MADE,)
    if not inputs_hold:
        notes.append("study, claims or environment do not hold, so the documents were not made again")
    elif excess is not None and reading.claims is not None:
        unchecked += (DOCUMENTS,)  # they say what became of each claim, which takes the table of all trials
    elif manifest is not None:
        problems += _check_documents(reading, recorded, manifest)
    return MadeAgain(problems=problems, notes=notes, unchecked=unchecked)


def _check_documents(reading: Reading, recorded: Recorded, manifest: Manifest) -> list[Problem]:
    """Make every document again, and compare it with the one in the artifact."""
    try:
        made = make_documents(read_facts(reading, recorded, manifest.files))
    except AblatrixError as error:
        return [Problem(MANIFEST_NAME, "invalid", f"the documents cannot be made again: {error}")]
    problems = []
    for name, text in made.items():
        try:
            with open_regular(reading.directory / name) as found:
                difference = describe_difference(name, found, BytesIO(text.encode()))
        except FileNotFoundError:
            problems.append(Problem(name, "missing", "every artifact has this document"))
            continue
        except OSError:
            continue  # the comparison with the manifest has reported it
        if difference is not None:
            problems.append(Problem(name, "differs", difference + REMEDIES.get(name, "")))
    return problems
