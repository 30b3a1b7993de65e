"""What a compiler's error says, as a part of a sentence: without colours, and never a bare value."""

from __future__ import annotations

import re

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def reason_of(error: BaseException) -> str:
    """Return what an error says; its type is named where the text alone would say nothing (``None``, ``3``)."""
    text = COLOURS.sub("", str(error)).strip()
    return text if " " in text or "." in text else f"{type(error).__name__}: {text}".rstrip(": ")


def first_reason(error: BaseException) -> str:
    """Return the first line of what the innermost cause of an error says: what is around it says where it was."""
    while error.__cause__ is not None:
        error = error.__cause__
    return reason_of(error).partition("\n")[0]
