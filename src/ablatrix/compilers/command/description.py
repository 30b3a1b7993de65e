"""What a program reports when it is asked to ``describe`` itself: its knobs, the forms that it takes, its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_serializer,
    model_validator,
)

from ablatrix.compilers.catalogue.model import ENVIRONMENT, Free, Kind, SettingValue, plain_level
from ablatrix.compilers.catalogue.program import ProgramForm, TensorForm
from ablatrix.compilers.settings.address import Type, type_of
from ablatrix.errors import CompilerError

PROTOCOL = 1
RESERVED = ("partition", "reuse", "upper_bound", "pass_timing", "cache_tag")
"""Names of knobs that ablatrix itself acts on: a program that had one of these would share it unknowingly."""

WIDER: Mapping[Type, tuple[Type, ...]] = {"number": ("whole number",)}
"""Of which further types a value of a type may be."""

LevelName = Annotated[StrictStr | StrictInt | StrictFloat, BeforeValidator(plain_level)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.+-]*$", max_length=64)]


def _name_alone(value: Any) -> Any:
    return {"name": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _refuse_empty(name: Any) -> Any:
    if name == "":
        raise ValueError("a level must have a name")
    return name


class Part(BaseModel):
    """Base of the parts: frozen, unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    came_later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what came later and is not described, so that the digests of other programs stay the same."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if key not in self.came_later or value}


class LevelDescription(Part):
    """One level of a knob; its name alone is enough."""

    name: Annotated[LevelName, AfterValidator(_refuse_empty)]
    summary: str = ""
    unsupported: str = ""


class KnobDescription(Part):
    """One knob. ``free`` takes levels that are not listed: whole numbers above zero, any numbers, or names."""

    name: Name
    kind: Kind = "primary"
    summary: str = ""
    levels: tuple[Annotated[LevelDescription, BeforeValidator(_name_alone)], ...] = ()
    free: Free = ""
    default: LevelName
    affects: Literal["code", "run_time", "both"] = "code"
    tolerance: Annotated[float, Field(gt=0)] | None = None
    came_later: ClassVar[frozenset[str]] = frozenset({"tolerance"})

    @model_validator(mode="after")
    def _is_whole(self) -> KnobDescription:
        if self.name in RESERVED:
            raise ValueError(f"a knob must not be called '{self.name}': ablatrix itself has one of that name")
        names = [level.name for level in self.levels]
        if len(set(names)) != len(names):
            raise ValueError(f"knob '{self.name}' lists a level twice")
        if not names and not self.free:
            raise ValueError(f"knob '{self.name}' has neither levels nor 'free'")
        if self.default not in names and not self.free:
            raise ValueError(f"the default '{self.default}' of knob '{self.name}' is none of its levels: {names}")
        if self.default not in names and isinstance(self.default, str) != (self.free == "name"):
            raise ValueError(f"the default '{self.default}' of knob '{self.name}' is no {self.free}")
        return self


class SettingDescription(Part):
    """One setting that a study may make a knob of: its address, and what it can be set to."""

    kind: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$", max_length=64)]
    name: Annotated[str, Field(pattern=r"^\S+$", max_length=256)]
    type: Type
    value: SettingValue | None = None
    affects: Literal["code", "run_time", "both"] = "code"
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_value_of_type(self) -> SettingDescription:
        if self.kind == ENVIRONMENT:
            raise ValueError(f"settings of kind '{ENVIRONMENT}' are the environment's: every program has them")
        if self.value is not None and type_of(self.value) not in (self.type, *WIDER.get(self.type, ())):
            raise ValueError(f"the value {self.value!r} of setting '{self.kind}:{self.name}' is no {self.type}")
        return self


class Description(Part):
    """A program's answer to ``describe``.

    Attributes:
        protocol: Version of the protocol that it speaks.
        summary: A sentence on what it is.
        versions: Versions of what generates or runs code.
        settings: What else of it a study may make a knob of.
        files: Files that its answers depend on, from the directory of its own file (the first word of the command that
            is one); a change of one is a change of the program. Those of its command line need not be listed.
        formats: Forms in which it takes what it compiles.
        tensors: ``npy`` files, or ``raw`` buffers (little-endian, row-major, described by the manifest alone).
    """

    protocol: Literal[1]
    summary: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    files: tuple[str, ...] = ()
    formats: tuple[ProgramForm, ...] = ("graph",)
    tensors: TensorForm = "npy"
    knobs: tuple[KnobDescription, ...] = ()
    settings: tuple[SettingDescription, ...] = ()
    came_later: ClassVar[frozenset[str]] = frozenset({"settings"})

    @model_validator(mode="after")
    def _names_differ(self) -> Description:
        names = [knob.name for knob in self.knobs]
        if len(set(names)) != len(names):
            raise ValueError("two knobs have one name")
        addresses = [(one.kind, one.name) for one in self.settings]
        if len(set(addresses)) != len(addresses):
            raise ValueError("two settings have one address")
        return self


def read_description(answer: Any, program: str) -> Description:
    """Read the answer to ``describe``.

    Raises:
        CompilerError: It is not as the protocol says; the message has every fault.
    """
    try:
        return Description.model_validate(answer)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise CompilerError(f"{program}: its answer to 'describe' is not valid: {faults}") from None
