"""The figures of a template: one model for each kind of figure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.paper.template.words import CAPTION_IF, Condition, Words

Mode = Literal["cold", "hot"]
MOST_MARKS = 4
Knobs = Annotated[list[str], Field(min_length=1)]


class FigureBase(BaseModel):
    """What every figure has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1)] = Field(description="Its number in the paper; files are named by it.")
    title: Words
    caption: Words
    caption_if: Mapping[Condition, Words] = Field(default={}, description=CAPTION_IF)
    appendix: bool = Field(default=False, description="Whether ``paper.tex`` has it in its appendix.")
    optional: bool = Field(
        default=False, description="Whether a study that cannot have it is not told so among what the paper omits."
    )
    filter: Mapping[str, list[str]] = Field(default={}, description="Column -> values that are kept.")
    width: Literal["column", "page"] = Field(default="column", description="column: 3.3 in wide. page: 7 in.")


class ComparisonBase(FigureBase):
    """A figure of ratios of one metric in one mode."""

    mode: Mode = Field(default="hot", description="Mode of the trials.")
    metric: str = Field(default="run_ms_paired", description="Column of positive numbers to compare.")

    @model_validator(mode="after")
    def _mode_has_the_metric(self) -> "ComparisonBase":
        _require_mode(self.metric, self.mode)
        return self


class ColdScatterSpec(FigureBase):
    """Time to the end of the first run against cache misses, a mark a cold trial."""

    kind: Literal["cold_scatter"]


class MainEffectsSpec(ComparisonBase):
    """What moving each knob does: a panel a knob, a line a workload."""

    kind: Literal["main_effects"]
    knobs: Knobs | None = Field(
        default=None,
        description="Knobs to show, a panel each (one for each further level); the primary ones when left out.",
    )


class AttributionSpec(ComparisonBase):
    """How the whole is made up of what the knobs do: a panel a workload and compiler."""

    kind: Literal["attribution"]
    start: Mapping[str, str] = Field(
        default={}, description="Knob -> level of the first configuration, where it is not the baseline's."
    )
    end: Mapping[str, str] = Field(
        default={}, description="Knob -> level of the second one, where it is not the knob's last level."
    )


class MemoryLatencySpec(ComparisonBase):
    """Where each configuration lies in memory and time: a panel a workload and compiler."""

    kind: Literal["memory_latency"]
    memory: str = Field(default="planned_bytes", description="Column of bytes, to the right.")
    marks: Knobs | None = Field(
        default=None,
        description="Knobs whose levels make the marks, at most four: marker, filling, colour, a bar across; the first "
        "ones that vary when left out.",
    )

    @field_validator("marks")
    @classmethod
    def _marks_can_be_told(cls, marks: list[str] | None) -> list[str] | None:
        if marks is not None and len(marks) > MOST_MARKS:
            raise ValueError(f"marks can show {MOST_MARKS} knobs, but it names {len(marks)}; leave some out")
        return marks


class SpeedUpSpec(FigureBase):
    """How many times as fast as the baseline, and as eager execution: bars by workload, with geometric means."""

    kind: Literal["speed_up"]
    mode: Mode | None = Field(default=None, description="Mode of the trials; hot where there are hot trials.")


class StepsSpec(FigureBase):
    """Knobs added one after the other, and all but each: bars, a panel a workload and compiler."""

    kind: Literal["steps"]
    mode: Mode | None = Field(default=None, description="Mode of the trials; hot where there are hot trials.")


class PhasesSpec(FigureBase):
    """Where the time up to the end of the first run goes: stacked bars of its phases."""

    kind: Literal["phases"]


class MemorySpec(FigureBase):
    """Planned memory of each knob alone and of all together, as a share of the baseline's: bars by workload."""

    kind: Literal["memory"]


class ResponseSpec(ComparisonBase):
    """How a metric follows the knobs whose levels are numbers: a panel a knob and compiler, a line a workload."""

    kind: Literal["response"]


class AlongAxesSpec(ComparisonBase):
    """Effects along the axes of workloads: a panel a knob and compiler, a line a workload."""

    kind: Literal["along_axes"]


class ScreeningSpec(ComparisonBase):
    """Screenings of many knobs: the largest effects, all of them against noise, and how they add up."""

    kind: Literal["screening"]


class InteractionsSpec(ComparisonBase):
    """What every two knobs do together, as a square of knobs: of screenings and of factorials."""

    kind: Literal["interactions"]


class BreakEvenSpec(FigureBase):
    """What compiling costs, what each run gains, and after how many runs it has paid."""

    kind: Literal["break_even"]
    configurations: Literal["knobs", "all"] = Field(
        default="knobs", description="knobs: each knob by itself, and all of them together. all: every configuration."
    )


def _require_mode(metric: str, mode: str) -> None:
    known = METRICS.get(metric)
    if known is not None and mode not in known.modes:
        raise ValueError(
            f"metric '{metric}' is measured in {' or '.join(known.modes)} trials, not in {mode} ones; give mode: "
            f"{known.modes[0]}"
        )


def _numbered_once(figures: "Sequence[FigureSpec]") -> "Sequence[FigureSpec]":
    doubled = [number for number, count in Counter(figure.number for figure in figures).items() if count > 1]
    if doubled:
        raise ValueError(
            f"two figures have the number {doubled[0]}, so one would overwrite the other; give each its own"
        )
    return figures


FigureSpec = Annotated[
    ColdScatterSpec
    | MainEffectsSpec
    | AttributionSpec
    | MemoryLatencySpec
    | BreakEvenSpec
    | SpeedUpSpec
    | StepsSpec
    | PhasesSpec
    | MemorySpec
    | ResponseSpec
    | AlongAxesSpec
    | ScreeningSpec
    | InteractionsSpec,
    Field(discriminator="kind"),
]
FigureSpecs = Annotated[list[FigureSpec], AfterValidator(_numbered_once)]
