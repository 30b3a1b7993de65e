"""What each slot is given before its first block: the study with the files beside it, as they are on the run's disk."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from ablatrix.errors import StudyError
from ablatrix.records.origin import git_state
from ablatrix.study.files import companions
from ablatrix.study.resolve import ResolvedStudy, plugin_sources
from ablatrix.study.without_file import study_text
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.seat import Seat
from ablatrix.trials.slots import Setup

MOST_BYTES = 64 * 2**20


def make_setup(
    resolved: ResolvedStudy, directory: ResultDirectory, study_directory: Path | None, *, keep_samples: bool
) -> Callable[[Seat, str], Setup]:
    """Return what makes the setup of a slot, of the slot and the id of the run.

    Args:
        resolved: The study with its catalogue.
        directory: Of its results; builds that it has are made again from their lock on each host.
        study_directory: Of the study file, None without one.
        keep_samples: Whether raw samples are kept in files.

    Raises:
        StudyError: A file lies outside the study's directory or is too large to be sent, or a plug-in is no part of
            the study.
    """
    files = {name: file.read_bytes() for name, file in companions(resolved).items()}
    _refuse_unsendable(resolved, files)
    sent = {name: b64encode(data).decode() for name, data in files.items()}
    text = study_text(resolved.study)
    commit, is_dirty = git_state(study_directory) if study_directory is not None else (None, None)

    def setup(seat: Seat, run_id: str) -> Setup:
        return Setup(
            run_id=run_id,
            slot=seat.slot,
            host_id=seat.host_id,
            stratum=seat.stratum,
            study=text,
            study_digest=resolved.study.digest,
            files=sent,
            builds=directory.builds.read_text(encoding="utf-8") if directory.builds.exists() else "",
            study_commit=commit,
            study_dirty=is_dirty,
            keep_samples=keep_samples,
        )

    return setup


def _refuse_unsendable(resolved: ResolvedStudy, files: dict[str, bytes]) -> None:
    size = sum(map(len, files.values()))
    if size > MOST_BYTES:
        raise StudyError(
            f"study '{resolved.study.name}': the files beside it have {size / 2**20:.0f} MiB, and slots are sent "
            f"at most {MOST_BYTES // 2**20}; name large models by a module or an architecture, which each host has"
        )
    own = {str(source.file) for source in plugin_sources(resolved).values()}
    used = [resolved.catalogue.workload(variant.name).plugin for variant in resolved.study.variants]
    used += [resolved.catalogue.compiler(choice.name).plugin for choice in resolved.study.compilers]
    for plugin in used:
        if plugin is not None and plugin.file not in own:
            raise StudyError(
                f"--plugin {plugin.file}: slots read plug-ins of the study alone; name it under 'plugins' in the study"
            )
