"""Words of a template: the same in all languages, or one text for each."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

LanguageCode = Literal["en", "zh"]
Words = str | Mapping[LanguageCode, str]
"""A text, or a map of languages to texts."""
Condition = Literal["failed", "no_op", "one_at_a_time", "one_block", "single_precision", "warm_cache"]
"""What a study may have, by which a sentence of a caption stands or not."""
CAPTION_IF = (
    "Condition -> what stands at the end of the caption where the study has it: failed (a trial failed), no_op "
    "(a knob changes nothing in a program), one_at_a_time (knobs varied so), one_block (an effect of one block), "
    "single_precision (no float64 to compare with), warm_cache (cold trials that share a cache)."
)

_CHINESE = "[\u3000-\u9fff\uff00-\uffef]"
_FOLD = re.compile(f"(?<={_CHINESE}) (?={_CHINESE})|(?<=[\u3000-\u303f\uff00-\uffef]) ")


def joined(first: Words, *rest: Words) -> Words:
    """Return sentences one after the other: in each language, if any of them has several."""
    if not rest:
        return first
    texts = (first, *rest)
    if all(isinstance(one, str) for one in texts):
        return " ".join(map(str, texts))
    return {code: " ".join(words_in(one, code).strip() for one in texts) for code in get_args(LanguageCode)}


def words_in(words: Words, code: str) -> str:
    """Return words in a language; in English, or else in the first language that they have, where they lack it."""
    if isinstance(words, str):
        return words
    held = {str(language): text for language, text in words.items()}
    text = held.get(code) or held.get("en") or next(iter(held.values()), "")
    return _FOLD.sub("", text)  # YAML folds lines with a space, which Chinese does not have
