"""Public names of a package that are loaded when they are first used, so that importing the package is cheap."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str,
    public: Sequence[str],
    names: Mapping[str, Sequence[str]],
    renamed: Mapping[str, str] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: Its name, for messages.
        public: Its ``__all__``.
        names: Module -> its names that are public under the same name.
        renamed: Public name -> ``module:name`` of an object that has another name inside.
    """
    homes = {name: f"{module}:{name}" for module, found in names.items() for name in found} | dict(renamed or {})

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module, _, attribute = homes[name].partition(":")
        return getattr(import_module(module), attribute)

    return find, lambda: sorted(public)
