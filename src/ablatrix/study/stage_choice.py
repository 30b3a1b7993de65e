"""What a screening or its confirmation turned out to be: written into the design before any of it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ablatrix.compilers.catalogue import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class StageChoice:
    """What a stage that follows from results is, for one workload on one compiler.

    Attributes:
        design: The design of its configurations, such as ``folded Plackett-Burman``.
        resolution: Of a screening: at 3 main effects are mixed with interactions of two knobs; at 4 with none, but
            these with each other; at 5 with neither. None where every combination is known.
        levels: The knobs that it varies with their levels, in the order of the study. Of a search by groups, as a knob
            stays and as it is left out; idle knobs are among them, which leave where all that can go does.
        idle: Knobs that left because they changed nothing, each with the SHA-256 of the two programs that it left as
            they were: by itself, and with all others moved but those that are ``needed``.
        failed: Knobs that left because every configuration with them failed, each with how.
        needed: Knobs that stayed at the baseline's level where the others were tried as the last, as nothing compiles
            with all moved.
        of: Of a confirmation: the stage that it confirms.
        configurations: How many it has; of one that goes on in rounds, at most.
        programs: How many distinct programs these are, where all corners were compiled; else None.
        corners: Where all corners were compiled: by the cell that is timed for a program, the corners that are this
            program; bit i of a corner says whether knob i is moved.
        orders: Of sampled Shapley shares: the orders in which knobs are moved, by their numbers, a pair after the
            other; how many pairs are run follows from how wide intervals are.
        blocks: Repeats of each configuration at first.
        why: Why it is this design, in a sentence.
    """

    stage: str
    workload: str
    compiler: str
    design: str
    resolution: int | None
    levels: Mapping[str, tuple[Level, ...]]
    configurations: int
    blocks: int
    why: str
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    of: str | None = None
    programs: int | None = None
    corners: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    orders: tuple[tuple[int, ...], ...] = ()

    @property
    def knobs(self) -> tuple[str, ...]:
        """The knobs that it varies."""
        return tuple(self.levels)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data; the order of the knobs is kept by a list."""
        return asdict(self) | {"levels": [[knob, list(levels)] for knob, levels in self.levels.items()]}

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> "StageChoice":
        """Return it from plain data.

        Raises:
            TypeError, ValueError, KeyError: It is none.
        """
        pairs: Sequence[tuple[str, Sequence[Level]]] = held["levels"]
        idle = {knob: tuple(digests) for knob, digests in dict(held["idle"]).items()}
        corners = {cell: tuple(several) for cell, several in dict(held["corners"]).items()}
        levels = {knob: tuple(several) for knob, several in pairs}
        orders = tuple(map(tuple, held.get("orders", ())))
        needed = tuple(held.get("needed", ()))
        told = {"levels": levels, "idle": idle, "corners": corners, "orders": orders, "needed": needed}
        return cls(**{**held, **told})
