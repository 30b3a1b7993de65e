"""The files that a study needs beside its own: models of its user, plug-ins, programs that are compilers, builds."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ablatrix.canonical import digest_bytes
from ablatrix.errors import StudyError
from ablatrix.study.builds import build_files
from ablatrix.study.resolve import ResolvedStudy, plugin_sources
from ablatrix.workloads.source import file_of, is_file

STUDY_NAME = "study.yaml"


def companions(resolved: ResolvedStudy) -> dict[str, Path]:
    """Return the files that must lie beside a study for it to be run elsewhere: path as the study names it -> file.

    A model of an installed module, and an architecture of transformers, need none.

    Raises:
        StudyError: A file lies outside the study's directory, so that a copy of the study could not find it.
    """
    study, found = resolved.study, _named_files(resolved)
    outside = [name for name in found if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        raise StudyError(
            *(
                f"study '{study.name}': {name} lies outside the study's directory {study.directory}, so a copy of the "
                "study would not find it; put it beside the study file or below it"
                for name in outside
            )
        )
    return dict(sorted(found.items()))


def keep_study(resolved: ResolvedStudy, directory: Path, words: str) -> Path:
    """Write a study that no file says, with the files that it names, so that it can be run again from there.

    Args:
        resolved: The study. What it names by an absolute path stays where it is.
        directory: Where to write it, under its name ``study.yaml``; what is there of an earlier time is replaced.
        words: What it is, for whoever reads the file.

    Returns:
        The file.

    Raises:
        StudyError: It names a file by a path that leads out of its directory, or the copy cannot be written.
    """
    from ruamel.yaml import YAML

    study = resolved.study
    found = {name: file for name, file in _named_files(resolved).items() if not PurePosixPath(name).is_absolute()}
    outside = next((name for name in found if ".." in PurePosixPath(name).parts), None)
    if outside is not None:
        raise StudyError(f"study '{study.name}': {outside} lies outside its directory {study.directory}")
    kept = directory / STUDY_NAME
    try:
        for name, file in found.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, directory / name)
            shutil.copymode(file, directory / name)
        directory.mkdir(parents=True, exist_ok=True)
        with kept.open("w", encoding="utf-8") as stream:
            stream.writelines(f"# {line}\n" for line in words.splitlines())
            YAML().dump(study.model_dump(mode="json"), stream)
    except OSError as error:
        raise StudyError(f"{error.filename or directory}: cannot be written: {error.strerror}") from None
    return kept


def _named_files(resolved: ResolvedStudy) -> dict[str, Path]:
    """Return the files that a study names: path as it does -> file."""
    study, catalogue = resolved
    found: dict[str, Path] = {}
    for variant in study.variants:
        origin = catalogue.workload(variant.name).origin
        if origin is not None and origin.file is not None:
            where = file_of(origin.source)
            if is_file(where):
                found[where] = Path(origin.file)
            beside = PurePosixPath(where).parent
            found |= {(beside / name).as_posix(): Path(origin.file).parent / name for name, _ in origin.parts}
        given = catalogue.workload(variant.name).inputs.values()
        found |= {one.name: Path(one.file) for one in given if one.name is not None and one.file is not None}
    for compiler in study.compilers:
        program = catalogue.compiler(compiler.name).program
        if program is not None:
            found |= {file.name: Path(file.path) for file in program.files}
    found |= build_files(study)
    for plugin, source in plugin_sources(resolved).items():
        found |= {str(PurePosixPath(plugin).parent / name): file for name, file in source.files.items()}
    return found


def refuse_changed_files(resolved: ResolvedStudy) -> None:
    """Refuse a study whose files of models, plug-ins or programs have changed since it was resolved.

    Records would name the digest of a file that was not measured.

    Raises:
        StudyError: A file has changed or is gone.
    """
    changed = [
        f"study '{resolved.study.name}': {what} has changed since the study was loaded: {file} (SHA-256 {digest[:12]} "
        "then); load the study again"
        for what, file, digest in _digested(resolved)
        if _digest(file) != digest
    ]
    if changed:
        raise StudyError(*changed)


def _digested(resolved: ResolvedStudy) -> Iterator[tuple[str, Path, str]]:
    """Yield what each file is, the file, and the digest that it had."""
    study, catalogue = resolved
    for choice in study.workloads:
        origin = catalogue.workload(choice.variants[0].name).origin
        if origin is not None and origin.file is not None and origin.digest is not None:
            yield f"the file of workload '{choice.name}'", Path(origin.file), origin.digest
            for name, digest in origin.parts:
                yield f"a file of workload '{choice.name}'", Path(origin.file).parent / name, digest
        for one in catalogue.workload(choice.variants[0].name).inputs.values():
            if one.file is not None and one.digest is not None:
                yield f"a file of inputs of workload '{choice.name}'", Path(one.file), one.digest
    compilers = [catalogue.compiler(choice.name) for choice in study.compilers]
    for compiler in compilers:
        program = compiler.program
        for file in () if program is None else program.files:
            yield f"a file of compiler '{compiler.name}'", Path(file.path), file.digest
    sources = [catalogue.workload(variant.name).plugin for variant in study.variants]
    sources += [compiler.plugin for compiler in compilers]
    sources += [one.source for compiler in compilers for one in compiler.own_passes]
    for plugin in {source.file: source for source in sources if source is not None}.values():
        for name, path in plugin.files.items():
            yield f"a file of plug-in {Path(plugin.file).name}", path, plugin.digests[name]


def _digest(file: Path) -> str | None:
    try:
        return digest_bytes(file.read_bytes())
    except OSError:
        return None
