"""Words of a template: the same in all languages, or one text for each."""

import re
from collections.abc import Mapping
from typing import Literal

LanguageCode = Literal["en", "zh"]
Words = str | Mapping[LanguageCode, str]
"""A text, or a map of languages to texts."""

_CHINESE = "[\u3000-\u9fff\uff00-\uffef]"
_FOLD = re.compile(f"(?<={_CHINESE}) (?={_CHINESE})|(?<=[\u3000-\u303f\uff00-\uffef]) ")


def words_in(words: Words, code: str) -> str:
    """Return words in a language; in English, or else in the first language that they have, where they lack it."""
    if isinstance(words, str):
        return words
    held = {str(language): text for language, text in words.items()}
    text = held.get(code) or held.get("en") or next(iter(held.values()), "")
    return _FOLD.sub("", text)  # YAML folds lines with a space, which Chinese does not have
