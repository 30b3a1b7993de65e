"""The names that somebody who misspelt one may have meant."""

import difflib
from collections.abc import Sequence

MAX_NEAREST = 3


def nearest_names(name: str, names: Sequence[str]) -> str:
    """Return the end of a message: ``; nearest: a, b``, or nothing where no name is like this one."""
    by_fold = {one.casefold(): one for one in names}
    found = difflib.get_close_matches(name.casefold(), list(by_fold), n=MAX_NEAREST, cutoff=0.5)
    return f"; nearest: {', '.join(by_fold[one] for one in found)}" if found else ""
