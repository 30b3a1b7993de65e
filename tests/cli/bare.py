"""The command as it is on a machine with neither torch nor a compiler: the core of the installation alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ABSENT = re.compile(
    r"(torch|functorch|transformers|apache_tvm|tvm|onnx|onnxruntime|onnxscript|onnx_ir|jax|jaxlib|torchax|openvino)"
    r"(\W|_|$)",
    re.IGNORECASE,
)
SOURCES = Path(__file__).parents[2] / "src"


def bare_site(directory: Path) -> Path:
    """Link what is installed but for frameworks and compilers into a directory, and return it."""
    directory.mkdir(parents=True)
    for place in (Path(one) for one in sys.path if one.endswith("-packages")):
        for entry in place.iterdir():
            target = directory / entry.name
            if not ABSENT.match(entry.name) and entry.suffix != ".pth" and not target.exists():
                target.symlink_to(entry)
    return directory


def run_bare(site: Path, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command with what is linked there alone."""
    path = os.pathsep.join((str(SOURCES), str(site)))
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "400"}
    command = [sys.executable, "-S", "-m", "ablatrix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment, cwd=cwd)
