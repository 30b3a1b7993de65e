"""The description of a compiler: levels, knobs and programs as plain values that can be passed to any process."""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ablatrix.canonical import digest_value
from ablatrix.compilers.catalogue.build import BUILD, BuildChoice
from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.catalogue.program import ProgramDescription
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.import_spec import is_importable
from ablatrix.plugin_sources import PluginSource
from ablatrix.records.origin import installation_of

Level = str | int | float
SettingValue = str | int | float | bool
Kind = Literal["primary", "secondary"]
Affects = Literal["plan", "code", "run_time", "both", "cache", "observer"]
Free = Literal["", "whole number", "number", "name"]
EXACT = 2**53
LATER = ("acts", "inserts", "built_in", "shipped", "tolerance")
"""Attributes of knobs that came later: they are in digests where they say something."""
ENVIRONMENT = "env"
"""The kind of address that every compiler has: an environment variable of the worker."""


def plain_level(level: Any) -> Any:
    """Return a level as everything has it: a number without a fraction is whole, and one that is not finite is none.

    Raises:
        ValueError: It is neither a word nor a finite number.
    """
    if isinstance(level, bool):
        raise ValueError(f"a level is a word or a number, got {str(level).lower()}; write {'on' if level else 'off'}")
    if isinstance(level, float):
        if not math.isfinite(level):
            raise ValueError(f"a level is a word or a finite number, got {level}")
        return int(level) if level.is_integer() and abs(level) < EXACT else level
    return level


def fits(free: Free, level: Any) -> bool:
    """Return whether a level is one of those that a knob need not list."""
    if free == "name":
        return isinstance(level, str) and level.isidentifier()
    if isinstance(level, bool):
        return False
    return isinstance(level, int | float) if free == "number" else isinstance(level, int) and free != "" and level > 0


def _same_form(one: Level, other: Level) -> bool:
    """Return whether both are words, or both numbers; a boolean is neither."""
    return isinstance(one, str) == isinstance(other, str) and isinstance(one, bool) == isinstance(other, bool)


@dataclass(frozen=True, slots=True)
class LevelEntry:
    """One level of a knob, with a sentence on what it does.

    Attributes:
        name: As studies write it; a number is one.
        unsupported: Why the compiler does not support this level; empty where it does. A trial that asks for the
            level is recorded as ``unsupported`` with this reason and compiles nothing.
    """

    name: Level
    summary: str
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a knob acts on its compiler: one address, and what each level sets it to.

    Attributes:
        kind: What the address is of: ``pass``, ``flag``, ``config``, ..., or ``env``.
        name: Its name there, as the compiler has it.
        values: Each level with its value; None leaves the address as it is without the knob.
        free: Whether a level that is not among them is its own value.
    """

    kind: str
    name: str
    values: tuple[tuple[Level, SettingValue | None], ...]
    free: bool = False

    @property
    def address(self) -> str:
        """Kind and name, as studies write them."""
        return f"{self.kind}:{self.name}"

    def value(self, level: Level) -> SettingValue | None:
        """Return what a level sets the address to; None leaves it as it is.

        Raises:
            CompilerError: The level is none of those there are.
        """
        for name, value in self.values:
            if name == level and _same_form(name, level):
                return value
        if self.free:
            return level
        raise CompilerError(f"setting '{self.address}' has no level '{level}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnobEntry:
    """One knob of one compiler.

    Attributes:
        levels: The levels there are; empty when the levels are free (a number or a name, see ``free``).
        default: Level of a study's baseline that does not say another, where the study names the knob.
        affects: What a change of level changes; ``cache`` and ``observer`` knobs exist in cold mode only. ``run_time``
            marks a knob that can change how a program is run without changing what is built, and ``both`` one that can
            change either: the same code is then no proof that the knob has no effect.
        free: What a free level is (``whole number``: above zero, ``number``, ``name``), empty otherwise.
        acts: The settings that it acts by; empty where the adapter itself knows what the knob does.
        inserts: The pass, or the pipeline, that its level ``on`` inserts.
        built_in: Whether it acts by settings and yet is a knob of every configuration, as one is that an adapter acts
            on: keys of caches have its settings, records have its level alone, and nothing of it is read back.
        shipped: Level at which the compiler ships, where that is not the default: what holds in studies that name the
            knob nowhere. An ablation begins without it (``fusion: off``), a study of something else has it (``on``).
        tolerance: Multiple of eager's error that outputs may have at every level but the default; None for that of the
            study.
    """

    name: str
    kind: Kind
    summary: str
    levels: tuple[LevelEntry, ...]
    default: Level
    affects: Affects
    free: Free = ""
    acts: tuple[Setting, ...] = ()
    inserts: OwnPass | None = None
    built_in: bool = False
    shipped: Level | None = None
    tolerance: float | None = None

    @property
    def as_shipped(self) -> Level:
        """The level at which the compiler ships."""
        return self.default if self.shipped is None else self.shipped

    @property
    def cold_only(self) -> bool:
        """Whether the knob has no effect on the steady state."""
        return self.affects in {"cache", "observer"}

    @property
    def may_change_code(self) -> bool:
        """Whether what is built may depend on its level; not so where ``affects`` says that something else does."""
        return self.affects not in {"plan", "run_time", "cache", "observer"}

    @property
    def changes_run(self) -> bool:
        """Whether a level can change how a program is run while what is built stays as it is."""
        return self.affects in {"run_time", "both"}

    def has(self, level: Level) -> bool:
        """Return whether this is a level of the knob; the default always is."""
        listed = (*(entry.name for entry in self.levels), self.default)
        return any(level == one and _same_form(level, one) for one in listed) or fits(self.free, level)

    def choices(self) -> str:
        """Return the levels as messages list them."""
        named = [str(entry.name) for entry in self.levels]
        return ", ".join(named + ([f"any {self.free}"] if self.free else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilerEntry:
    """One compiler.

    Attributes:
        modules: Modules that must be importable for it to run.
        extra: The extra of ablatrix with the packages to install; empty for a compiler that is not part of ablatrix.
        adapter: ``module:class`` or ``file.py:class`` of the adapter.
        program: The program behind a study's ``command``, None for an adapter in Python.
        plugin: The files of the plug-in that it comes with, None where it comes with a package.
        takes_onnx: Whether it takes an ONNX model as it is; else only what torch exports.
        settings: ``module:function`` that lists the addresses of its settings, run in a process of its own where a
            study has some; empty for a compiler that has none but environment variables.
        offers: Settings that have a name of their own: each becomes one of the knobs of a study that names it.
        anchors: The passes, or points of its sequence, before or after which a pass of a study can be inserted.
        no_pipeline: Why its passes cannot change places, nor be given to a function of a study; empty where they can.
        complete_code: Whether all code that runs is in what it builds, so that equal digests of two builds are the same
            code; not so where kernels of its library run beside it.
        builds: The builds of it that the study compares, the baseline's first; empty where there are none.
        needed_passes: Addresses of passes without which it compiles nothing: a search for what has a trouble leaves
            them on from the beginning.
        cuda_unsupported: Why it does not run on a CUDA device; empty where it does. Trials of a study with
            ``device: cuda`` are recorded as ``unsupported`` with this reason and compile nothing.
    """

    name: str
    summary: str
    modules: tuple[str, ...]
    extra: str
    adapter: str
    knobs: tuple[KnobEntry, ...]
    program: ProgramDescription | None = None
    plugin: PluginSource | None = None
    takes_onnx: bool = False
    settings: str = ""
    offers: tuple[KnobEntry, ...] = ()
    anchors: tuple[str, ...] = ()
    no_pipeline: str = "its adapter has no list of them"
    complete_code: bool = False
    builds: tuple[BuildChoice, ...] = ()
    needed_passes: tuple[str, ...] = ()
    cuda_unsupported: str = "its entry in the catalogue does not say that it does"

    @property
    def installed(self) -> bool:
        """Whether its modules can be found (they are not imported)."""
        return all(map(is_importable, self.modules))

    @property
    def installation(self) -> str:
        """What to run where it is not installed, as a command or in words."""
        if self.extra:
            return installation_of(self.extra)
        return f"install the packages that provide the modules {', '.join(self.modules)}"

    def refuse_absent(self) -> None:
        """Refuse to go on where it is not installed.

        Raises:
            CompilerError: It is not; the message names what to run.
        """
        if not self.installed:
            raise CompilerError(f"compiler '{self.name}' is not installed; to have it: {self.installation}")

    @property
    def program_digest(self) -> str | None:
        """SHA-256 of the program or the plug-in that is the compiler, None for one of a package."""
        source = self.program or self.plugin
        return None if source is None else source.digest

    @property
    def digest(self) -> str:
        """SHA-256 of the knobs and levels, and of the program or plug-in where it is one."""
        knobs = [asdict(knob) for knob in self.knobs]
        for entry, knob in zip(self.knobs, knobs, strict=True):
            for name in LATER:
                if knob[name] is None or knob[name] is False or knob[name] == ():
                    del knob[name]  # so that the digests of compilers without settings stay as they were
            if entry.inserts is not None:
                knob["inserts"] = entry.inserts.identity
        return digest_value(knobs if self.program_digest is None else {"knobs": knobs, "program": self.program_digest})

    @property
    def primary(self) -> tuple[str, ...]:
        """Names of the primary knobs: the four of every compiler in the catalogue, a program's own."""
        return tuple(knob.name for knob in self.knobs if knob.kind == "primary")

    @property
    def addresses(self) -> dict[str, list[str]]:
        """The addresses of the settings and passes that a study names, by the name of the knob."""
        named = [knob for knob in self.knobs if not knob.built_in]
        found = {knob.name: [one.address for one in (*knob.acts, knob.inserts) if one] for knob in named}
        return {name: addresses for name, addresses in found.items() if addresses}

    @property
    def named_settings(self) -> list[tuple[KnobEntry, Setting]]:
        """The settings that a study names, each with its knob."""
        return [(knob, setting) for knob in self.knobs if not knob.built_in for setting in knob.acts]

    @property
    def own_passes(self) -> list[OwnPass]:
        """The passes and pipelines of a study's author that its knobs insert."""
        return [knob.inserts for knob in self.knobs if knob.inserts is not None]

    @property
    def environment_names(self) -> list[str]:
        """Names of the environment variables that its knobs set."""
        return [one.name for knob in self.knobs for one in knob.acts if one.kind == ENVIRONMENT]

    def acted_on(self, kind: str) -> frozenset[str]:
        """Return the names of one kind that its knobs set."""
        return frozenset(one.name for knob in self.knobs for one in knob.acts if one.kind == kind)

    @property
    def run_time_knobs(self) -> list[str]:
        """Names of the knobs that can change how a program is run without changing what is built."""
        return [knob.name for knob in self.knobs if knob.changes_run]

    def knob(self, name: str) -> KnobEntry | None:
        """Return a knob by name, or None."""
        return next((knob for knob in self.knobs if knob.name == name), None)

    @property
    def on_offer(self) -> tuple[KnobEntry, ...]:
        """The offers whose names none of its knobs has."""
        there = {knob.name for knob in self.knobs}
        return tuple(knob for knob in self.offers if knob.name not in there)

    def taking(self, names: Collection[str]) -> "CompilerEntry":
        """Return the entry with those of its offers as knobs that a study names and has no knob of its own for."""
        taken = tuple(knob for knob in self.on_offer if knob.name in names)
        return replace(self, knobs=(*taken, *self.knobs)) if taken else self

    def levels(self, named: Collection[str]) -> dict[str, Level]:
        """Return the level of every knob before a study says any: as shipped where it does not name the knob."""
        return {knob.name: knob.default if knob.name in named else knob.as_shipped for knob in self.knobs}

    def tolerance(self, knobs: Mapping[str, Level]) -> tuple[float, str] | None:
        """Return the largest tolerance that a configuration's levels promise, with its knob; None where none does."""
        promised = [
            (knob.tolerance, knob.name)
            for knob in self.knobs
            if knob.tolerance is not None and knobs.get(knob.name, knob.default) != knob.default
        ]
        return max(promised, default=None, key=lambda one: one[0])

    def departures(self, knobs: Mapping[str, Level]) -> dict[str, Level]:
        """Return the levels at which the compiler ships, of those knobs that a configuration has at another."""
        apart = [knob for knob in self.knobs if knobs.get(knob.name, knob.as_shipped) != knob.as_shipped]
        return {knob.name: knob.as_shipped for knob in apart}

    def build_at(self, knobs: Mapping[str, Level]) -> BuildChoice | None:
        """Return the build of a configuration, the baseline's where it names none; None of a compiler without any."""
        return next((one for one in self.builds if one.name == knobs.get(BUILD)), next(iter(self.builds), None))

    def may_change_code(self, name: str) -> bool:
        """Return whether what is built may depend on the level of a knob; of one that is not here it may."""
        knob = self.knob(name)
        return knob is None or knob.may_change_code

    def refuse_unsupported(self, knobs: Mapping[str, Level]) -> None:
        """Refuse a configuration that has a level which the compiler does not have.

        Raises:
            UnsupportedError: It has; the message names knob, level and reason.
        """
        for knob in self.knobs:
            for level in knob.levels:
                if level.unsupported and knobs.get(knob.name) == level.name:
                    raise UnsupportedError(
                        f"compiler '{self.name}' does not support '{knob.name}: {level.name}': {level.unsupported}"
                    )

    def refuse_onnx(self, knobs: Mapping[str, Level]) -> None:
        """Refuse a configuration for a program that is an ONNX model.

        Raises:
            UnsupportedError: The compiler takes none, or the model is to be cut or to get its weights as inputs.
        """
        if not self.takes_onnx:
            raise UnsupportedError(
                f"compiler '{self.name}' takes no ONNX model, only what torch exports; give the module that the "
                "file was made from"
            )
        if knobs.get("partition") == "regions":
            raise UnsupportedError(
                "an ONNX model does not support 'partition: regions': it does not say which blocks it was written "
                "in, so it is one task"
            )
        if knobs.get("weights") == "input":
            raise UnsupportedError(
                "an ONNX model does not support 'weights: input': its weights are constants of the file"
            )

    def refuse_device(self, device: str) -> None:
        """Refuse a device that the compiler does not compile for.

        Raises:
            UnsupportedError: It does not; the message has the reason.
        """
        if device == "cuda" and self.cuda_unsupported:
            raise UnsupportedError(f"compiler '{self.name}' does not run on CUDA: {self.cuda_unsupported}")

    def defaults(self) -> dict[str, Level]:
        """Return the default level of every knob, as in a study that names them all and says no level."""
        return {knob.name: knob.default for knob in self.knobs}
