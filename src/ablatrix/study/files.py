"""The files that a study needs beside its own: models of its user, plug-ins, and programs that are compilers."""

from pathlib import Path, PurePosixPath

from ablatrix.compilers.command.entry import find_files
from ablatrix.errors import StudyError
from ablatrix.study.model import Study
from ablatrix.study.workloads import read_choice
from ablatrix.workloads.source import FILES, file_of


def companions(study: Study) -> dict[str, Path]:
    """Return the files that must lie beside a study for it to be run elsewhere: path as the study names it -> file.

    A model of an installed module, and an architecture of transformers, need none.

    Raises:
        StudyError: A file lies outside the study's directory, so that it would have no place beside a copy of the
            study.
        WorkloadError: A source cannot be read.
    """
    found: dict[str, Path] = {}
    for choice in study.workloads:
        origin = read_choice(study, choice).origin
        if origin is not None and origin.file is not None:
            where = file_of(origin.source)
            if where.endswith(FILES):
                found[where] = Path(origin.file)
    for compiler in study.compilers:
        if compiler.command is not None:
            found |= find_files(compiler.command, study.directory)
    for plugin in study.plugins:
        found[plugin] = (study.directory / plugin).resolve()
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
