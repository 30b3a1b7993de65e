"""The modules that a study's plug-ins need: whether they are there, and which packages they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

from ablatrix.doctor.finding import Finding, Level
from ablatrix.import_spec import is_importable
from ablatrix.records.origin import packages_of_modules


@dataclass(frozen=True, slots=True)
class ModuleNeed:
    """A module that a plug-in needs.

    Attributes:
        module: Its name, which may have dots.
        users: The compilers or plug-ins that need it.
        declared: Whether they say so themselves; else they import it somewhere, perhaps only if it is there.
    """

    module: str
    users: tuple[str, ...]
    declared: bool


def check_modules(needs: Iterable[ModuleNeed]) -> Iterator[Finding]:
    """Yield a finding for each module: one that is declared and missing is fatal, another one a warning."""
    for need in needs:
        name, needed = f"module {need.module}", f"for {', '.join(need.users)}"
        if is_importable(need.module):
            versions = packages_of([need.module])
            shown = ", ".join(f"{package} {version}" for package, version in versions.items())
            yield Finding(name, "ok", shown or "found", needed)
        else:
            level: Level = "fatal" if need.declared else "warning"
            remedy = f"install the package that provides {need.module}, or put it on the PYTHONPATH"
            yield Finding(name, level, "not installed", needed, remedy)


def packages_of(modules: Iterable[str]) -> dict[str, str]:
    """Return name and version of the installed packages that modules come from; of one in no package there is none."""
    providers = packages_of_modules()
    names = sorted({name for module in modules for name in providers.get(module.partition(".")[0], ())})
    return {name: metadata.version(name) for name in names}
