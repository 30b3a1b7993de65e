"""Text that others wrote, in the terminal and in documents: what could pass for something else is made visible.

A line break in a name could imitate a line of ours, an escape sequence could clear the screen, and marks of direction
or characters without a width could hide what a name says.
"""

import re
import shlex
import unicodedata
from collections.abc import Iterable
from pathlib import Path

# Control characters, line ends, marks of direction, what has no width, and halves of surrogates.
ODD = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
LONGEST = 200
MAP, LIST, KEY, VALUE = 240, 88, 80, 64
"""Bytes that a value of a JSON text may take as an object; of a map and a list, beside what they hold."""
MOST_OBJECT_BYTES = 48 * 2**20
"""What the values of a JSON text of others may take as objects, where its reader says nothing else: some 300,000
fields. A model that refuses each of them keeps ten times as much to say so."""


def is_plain(text: str) -> bool:
    """Return whether text has nothing odd."""
    return ODD.search(text) is None


def twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of names that differ in case alone, or in how letters are composed: somewhere they are one file."""
    first: dict[str, str] = {}
    pairs = ((first.setdefault(unicodedata.normalize("NFC", name).casefold(), name), name) for name in sorted(names))
    return [(one, other) for one, other in pairs if one != other]


def without_odd(text: str) -> str:
    """Return text with a space for each odd character that is a kind of space, and without all others."""
    return ODD.sub(lambda found: " " if found[0].isspace() else "", text)


def without_controls(text: str) -> str:
    """Return text of several lines without odd characters, but for line ends and tabs."""
    return ODD.sub(lambda found: found[0] if found[0] in "\n\t" else "", text)


def escaped(text: str) -> str:
    """Return text with each odd character written as an escape."""
    return ODD.sub(lambda found: ascii(found[0])[1:-1], text)


def printed(text: str) -> str:
    """Return text of several lines as a terminal may show it: odd characters but line ends and tabs as escapes."""
    return ODD.sub(lambda found: found[0] if found[0] in "\n\t" else ascii(found[0])[1:-1], text)


def many_values(text: bytes, most: int = MOST_OBJECT_BYTES) -> str | None:
    """Return, in words, that the values of a JSON text take too much memory; None where they do not.

    The shortest ones take eighty times their text as objects of Python, so that a bound of the text alone is none of
    memory. Counted are a map, a list, a key with its place in a map, and any value, as they are in Python 3.11; what
    looks like them within a text counts, too.

    Args:
        text: The text.
        most: Bytes that they may take.
    """
    maps, lists, keys, values = map(text.count, (b"{", b"[", b":", b","))
    if MAP * maps + LIST * lists + KEY * keys + VALUE * values <= most:
        return None
    return f"its values take more than {most / 2**20:g} MiB of memory"


def shown(text: str) -> str:
    """Return text on one line, odd characters written as escapes, and cut where it is long."""
    return escaped(text) if len(text) <= LONGEST else f"{escaped(text[:LONGEST])}..."


def shell_word(text: str | Path) -> str:
    """Return text, or a path, as one word of a shell, on one line; plain names stay as they are."""
    text = str(text)
    if is_plain(text):
        return shlex.quote(text)
    inside = "".join(one if is_plain(one) and one not in "'\\" else _as_bytes(one) for one in text)
    return f"$'{inside}'"


def _as_bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
