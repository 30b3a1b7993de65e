"""A pass, or a pipeline, of a study's author, as a plain value that can be passed to any process."""

from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.errors import CompilerError
from ablatrix.import_spec import import_place
from ablatrix.plugin_sources import PluginSource


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPass:
    """A pass of a study's author, which a knob inserts into the compiler's own sequence, or a pipeline of it.

    Attributes:
        name: Where it is, as the study writes it: ``file.py:name``.
        source: Its file, with what that imports from beside it.
        where: On which side of its anchor it runs; ``whole``: it is a pipeline, which is given
            the compiler's sequence and returns the one that runs.
        anchor: A pass of the compiler, or a point of its sequence; empty for a pipeline.
    """

    name: str
    source: PluginSource
    where: Literal["before", "after", "whole"]
    anchor: str

    @property
    def kind(self) -> str:
        """What it is called in studies."""
        return "pipeline" if self.where == "whole" else "pass"

    @property
    def address(self) -> str:
        """What it is, as records name it."""
        return f"{self.kind}:{self.name}"

    @property
    def identity(self) -> dict[str, str]:
        """What code depends on: the same wherever the file lies."""
        name = self.name.rpartition(":")[2]
        return {"name": name, "digest": self.source.digest, "where": self.where, "anchor": self.anchor}

    def load(self) -> Any:
        """Return the object that the file has under the name.

        Raises:
            CompilerError: It cannot be imported.
        """
        try:
            return import_place(f"{self.source.file}:{self.name.rpartition(':')[2]}")
        except Exception as error:  # a file of somebody else's can raise anything
            reason = f"{type(error).__name__}: {error}"
            raise CompilerError(f"{self.kind} {self.name} cannot be imported: {reason}") from error
