"""The process that tries a type: ``python -m`` with this module, the file of its order, and that of its answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ablatrix.records.status import Status
from ablatrix.study.model import HotProtocol
from ablatrix.trials.fork_server import import_compiler
from ablatrix.trials.host import die_with_parent
from ablatrix.trials.messages import TYPE_ORDER, TypeAnswer, TypeOrder, decode, encode

RAN = frozenset({Status.OK, Status.WRONG_OUTPUT, Status.MISSING_CHECK})
"""How a trial ends whose program was compiled and run; whether its outputs are right is another question."""


def main(order: str, answer: str) -> None:
    """Follow the order and write the answer; a failure is an answer, too."""
    die_with_parent()
    Path(answer).write_bytes(encode(TypeAnswer(failure=_try(decode(Path(order).read_bytes(), TYPE_ORDER)))))
    os._exit(0)  # threads of a compiler may keep an interpreter from ending


def _try(order: TypeOrder) -> str:
    from ablatrix.trials.worker import prepare_program, run_here

    try:
        program = prepare_program(order.prepare)
        result = run_here(order.trial, import_compiler(order.trial.entry), program, HotProtocol(), None)
    except Exception as error:  # whatever torch or an import raises
        return f"{type(error).__name__}: {error}"
    return "" if result.status in RAN or result.error is None else result.error.message


if __name__ == "__main__":
    main(*sys.argv[1:])
