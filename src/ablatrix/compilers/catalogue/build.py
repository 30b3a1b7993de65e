"""Builds of a compiler in a study, as its entry has them."""

from dataclasses import dataclass

BUILD = "build"
"""The knob whose levels are the names of builds."""


@dataclass(frozen=True, slots=True)
class BuildChoice:
    """One build of a compiler.

    Attributes:
        name: Its name in the study.
        identity: Digest of what was asked for.
    """

    name: str
    identity: str
