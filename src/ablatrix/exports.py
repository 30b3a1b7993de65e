"""Public names of a package that are loaded when they are first used, so that importing the package is cheap."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, public: Sequence[str], homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package.

    Args:
        package: Its name, for messages.
        public: Its ``__all__``.
        homes: Public name -> ``module:name`` of the object, which is imported when the name is first used.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'; it has: {', '.join(sorted(public))}")
        module, _, attribute = homes[name].partition(":")
        return getattr(import_module(module), attribute)

    return find, lambda: sorted(public)
