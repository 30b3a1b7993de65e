"""Text cut to a length at the end of one of its parts, for the appendix that has two pages."""

import re

_ENDS = re.compile(r"(?<=[;,.]) ")


def abridged(text: str, most: int, rest: str) -> str:
    """Return a text of at most so many characters: whole parts of it, and where the rest stands.

    Args:
        text: Parts that end with a comma, a semicolon or a full stop. Code stands between backticks.
        most: Characters that it may have.
        rest: Name of the file that has all of it.
    """
    if len(text) <= most:
        return text
    note = f"more in `{rest}`"
    kept = longer = ""
    for part in _ENDS.split(text):
        longer = f"{longer} {part}".lstrip()
        if len(longer) + len(note) + 2 > most:
            break
        if longer.count("`") % 2 == 0:  # not within code
            kept = longer
    end = "." if text.endswith(".") else ""
    return (f"{kept.rstrip(',;.')}; {note}" if kept else note) + end
