"""What is known about a workload before it is built: its tier, its parameters, and where it comes from.

Plain values, which load without torch and can be passed to any process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from ablatrix.canonical import digest_value
from ablatrix.plugin_sources import PluginSource

Tier = Literal["tiny", "medium", "hard"]
Size = int | float | str | bool
SourceKind = Literal["function", "saved", "onnx", "architecture", "checkpoint"]


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One size of a workload.

    Attributes:
        default: Size when a study gives none, and the type that a size must have; None: a study must give one.
        summary: What it is, with its unit.
        minimum: Smallest size allowed; None: any.
        multiple_of: Name of another parameter that must divide this one.
        at_least: Name of another parameter that this one must not be smaller than.
        choices: The only sizes allowed; empty: any.
        optional: Its type, where a study may leave it out: then the workload has no such parameter, and is what it
            was before there was one.
        beside: Name of an optional parameter without which this one has no meaning.
        unless: Name of an optional parameter beside which this one has no meaning.
    """

    default: Size | None
    summary: str
    _: KW_ONLY
    minimum: int | None = 1
    multiple_of: str | None = None
    at_least: str | None = None
    choices: tuple[Size, ...] = ()
    optional: Literal["int", "text"] | None = None
    beside: str | None = None
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a user's own model comes from.

    Attributes:
        source: As the study writes it.
        kind: ``function``: ``module:function`` or ``file.py:function``; ``saved``: a ``.pt2`` file; ``onnx``: an
            ``.onnx`` file; ``architecture``: a transformers configuration; ``checkpoint``: a directory with a
            configuration and weights of transformers.
        file: The file that holds it, absolute; None where there is none.
        digest: SHA-256 of the file, None where there is none.
        parts: Further files that belong to it, relative to its directory, with the SHA-256 of each: weights that an
            ONNX file keeps elsewhere, its test data.
    """

    source: str
    kind: SourceKind
    file: str | None = None
    digest: str | None = None
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """What a study gives for an input: a value, a range, or what a file holds.

    Attributes:
        value: A number, a boolean or a nested list of them, as JSON; None where it gives another.
        low: Smallest value of a range.
        high: Largest value of a range.
        file: A file that holds it, absolute.
        name: The file as the study writes it.
        key: Its name within the file; None: the input's own.
        digest: SHA-256 of the file.
    """

    value: str | None = None
    low: int | float | None = None
    high: int | float | None = None
    file: str | None = None
    name: str | None = None
    key: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadEntry:
    """What is known about a workload before it is built.

    Attributes:
        name: As studies write it.
        tier: How large it is to compile.
        summary: One sentence.
        parameters: Its sizes by name.
        builder: ``module:function`` or ``file.py:function``; the function takes the parameters and returns a
            ``Built``. For an entry with an origin: the user's function, or the file or configuration to read.
        dynamic: Names of the dimensions whose size is only bounded when it is compiled.
        origin: Where a user's own model comes from; None for a workload that is shipped or comes with a plug-in.
        plugin: The files of the plug-in that it comes with, None where it comes with a package or is a user's own.
        train: Whether a user's own model is meant to be in train mode.
        inputs: What a study gives for some of its inputs, by their names; under ``""`` for all.
    """

    name: str
    tier: Tier
    summary: str
    parameters: Mapping[str, ParameterSpec]
    builder: str
    dynamic: tuple[str, ...] = ()
    origin: Origin | None = None
    plugin: PluginSource | None = None
    train: bool = False
    inputs: Mapping[str, GivenInput] = field(default_factory=dict)

    @property
    def source_digest(self) -> str | None:
        """SHA-256 of the file of a user's own model, or of the files of a plug-in; None for one of a package.

        Of a model in several files, or with inputs from files, it is that of the digests of all.
        """
        if self.origin is not None:
            given = {name: one.digest for name, one in self.inputs.items() if one.digest is not None}
            if self.origin.parts:
                given["parts"] = digest_value(dict(self.origin.parts))
            return digest_value({"model": self.origin.digest, **given}) if given else self.origin.digest
        return None if self.plugin is None else self.plugin.digest
