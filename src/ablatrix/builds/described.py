"""What the interpreter that runs this file is, as JSON. Other interpreters run it: it imports nothing of ours.

``python described.py [MODULE...]`` also says which of some modules it cannot find; none is imported.
"""

import hashlib
import importlib
import json
import platform
import re
import sys
from importlib import metadata

NAME, VERSION = re.compile(r"[A-Za-z0-9._-]+"), re.compile(r"[A-Za-z0-9.!+_-]+")


def main(modules: list[str]) -> None:
    """Print the description."""
    found: dict[str, dict[str, str | None]] = {}
    for one in metadata.distributions():
        name, version = one.metadata["Name"] or "", one.metadata["Version"] or ""
        # A damaged installation may have neither.
        if NAME.fullmatch(name) and VERSION.fullmatch(version) and name.lower() not in found:
            record = one.read_text("RECORD")
            digest = None if record is None else hashlib.sha256(record.encode()).hexdigest()
            found[name.lower()] = {"name": name, "version": version, "sha256": digest, "url": None}
    facts = {
        "python": platform.python_version(),
        "ablatrix": _own("__version__"),
        "protocol": _own("PROTOCOL"),
        "torch": found.get("torch", {}).get("version"),
        "distributions": [found[name] for name in sorted(found)],
    }
    answer = {"facts": facts, "missing": [name for name in modules if not _is_there(name)]}
    sys.stdout.write(json.dumps(answer))


def _own(name: str) -> object:
    try:
        # Of that interpreter, which may have an older one, or none.
        return getattr(importlib.import_module("ablatrix.version"), name, None)
    except ImportError:
        return None


def _is_there(module: str) -> bool:
    """Return whether a module can be found; neither it nor a package that it is in is imported."""
    path, name = None, ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        found = _found(name, path)
        if found is None:
            return False
        path = getattr(found, "submodule_search_locations", None)
        if path is None and name != module:
            return False
    return True


def _found(name: str, path: object) -> object:
    for finder in sys.meta_path:
        # setuptools' finder for its own distutils gives that up as soon as it is asked for pip.
        if getattr(finder, "__module__", "") == "_distutils_hack":
            continue
        try:
            found = finder.find_spec(name, path)  # type: ignore[arg-type]
        except (ImportError, ValueError, AttributeError):
            continue
        if found is not None:
            return found
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
