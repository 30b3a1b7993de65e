"""What a change may cost: the file that decides whether a pull request passes."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.documents.faults import closest
from ablatrix.documents.load import load_document
from ablatrix.errors import AnalysisError
from ablatrix.records.metrics import HOT_METRIC

POLICY_VERSION = 1
Answer = Literal["pass", "fail"]


def fits(name: str, pattern: str) -> bool:
    """Return whether a name fits a pattern with * and ?; brackets are those of a variant's name."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _known(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"there is no metric '{name}'; there are: {', '.join(METRICS)}{closest(name, list(METRICS))}")
    return name


def _share(value: object) -> object:
    if not isinstance(value, str):
        return value
    number, percent = (value.removesuffix("%").strip(), True) if value.endswith("%") else (value, False)
    try:
        return float(number) / (100.0 if percent else 1.0)
    except ValueError:
        raise ValueError(f"'{value}' is no share; write it as 1% or 0.01") from None


Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=float | str), Field(ge=0, le=10)]
MetricName = Annotated[str, AfterValidator(_known)]
Limits = dict[MetricName, Share]
Pattern = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """Base of the parts of a policy: frozen, unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exemption(Part):
    """Other limits for some workloads or compilers."""

    workload: Pattern = Field(default="*", description="Workloads, with * and ?; a variant by its whole name.")
    compiler: Pattern = Field(default="*", description="Compilers, likewise.")
    limits: Limits = Field(default_factory=dict, description="Limits in place of those of the policy, by metric.")
    ignore: bool = Field(default=False, description="Whether what is said of them does not count.")


class Policy(Part):
    """A policy file."""

    version: Literal[1] = Field(description="Version of this format.")
    margin: Annotated[Share, Field(gt=0, lt=1)] = Field(
        default=0.01, description="Largest relative difference that counts as the same."
    )
    limits: Limits = Field(
        default_factory=lambda: {HOT_METRIC: 0.01},
        description="By how much each metric may become worse; a metric that is not named may become worse.",
    )
    workloads: tuple[Pattern, ...] = Field(
        default=("*",), min_length=1, description="Workloads that count, with * and ?; others are shown."
    )
    exceptions: tuple[Exemption, ...] = Field(
        default=(), description="Other limits for some workloads or compilers; the last one that fits decides."
    )
    undecided: Answer = Field(
        default="pass", description="What comes of a change with a limit that is not distinguishable or not measured."
    )
    levels: Answer = Field(
        default="pass",
        description="What comes of a change that is worse than its limit at one level of a knob, and depends on it.",
    )
    wrong_outputs: Answer = Field(default="fail", description="What comes of outputs that are newly wrong.")
    failures: Answer = Field(default="fail", description="What comes of configurations that newly fail.")
    unsupported: Answer = Field(default="pass", description="What comes of what is newly unsupported.")

    def counts(self, workload: str, compiler: str) -> bool:
        """Return whether a workload on a compiler counts."""
        if not any(fits(workload, pattern) for pattern in self.workloads):
            return False
        return not any(one.ignore for one in self._fitting(workload, compiler)[-1:])

    def limit(self, workload: str, compiler: str, metric: str) -> float | None:
        """Return by how much a metric may become worse; None where it may by any."""
        limits = dict(self.limits)
        for one in self._fitting(workload, compiler):
            limits.update(one.limits)
        return limits.get(metric)

    def _fitting(self, workload: str, compiler: str) -> list[Exemption]:
        return [one for one in self.exceptions if fits(workload, one.workload) and fits(compiler, one.compiler)]


DEFAULT_POLICY = Policy(version=1)


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        AnalysisError: It cannot be read, or breaks a rule; one line of the message for each fault.
    """
    try:
        return load_document(path, Policy, AnalysisError).value
    except AnalysisError as error:
        raise AnalysisError("\n".join(map(str, error.args))) from None


def policy_schema_text() -> str:
    """Return the JSON Schema of a policy file: the same text on every machine."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"ablatrix/policy-{POLICY_VERSION}",
        **Policy.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
