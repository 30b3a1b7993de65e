"""Names that can be part of the key of a number: different names give different parts, so that keys stay unique."""

from ablatrix.canonical import content_id

MARK = 4  # hexadecimal digits that tell apart what would read the same
RESERVED = ("geometric_mean", "effect", "all_on")  # words that keys have where others have a workload


def key_part(text: object) -> str:
    """Return text as it may be in a key: what LaTeX reads as a name, and no separator.

    Text that has other characters, or is a reserved word, ends with digits of its content id: ``-O2 -g`` and
    ``-O2--g`` are two levels.
    """
    whole = str(text)
    if not whole:
        return "-"
    kept = "".join(one if (one.isalnum() and one.isascii()) or one in "_.+-=" else "-" for one in whole)
    return kept if kept == whole and whole not in ("-", *RESERVED) else f"{kept}.{content_id(whole)[:MARK]}"


def step_part(knob: object, level: object, base: object = None) -> str:
    """Return the part of a key that names a knob at a level; with the level that it comes from where that matters."""
    named = f"{key_part(knob)}={key_part(level)}"
    return named if base is None else f"{named}/from={key_part(base)}"


def words_part(words: str) -> str:
    """Return words of our own, which no name of a user can be, as a part of a key."""
    return words.replace(" ", "-")
