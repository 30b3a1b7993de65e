"""Names that can be part of the key of a number."""


def key_part(text: object) -> str:
    """Return text as it may be in a key: what LaTeX reads as a name, and no separator."""
    kept = "".join(one if (one.isalnum() and one.isascii()) or one in "_.+-=" else "-" for one in str(text))
    return kept or "-"
