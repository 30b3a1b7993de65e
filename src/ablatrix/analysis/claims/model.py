# ruff: noqa: RUF001 - Chinese punctuation is meant
"""What a study claims: one statement that its records support, or do not; in English and in Chinese."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.documents.faults import closest
from ablatrix.documents.spelling import NAME
from ablatrix.records.metrics import Language


def _known(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"there is no metric '{name}'; there are: {', '.join(METRICS)}{closest(name, list(METRICS))}")
    return name


def _as_text(level: object) -> object:
    if isinstance(level, bool):
        raise ValueError(f"a level is a word or a number, got {str(level).lower()}; write {'on' if level else 'off'}")
    if isinstance(level, float) and level.is_integer():
        return str(int(level))
    return str(level) if isinstance(level, int | float) else level


Level = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int | float)]
Levels = dict[str, Level]
MetricName = Annotated[str, AfterValidator(_known)]
Parts = tuple[str, str, str]
Subject = Literal["knob", "configuration", "correct", "cache_misses"]
BOUNDS = ("at_least", "at_most", "within")
SUBJECTS: tuple[Subject, ...] = ("knob", "configuration", "correct", "cache_misses")


class Part(BaseModel):
    """Base of the parts of a file of claims: frozen, unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(Part):
    """One claim: about a knob, a configuration, or every trial.

    The *factor* is how many times smaller a metric becomes: before over after, so that 2 is twice as good.
    """

    id: Annotated[str, NAME, Field(max_length=64)] = Field(description="Name of the claim, each once.")
    workload: str | None = Field(default=None, description="Workload; of `correct` and `cache_misses` also none: all.")
    compiler: str | None = Field(default=None, description="Compiler; of `correct` and `cache_misses` also none: all.")
    metric: MetricName | None = Field(default=None, description="Column that is compared; less is better.")
    knob: str | None = Field(default=None, description="The claim is about the main effect of this knob.")
    levels: tuple[Level, Level] | None = Field(
        default=None, description="Levels that the knob is moved from and to; left out of a knob with two levels."
    )
    configuration: Levels | None = Field(
        default=None,
        min_length=1,
        description="The claim is about the configuration with these levels, else the baseline's.",
    )
    against: Levels | None = Field(
        default=None, min_length=1, description="What the configuration is compared with; the baseline if left out."
    )
    at_least: float | None = Field(default=None, ge=1, description="The factor is at least this.")
    at_most: float | None = Field(default=None, gt=0, description="The factor is at most this.")
    within: float | None = Field(
        default=None, gt=0, lt=1, description="The metric becomes larger by at most this share: 0.02 is 2 %."
    )
    correct: Literal["all"] | None = Field(default=None, description="No output is wrong, and no check is missing.")
    cache_misses: Literal["as_planned"] | None = Field(
        default=None, description="Every cold trial compiles as many tasks as its plan has distinct ones."
    )

    @model_validator(mode="after")
    def _one_form(self) -> "Claim":
        subjects = [name for name in SUBJECTS if getattr(self, name) is not None]
        if len(subjects) != 1:
            found = " and ".join(subjects) or "none"
            raise ValueError(f"claim '{self.id}' must have exactly one of {', '.join(SUBJECTS)}, but has {found}")
        bounds = [name for name in BOUNDS if getattr(self, name) is not None]
        if subjects[0] in ("correct", "cache_misses"):
            given = [name for name in ("metric", "levels", "against", *BOUNDS) if getattr(self, name) is not None]
            if given:
                raise ValueError(f"claim '{self.id}': '{subjects[0]}' is about every trial; remove {', '.join(given)}")
            return self
        lacking = [name for name in ("workload", "compiler", "metric") if getattr(self, name) is None]
        if lacking:
            raise ValueError(f"claim '{self.id}' compares a metric, so it also needs {', '.join(lacking)}")
        if len(bounds) != 1:
            found = " and ".join(bounds) or "none"
            raise ValueError(f"claim '{self.id}' must have exactly one of {', '.join(BOUNDS)}, but has {found}")
        for key, of in (("levels", "knob"), ("against", "configuration")):
            if getattr(self, key) is not None and subjects[0] != of:
                raise ValueError(f"claim '{self.id}': '{key}' belongs to '{of}'; remove it")
        if self.levels is not None and self.levels[0] == self.levels[1]:
            raise ValueError(f"claim '{self.id}': levels must differ, but got {self.levels[0]} twice")
        return self

    @property
    def subject(self) -> Subject:
        """What the claim is about."""
        return next(name for name in SUBJECTS if getattr(self, name) is not None)

    @property
    def is_portable(self) -> bool:
        """Whether it is about outputs or what is computed, so that any machine gives the same.

        Others are about times, or memory as measured: they are bound to the machine, and may fail on another one.
        """
        return self.metric is None or METRICS[self.metric].exact_from == 1

    @property
    def bound(self) -> float:
        """The factor that ``at_least``, ``at_most`` or ``within`` stands for; 1 for claims about every trial."""
        if self.within is not None:
            return 1.0 / (1.0 + self.within)
        return self.at_least or self.at_most or 1.0

    @property
    def claims_difference(self) -> bool:
        """Whether it says that the metric becomes smaller, or larger; else it only bounds how much."""
        return self.at_least is not None or (self.at_most is not None and self.at_most < 1.0)

    @property
    def wanted(self) -> str:
        """The bound in signs, for tables."""
        if self.subject == "correct":
            return "all right, missing = 0"
        if self.subject == "cache_misses":
            return "as planned"
        return f"{'<=' if self.at_most is not None else '>='} {self.bound:.4g}"

    def statement(self, language: Language = "en") -> str:
        """Return the claim as a sentence without its full stop."""
        before, bound, after = self.parts(language)
        return f"{before}{bound}{after}"

    def parts(self, language: Language = "en") -> Parts:
        """Return the claim as a sentence in three parts: the number that bounds it is the middle one.

        A claim about every trial has no number: the first part has all of it.
        """
        return _in_chinese(self) if language == "zh" else _in_english(self)


class Claims(Part):
    """A file of claims."""

    version: Literal[1]
    claims: list[Claim] = Field(min_length=1, description="Every claim, each id once.")


def _levels(levels: Levels) -> str:
    return ", ".join(f"{knob}={level}" for knob, level in levels.items())


def _in_english(claim: Claim) -> Parts:
    subject = "".join(f" {word} {name}" for word, name in (("of", claim.workload), ("on", claim.compiler)) if name)
    if claim.subject == "correct":
        return f"Every output{subject} is correct, and no check is missing", "", ""
    if claim.subject == "cache_misses":
        return f"Every cold trial{subject} compiles each distinct task of its plan exactly once", "", ""
    if claim.knob is not None:
        moved = f"{claim.knob} ({claim.levels[0]} to {claim.levels[1]})" if claim.levels else claim.knob
        against = ""
    else:
        moved = _levels(claim.configuration or {})
        against = f" against {_levels(claim.against) if claim.against else 'the baseline'}"
    thing = f"the {METRICS[str(claim.metric)].title('en')}{subject}"
    if claim.within is not None:
        return f"{moved} increases {thing} by at most ", f"{claim.within * 100:.4g}", f"%{against}"
    word = "most" if claim.at_most is not None else "least"
    return f"{moved} reduces {thing} by a factor of at {word} ", f"{claim.bound:.4g}", against


def _in_chinese(claim: Claim) -> Parts:
    where = f"在 {claim.compiler} 上" if claim.compiler else ""
    of = f"{claim.workload} 的" if claim.workload else ""
    if claim.subject == "correct":
        return f"{where}{of}所有输出均正确，检查无一缺失", "", ""
    if claim.subject == "cache_misses":
        return f"{where}{of}每次冷启动试验编译的任务数均等于其计划中互不相同的任务数", "", ""
    if claim.knob is not None:
        moved = (
            f"{claim.knob} 由 {claim.levels[0]} 改为 {claim.levels[1]}" if claim.levels else f"改变 {claim.knob} 的取值"
        )
        sides = "改前/改后"
    else:
        base = f" {_levels(claim.against)} " if claim.against else "基线"
        moved = f"配置 {_levels(claim.configuration or {})} 与{base}相比"
        sides = "后者/前者"
    thing = f"{of}{METRICS[str(claim.metric)].title('zh')}"
    if claim.within is not None:
        return f"{where}，{moved}，{thing}至多增加 ", f"{claim.within * 100:.4g}", "%"
    word = "至多" if claim.at_most is not None else "至少"
    return f"{where}，{moved}，{thing}之比（{sides}）{word}为 ", f"{claim.bound:.4g}", ""
