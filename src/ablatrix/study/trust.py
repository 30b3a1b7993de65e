"""Code that somebody else's bundle brings along, and whether it may run.

A study of one's own, in a directory of one's own, runs without a question: whoever writes it has also written, or
chosen, what lies beside it. A study in a bundle (a directory with a manifest, or below one) was handed over: what it
would run is named, and runs when whoever received it says so. Code is all that the study says is to be run, imported
or loaded, and settings that could make a library or a program be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ablatrix.compilers.catalogue.model import ENVIRONMENT
from ablatrix.errors import StudyError
from ablatrix.foreign_text import shown
from ablatrix.plugin_sources import read_plugin_source
from ablatrix.records.bundle import Bundle, bundle_of
from ablatrix.regular_files import digest_regular, is_existing_file
from ablatrix.study.builds import build_files
from ablatrix.study.model import CompilerChoice, KnobChoice, Study
from ablatrix.study.workload_choice import WorkloadChoice
from ablatrix.workloads.source import ARCHITECTURE, ONNX, SAVED, file_of

MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class ForeignCode:
    """One piece of code of a bundle.

    Attributes:
        what: The file, command line or setting, as the study has it.
        does: What happens with it.
        digest: SHA-256 of the file, None where it is none.
        is_listed: Whether the bundle's manifest lists the file with these bytes; None where it is no file.
    """

    what: str
    does: str
    digest: str | None = None
    is_listed: bool | None = None

    def __str__(self) -> str:
        """The piece on one line of printable characters."""
        marks = [] if self.digest is None else [f"SHA-256 {self.digest}"]
        marks += ["NOT as the manifest lists it"] if self.is_listed is False else []
        return f"{shown(self.what)} ({', '.join([*marks, shown(self.does)])})"


@dataclass(frozen=True, slots=True)
class ForeignStudy:
    """What a bundle would run.

    Attributes:
        place: The study, or the directory, that is in the bundle.
        bundle: The bundle's directory.
        code: What would run, at least one piece.
    """

    place: Path
    bundle: Path
    code: tuple[ForeignCode, ...]

    def __str__(self) -> str:
        """All on one line."""
        more = len(self.code) - MAX_NAMED
        named = "; ".join(map(str, self.code[:MAX_NAMED])) + (f"; and {more} more" if more > 0 else "")
        place, bundle = shown(str(self.place)), shown(str(self.bundle))
        return f"{place}: comes with the bundle {bundle} and would run code of it: {named}"


Trust = bool | Callable[[ForeignStudy], bool]
"""Whether code of a bundle may run: yes or no, or who is asked."""


def refuse_untrusted_study(study: Study, file: Path, trust: Trust) -> None:
    """Refuse a study of a bundle whose code may not run. Nothing of it is run or imported to find that out.

    Raises:
        StudyError: It is in a bundle and brings code, which is not trusted; the message names each piece.
    """
    bundle = bundle_of(file)
    code = () if bundle is None else tuple(dict.fromkeys(_code_of(study, bundle)))
    if bundle is not None and code:
        _refuse(ForeignStudy(file, bundle.directory, code), trust)


def refuse_untrusted_work(out: Path, trust: Trust) -> None:
    """Refuse to go on in a directory that is a bundle with the working files of a run, which would be loaded.

    Raises:
        StudyError: It is one, and is not trusted.
    """
    bundle = bundle_of(out)
    if bundle is not None and bundle.work is not None:
        code = ForeignCode(str(bundle.work), "prepared programs and compile caches, which a run loads")
        _refuse(ForeignStudy(out, bundle.directory, (code,)), trust)


def _refuse(found: ForeignStudy, trust: Trust) -> None:
    if trust is True:
        return
    if trust is False or not trust(found):
        raise StudyError(f"{found}; nothing was run; read it, and if you trust it, give --trust (docs/security.md)")


def _code_of(study: Study, bundle: Bundle) -> Iterator[ForeignCode]:
    for plugin in study.plugins:
        yield from _python(study, bundle, plugin, "a plug-in, imported when the study is read")
    for workload in study.workloads:
        yield from _model_code(study, bundle, workload)
    for name, spec in study.builds.items():
        if not spec.model_dump():  # this environment as it is
            continue
        yield ForeignCode(spec.sentence(), f"the build '{name}', which is made and started")
        for file in build_files(study.model_copy(update={"builds": {name: spec}})):
            yield _file(bundle, file, study.directory / file, f"a file of the build '{name}'")
        for command in () if spec.git is None else spec.git.build:
            yield ForeignCode(command, f"a command that makes the build '{name}'")
    for compiler in study.compilers:
        yield from _compiler_code(study, bundle, compiler)
        for name, knob in compiler.knobs.items():
            if isinstance(knob, KnobChoice):
                yield from _knob_code(study, bundle, name, knob)


def _model_code(study: Study, bundle: Bundle, choice: WorkloadChoice) -> Iterator[ForeignCode]:
    source = choice.source
    if source is None or source.startswith(ARCHITECTURE):
        return
    where = file_of(source)
    does = f"the model '{choice.name}'"
    if source.endswith(SAVED):
        yield _file(bundle, source, study.directory / source, f"{does}, which torch loads and runs")
    elif where.endswith(".py"):
        yield from _python(study, bundle, where, f"{does}, imported and called to build it")
    elif not where.endswith(ONNX):
        yield ForeignCode(source, f"{does}, an installed module that is imported and a function of it that is called")


def _compiler_code(study: Study, bundle: Bundle, choice: CompilerChoice) -> Iterator[ForeignCode]:
    if choice.command is None:
        return
    yield ForeignCode(" ".join(choice.command), f"the compiler '{choice.name}', a program that is started")
    for word in choice.command:
        file = study.directory / word
        if is_existing_file(file):
            yield _file(bundle, word, file, f"a file of the compiler '{choice.name}'")


def _knob_code(study: Study, bundle: Bundle, name: str, knob: KnobChoice) -> Iterator[ForeignCode]:
    for kind, given in (("pass", knob.own_pass), ("pipeline", knob.pipeline)):
        if given is not None:
            yield from _python(
                study, bundle, given.rpartition(":")[0], f"a {kind} of the knob '{name}', imported and run"
            )
    if knob.setting is None:
        return
    levels = _levels(study, name, knob)
    if knob.setting.startswith(f"{ENVIRONMENT}:") or any("/" in level or "\\" in level for level in levels):
        does = f"the knob '{name}', set to {', '.join(levels) or 'no level'}, which may load a library or a program"
        yield ForeignCode(knob.setting, does)


def _levels(study: Study, name: str, knob: KnobChoice) -> list[str]:
    """Return every level of a knob that a study has, wherever it stands."""
    found = [*(knob.levels or ()), *([] if knob.default is None else [knob.default])]
    fixed = [study.baseline, *(choice.fixed for choice in study.compilers)]
    found += [one[name] for one in (*fixed, *(stage.centre for stage in study.stages)) if name in one]
    for stage in study.stages:
        found += stage.table.get(name) or ()
    return list(dict.fromkeys(map(str, found)))


def _python(study: Study, bundle: Bundle, given: str, does: str) -> Iterator[ForeignCode]:
    """Yield a Python file and those beside it that it imports."""
    file = study.directory / given
    yield _file(bundle, given, file, does)
    try:
        files = read_plugin_source(file).files if is_existing_file(file) else {}
    except OSError:
        return
    for name, path in files.items():
        if path.resolve() != file.resolve():
            yield _file(bundle, str(PurePosixPath(given).parent / name), path, f"imported by {given}")


def _file(bundle: Bundle, what: str, file: Path, does: str) -> ForeignCode:
    try:
        digest = digest_regular(file)
    except OSError:
        return ForeignCode(what, does)
    return ForeignCode(what, does, digest, bundle.lists(file))
