"""A YAML parser with bounds on depth, on values, and on what aliases make of them.

A few lines of YAML can stand for billions of values, or for one that contains itself. Both are legal YAML, and both
keep a reader busy for ever; a document that people write has neither. It has no tags either, which make a value
something else than it looks like.
"""

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import TaggedScalar
from ruamel.yaml.composer import Composer, ComposerError, MaxDepthExceededError
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.scanner import Scanner

from ablatrix.foreign_text import shown

MOST_DEPTH = 50
MOST_VALUES = 20_000
LONGEST_TEXT = 64 * 1024
LONGEST_NUMBER = 40
MOST_SHOWN = 40
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[-+]?(0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)")


class OutOfBoundsError(ComposerError):
    """A document has more, or deeper, or longer values than people write."""


class _BoundedComposer(Composer):
    """Composes nodes, and counts what the document would be with every alias written out."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # it is said nowhere else either
        self._values = 0
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        is_alias = type(event).__name__ == "AliasEvent"
        if is_alias and event.anchor in self.anchors and event.anchor not in self._sizes:
            raise OutOfBoundsError(
                None, None, f"'*{event.anchor}' stands inside what it is an alias of", event.start_mark
            )
        if not is_alias and event.tag is not None:
            raise OutOfBoundsError(None, None, f"a value has the tag '{shown(event.tag)}'", event.start_mark)
        if index is None and isinstance(parent, MappingNode) and not self._is_scalar(event):
            raise OutOfBoundsError(None, None, "a key is a list or a map", event.start_mark)
        self._values += self._sizes.get(event.anchor, 1) if is_alias else 1
        if self._values > MOST_VALUES:
            by = ", aliases written out" if self._sizes else ""
            raise OutOfBoundsError(None, None, f"more than {MOST_VALUES} values{by}", event.start_mark)
        before = self._values
        if not is_alias:
            self._sizes.pop(event.anchor, None)  # an anchor may be given anew
        try:
            node = super().compose_node(parent, index)
        except MaxDepthExceededError:
            raise OutOfBoundsError(None, None, f"values nested more than {MOST_DEPTH} deep", event.start_mark) from None
        if not is_alias and event.anchor is not None:
            self._sizes[event.anchor] = self._values - before + 1
        return node

    def _is_scalar(self, event: Any) -> bool:
        if type(event).__name__ == "AliasEvent":
            return isinstance(self.anchors.get(event.anchor), ScalarNode | None)
        return type(event).__name__ == "ScalarEvent"

    def compose_scalar_node(self, anchor: Any) -> Any:
        event = self.parser.peek_event()
        if len(event.value) > LONGEST_TEXT:
            raise OutOfBoundsError(None, None, f"a text of more than {LONGEST_TEXT} characters", event.start_mark)
        if len(event.value) > LONGEST_NUMBER and event.style is None and _NUMBER.fullmatch(event.value):
            raise OutOfBoundsError(None, None, f"a number of more than {LONGEST_NUMBER} digits", event.start_mark)
        if _SURROGATE.search(event.value):
            said = "a text has half of a surrogate pair, which is no character"
            raise ComposerError(None, None, said, event.start_mark)
        if "\0" in event.value:
            raise ComposerError(
                None, None, "a text has a zero character, which no name and no path has", event.start_mark
            )
        return super().compose_scalar_node(anchor)


class _CheckedConstructor(RoundTripConstructor):
    """Makes values of nodes, and says where a text that looks like a number or a date is none."""

    def construct_non_recursive_object(self, node: Any, tag: str | None = None) -> Any:
        try:
            made = super().construct_non_recursive_object(node, tag)
        except (ValueError, IndexError, OverflowError) as error:
            said = f"'{str(node.value)[:MOST_SHOWN]}' looks like a number or a date, and is none ({error})"
            raise ConstructorError(None, None, said, node.start_mark) from None
        return made.value if isinstance(made, TaggedScalar) else made  # '=' and '<<', which have tags of their own


def bounded_parser() -> YAML:
    """Return a parser that keeps line marks and raises an `OutOfBoundsError` where a document is out of bounds."""
    parser = YAML(typ="rt", pure=True)
    parser.max_depth = MOST_DEPTH
    # Without comments, which are of no use here: keeping them stops at some valid documents ("overlap in comment").
    parser.Scanner, parser.Parser = Scanner, Parser
    parser.Composer = _BoundedComposer
    parser.Constructor = _CheckedConstructor
    return parser
