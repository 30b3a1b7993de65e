"""The stages of a study: which configurations are run, and which of them follow from what others showed."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablatrix.study.levels import Knobs, Levels
from ablatrix.study.names import Name
from ablatrix.study.part import Part

ALL, ALL_ON = "all", "all_on"
FORMS = ("factorial", "vary", "screen", "factorial_of")
"""What a stage is: one of these."""
LATER = frozenset({"screen", "design", "configurations", "budget_s", "factorial_of"})
LARGEST_FACTORIAL = 2048
"""Configurations of a factorial that a study gets without saying that it wants so many."""
MOST_SCREENED = 128
"""Configurations of a screening that a study gets without saying how many it wants at most."""
MOST_CONFIRMED = 8


def _without_levels(value: Any) -> Any:
    """Return what is written as a list of knobs, or as ``all``, as a map without levels."""
    if value == ALL:
        return {ALL: None}
    return dict.fromkeys(value) if isinstance(value, list) and {*map(type, value)} <= {str} else value


def _all_on(value: Any) -> Any:
    return {ALL_ON: "on"} if value == ALL_ON else value


Varied = Annotated[dict[str, Levels | None], BeforeValidator(_without_levels)]
"""Knob -> levels; None: those that the knob has. The key ``all`` stands for every knob of the study."""
DesignName = Literal["factorial", "fraction", "plackett_burman", "definitive", "one_at_a_time", "shapley", "groups"]


class FactorialOf(Part):
    """Which knobs of a screening a later stage confirms."""

    stage: str = Field(description="Name of the `screen` stage.")
    most: int = Field(default=4, ge=1, le=MOST_CONFIRMED, description="Knobs that are confirmed, at most.")


class Stage(Part):
    """A part of the study: a full factorial, knobs varied one at a time, a screening, or its confirmation."""

    name: Name = Field(description="Name of the stage.")
    factorial: dict[str, Levels] | None = Field(
        default=None, description="Knob -> levels; every combination is a configuration."
    )
    around: Annotated[Knobs, BeforeValidator(_all_on)] | None = Field(
        default=None, description="Configuration that `vary` departs from; all_on: each knob that it varies is on."
    )
    vary: Varied | None = Field(
        default=None,
        description="Knob -> levels; each is changed alone, the rest stays as in `around`. A list of knobs, or all, "
        "has every level of each.",
    )
    screen: Varied | None = Field(
        default=None,
        description="Knob -> levels, a list of knobs, or all: those that change nothing leave, the others are "
        "screened.",
    )
    design: DesignName | None = Field(
        default=None, description="Design of the screening; chosen by knobs, budget and activity when left out."
    )
    configurations: int | None = Field(
        default=None, ge=2, le=1_000_000, description="Configurations that a screening or a factorial may have."
    )
    budget_s: float | None = Field(
        default=None, gt=0, description="Time that a screening may take, for a workload on a compiler."
    )
    factorial_of: FactorialOf | None = Field(
        default=None, description="Every combination of the knobs that a screening found largest, on fresh blocks."
    )
    workloads: list[str] | None = Field(default=None, description="Only these workloads; all when left out.")
    compilers: list[str] | None = Field(default=None, description="Only these compilers; all when left out.")

    @model_validator(mode="after")
    def _one_form(self) -> "Stage":
        forms = [form for form in FORMS if getattr(self, form) is not None]
        if len(forms) != 1:
            raise ValueError("a stage has either 'factorial', 'vary', 'screen' or 'factorial_of', and only one of them")
        if (self.vary is None) != (self.around is None):
            raise ValueError("'vary' and 'around' go together: 'around' is the configuration that is varied")
        for knobs in (self.factorial, self.vary, self.screen):
            if knobs is not None and not knobs:
                raise ValueError("name at least one knob with its levels")
        if self.screen is None and (self.design or self.budget_s):
            raise ValueError("'design' and 'budget_s' go with 'screen'")
        if self.configurations is not None and self.screen is None and self.factorial is None:
            raise ValueError("'configurations' goes with 'screen' or 'factorial'")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what came later and is not given, so that the digests of studies without it stay the same."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if key not in LATER or value is not None}

    @property
    def table(self) -> dict[str, Levels | None]:
        """The knobs that it names, with levels where it says them; nothing of a confirmation."""
        return {knob: levels for _, held in self.tables for knob, levels in held.items()}

    @property
    def tables(self) -> list[tuple[str, dict[str, Levels | None]]]:
        """What it says of knobs, by its key."""
        found = (("factorial", self.factorial), ("vary", self.vary), ("screen", self.screen))
        # Of a stage with a fault of its own a part may be as the file has it.
        return [(key, dict(held)) for key, held in found if isinstance(held, dict)]

    @property
    def centre(self) -> Knobs:
        """The levels that `around` says, without ``all_on``."""
        return {knob: level for knob, level in self._around.items() if knob != ALL_ON}

    @property
    def is_around_all_on(self) -> bool:
        """Whether each knob that it varies is on in the configuration that it departs from."""
        return ALL_ON in self._around

    @property
    def _around(self) -> Knobs:
        return self.around if isinstance(self.around, dict) else {}

    @property
    def is_adaptive(self) -> bool:
        """Whether its configurations follow from what was built or measured."""
        return self.screen is not None or self.factorial_of is not None

    def is_about(self, workload: str, base: str, compiler: str) -> bool:
        """Return whether it runs a workload, or the one that it is a variant of, on a compiler."""
        of_workload = self.workloads is None or bool({workload, base} & set(self.workloads))
        return of_workload and (self.compilers is None or compiler in self.compilers)
