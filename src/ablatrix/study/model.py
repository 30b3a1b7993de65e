"""What a study is: workloads x compilers x knobs, in stages, with the protocol that measures them."""

import re
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ablatrix.builds import BuildName, BuildSpec
from ablatrix.canonical import digest_value
from ablatrix.documents.about import About
from ablatrix.records.layout import Sampling
from ablatrix.records.model import Device
from ablatrix.study.levels import Knobs, Level, Levels
from ablatrix.study.names import Name, Title
from ablatrix.study.part import Part
from ablatrix.study.stage import Stage
from ablatrix.study.workload_choice import Variant, WorkloadChoice, name_or_source


def _name_alone(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Mode = Literal["cold", "hot"]
KNOB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


WAYS = ("setting", "pass", "pipeline", "order")
"""What a knob of a compiler of the catalogue is made of: one of these."""
OWN_TO_SETTINGS = frozenset({*WAYS, "after", "before", "tolerance"})


class KnobChoice(Part):
    """What a study says of one knob: of a program of its own, where its levels alone are enough, or of a compiler."""

    setting: str | None = Field(
        default=None, description="Address of a setting of a compiler of the catalogue, as kind:name."
    )
    own_pass: str | None = Field(
        default=None, alias="pass", description="A pass of one's own, as file.py:name, which the knob inserts."
    )
    after: str | None = Field(default=None, description="Pass, or point, of the compiler that it runs after.")
    before: str | None = Field(default=None, description="Pass, or point, of the compiler that it runs before.")
    pipeline: str | None = Field(
        default=None, description="A function of one's own, as file.py:name: from the compiler's passes to its own."
    )
    order: list[str] | None = Field(
        default=None, description="Two passes, or two knobs with a `pass`, that change places at the level `swapped`."
    )
    levels: Levels | None = Field(
        default=None,
        description="Levels; fewer than the program describes, or its only ones; of a switch, `off` and `on` if left "
        "out.",
    )
    default: Level | None = Field(
        default=None,
        description="Default level; the program's if left out, or its first; of a setting, what the compiler does.",
    )
    kind: Literal["primary", "secondary"] | None = Field(default=None, description="primary or secondary.")
    affects: Literal["code", "run_time", "both"] | None = Field(
        default=None, description="code, both, or run_time: such a level leaves the cache's keys as they are."
    )
    summary: str | None = Field(default=None, description="A sentence on the knob.")
    tolerance: float | None = Field(
        default=None, gt=0, description="Allowed error at levels but the default, as `checks.rms_factor`."
    )

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what came later and is not given, so that the digests of studies without it stay the same."""
        data: dict[str, Any] = handler(self)
        held = {("pass" if key == "own_pass" else key): value for key, value in data.items()}
        return {key: value for key, value in held.items() if key not in OWN_TO_SETTINGS or value is not None}

    @property
    def ways(self) -> list[str]:
        """What of ``WAYS`` it has."""
        given = (self.setting, self.own_pass, self.pipeline, self.order)
        return [way for way, value in zip(WAYS, given, strict=True) if value is not None]


def _levels_alone(value: Any) -> Any:
    return {"levels": value} if isinstance(value, list) else value


class CompilerChoice(Part):
    """One compiler; its name alone is enough, or with a name of its own the command line of a program."""

    name: Name = Field(
        description="Name of the compiler, see `ablatrix compilers`; with a `command`, the study's own name for it."
    )
    fixed: Knobs = Field(default_factory=dict, description="Levels held fixed wherever a stage does not vary them.")
    command: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="A program as a compiler: it and its arguments, files from the study's directory."
    )
    knobs: dict[str, Annotated[KnobChoice, BeforeValidator(_levels_alone)]] = Field(
        default_factory=dict,
        description="Knobs of that program where they differ from what it describes, or settings of a compiler, "
        "passes and pipelines of one's own, or the order of two passes.",
    )
    builds: list[BuildName] = Field(
        default_factory=list,
        description="Builds of it that are compared, the baseline's first: levels of the primary knob `build`.",
    )
    title: Title | None = Field(default=None, description="What text, tables and figures call it; by language.")

    @model_validator(mode="after")
    def _knobs_are_of_a_command_or_settings(self) -> "CompilerChoice":
        for name, knob in self.knobs.items():
            if len(knob.ways) > 1:
                first, second, *_ = knob.ways
                raise ValueError(f"knob '{name}' has a '{first}' and a '{second}'; give it one of them")
            if self.command is None and not knob.ways:
                raise ValueError(
                    f"knob '{name}' has no 'setting'; a knob of a compiler of the catalogue is one of its settings, "
                    "such as {setting: \"env:NAME\"}, or a 'pass', a 'pipeline' or an 'order' of your own; without one "
                    "'knobs' goes with 'command'"
                )
            if knob.own_pass is None and (knob.after or knob.before):
                raise ValueError(f"knob '{name}' has 'after' or 'before', which go with a 'pass'")
            others = [way for way in knob.ways if way != "setting"]
            if self.command is not None and others:
                raise ValueError(
                    f"knob '{name}' of a program has a '{others[0]}'; a program is given its knobs as they are"
                )
            if (self.command is None or knob.setting is not None) and not KNOB_NAME.fullmatch(name):
                raise ValueError(
                    f"'{name}' is no name of a knob: write letters, digits and underscores, a letter first"
                )
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what few compilers have, so that the digests of other studies stay the same."""
        data: dict[str, Any] = handler(self)
        return {
            key: value for key, value in data.items() if key not in {"command", "knobs", "builds", "title"} or value
        }


class KnobTitles(Part):
    """What a knob and its levels are called in text, tables and figures; it changes nothing that is measured."""

    title: Title | None = Field(default=None, description="What the knob is called; by language.")
    levels: dict[Level, Title] = Field(default_factory=dict, description="What its levels are called.")


class Checks(Part):
    """How outputs are compared with the float64 oracle."""

    old_spellings = MappingProxyType({"input_sets": "draws"})

    input_sets: int = Field(
        default=3, ge=1, le=100, description="Sets of inputs; the first is also the one that is timed."
    )
    rms_factor: float = Field(default=2.0, gt=0, description="Allowed error, as a multiple of eager float32's.")
    rms_floor: float = Field(
        default=1e-6, ge=0, description="Added to eager's RMS error: this fraction of the oracle's RMS value."
    )


class ColdProtocol(Part):
    """How cold trials run: one process each, alone, with an empty private cache."""

    replicates: int = Field(default=3, ge=1, le=1000, description="Trials a cell.")
    effect_width: float = Field(
        default=0.1,
        gt=0,
        description="Half-width of the interval of each primary knob's main effect that the study promises.",
    )
    timeout_s: float = Field(default=600, gt=0, description="Limit of one trial.")


MIN_LIVE = 4  # a configuration, the reference, the baseline and its A/A control


# The widths have to be reached without the last two blocks: a rule that stops at the first narrow interval keeps those
# that are narrow by chance, and equal things are called different too often (see statistics/precision.py).
CONFIRMING_BLOCKS = 2


class HotProtocol(Part):
    """How hot trials run: the workers of a block take turns in short bursts."""

    old_spellings = MappingProxyType({"max_blocks": "most_blocks"})

    blocks: int = Field(
        default=5, ge=1, le=1000, description="Blocks (fresh processes) a cell that are run in any case."
    )
    max_blocks: int = Field(
        default=20, ge=1, le=1000, description="Blocks after which it ends although intervals are wide."
    )
    effect_width: float = Field(
        default=0.01, gt=0, description="Wanted half-width of the interval of each primary knob's main effect."
    )
    cell_width: float = Field(
        default=0.02, gt=0, description="Wanted half-width of the interval of each cell's ratio to the baseline."
    )
    rounds: int = Field(default=40, ge=1, le=100_000, description="Bursts a trial; the order is new in each round.")
    burst_ms: float = Field(default=5, gt=0, description="Counted time after which a burst ends.")
    burst_iterations: int = Field(
        default=20, ge=1, description="Iterations after which a burst ends although burst_ms is not reached."
    )
    rewarm_iterations: int = Field(
        default=3, ge=0, description="Iterations after a wake-up that are not counted; fewer once they take burst_ms."
    )
    warm_up_ms: float = Field(default=200, ge=0, description="Least time of the warm-up of a trial.")
    timeout_s: float = Field(
        default=600, gt=0, description="Limit of a trial's time awake: once for its build, once for all its turns."
    )
    max_live: int = Field(default=18, ge=MIN_LIVE, le=256, description="Most workers that are alive at once.")

    @model_validator(mode="after")
    def _most_is_not_least(self) -> "HotProtocol":
        if self.max_blocks < self.blocks:
            raise ValueError(f"blocks <= max_blocks must hold, but got {self.blocks} and {self.max_blocks}")
        return self


_DEFAULT_LAYOUT: Sampling = "padding"


class Protocol(Part):
    """What holds for all trials, and for each mode."""

    threads: int | None = Field(
        default=None, ge=1, description="Threads of a run; one fewer than the CPUs to run on when left out."
    )
    cpus: list[int] | None = Field(
        default=None,
        min_length=1,
        description="Numbers of the CPUs that workers run on; as many as there are threads if left out.",
    )
    layout: Sampling = Field(
        default=_DEFAULT_LAYOUT,
        description="What is drawn anew within a run: block: the fork server of each hot block; padding: stack, heap "
        "and mappings of each worker; both; or run: nothing.",
    )
    memory_limit_mb: int | None = Field(default=None, ge=64, description="Limit of a worker's memory.")
    budget_s: float | None = Field(
        default=None, gt=0, description="Trials that are not begun by then become not_run_budget."
    )
    repeats: int = Field(
        default=1, ge=0, le=10, description="Times that a trial or block is repeated when noise disturbed it."
    )
    cold: ColdProtocol = Field(default_factory=ColdProtocol)
    hot: HotProtocol = Field(default_factory=HotProtocol)

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit the default sampling of layouts, so that the digests of studies without the key stay the same."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if key != "layout" or value != _DEFAULT_LAYOUT}

    @property
    def pads_workers(self) -> bool:
        """Whether stack, heap and mappings of each worker are padded."""
        return self.layout in {"padding", "both"}

    @property
    def renews_servers(self) -> bool:
        """Whether each hot block has a fork server of its own."""
        return self.layout in {"block", "both"}


class Study(Part):
    """One study, as its YAML file says it."""

    name: Name = Field(description="Name of the study.")
    description: str = Field(default="", description="What the study is for.")
    seed: int = Field(default=0, ge=0, description="Seed of inputs and of the run order.")
    workloads: list[Annotated[WorkloadChoice, BeforeValidator(name_or_source)]] = Field(min_length=1)
    compilers: list[Annotated[CompilerChoice, BeforeValidator(_name_alone)]] = Field(min_length=1)
    builds: dict[BuildName, BuildSpec] = Field(
        default_factory=dict, description="Builds by name, which compilers list under their own `builds`."
    )
    modes: list[Mode] = Field(min_length=1, description="cold: compile cost; hot: steady state.")
    device: Device = Field(default="cpu", description="Where programs run: cpu, or cuda for the first GPU.")
    baseline: Knobs = Field(
        default_factory=dict,
        description="Configuration to compare with; a knob's default where it is not named.",
    )
    stages: list[Stage] = Field(min_length=1, description="First the one of the primary knobs.")
    checks: Checks = Field(default_factory=Checks)
    protocol: Protocol = Field(default_factory=Protocol)
    plugins: list[str] = Field(
        default_factory=list, description="Python files that add compilers or workloads, see `--plugin`."
    )
    knobs: dict[str, KnobTitles] = Field(
        default_factory=dict, description="Titles of knobs and levels; no part of the study's digest."
    )
    about: About | None = Field(
        default=None, description="Authors, licences and where it is kept; no part of the study's digest."
    )
    _directory: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def directory(self) -> Path:
        """Directory that relative paths start from: that of its file, else the working directory."""
        return self._directory

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """Its programs: those of every workload, in the order of the study."""
        return tuple(variant for choice in self.workloads for variant in choice.variants)

    def at(self, directory: Path) -> "Study":
        """Return the study with its relative paths starting from a directory."""
        moved = self.model_copy()
        moved._directory = directory.resolve()
        return moved

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit the device CPU and what is empty, so that the digests of other studies stay the same."""
        data: dict[str, Any] = handler(self)
        unused: dict[str, Any] = {"device": "cpu", "builds": {}, "plugins": [], "knobs": {}, "about": None}
        return {key: value for key, value in data.items() if key not in unused or value != unused[key]}

    @property
    def digest(self) -> str:
        """SHA-256 of the study as loaded, defaults filled in; without ``about`` and titles, which change no result."""
        data = self.in_old_spelling(self.model_dump(mode="json", exclude={"about", "knobs"}))
        for choice in (*data["workloads"], *data["compilers"]):
            choice.pop("title", None)
        return digest_value(data)
