"""The function of ``precision.py`` for pyperf's default command; not run by itself.

Each of pyperf's processes loads the program that lies in ``ABLATRIX_PROGRAM``, without any check.
"""

import json
import os
from pathlib import Path

import pyperf

runner = pyperf.Runner()
if runner.parse_args().worker:
    import torch

    from ablatrix.workloads.program_files import load_programs

    torch.set_num_threads(1)
    directory = Path(os.environ["ABLATRIX_PROGRAM"])
    digests = json.loads((directory / "program.json").read_text(encoding="utf-8"))["programs"]
    module = load_programs({"exported": digests["exported"]}, directory)["exported"].module(check_guards=False)
    inputs = torch.load(directory / "draws.pt", weights_only=True)[0]["inputs"]

    def run() -> None:
        """Call the module as the engine does."""
        with torch.no_grad():
            module(*inputs)

else:

    def run() -> None:
        """Never called: pyperf's parent only starts processes."""


runner.bench_func("program", run)
