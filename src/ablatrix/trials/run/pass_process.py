"""The process that observes passes: ``python -m`` with this module, the file of its order, and that of its answer."""

from __future__ import annotations

import sys
from pathlib import Path

from ablatrix.errors import AblatrixError
from ablatrix.trials.fork_server import import_compiler
from ablatrix.trials.host import die_with_parent
from ablatrix.trials.messages import PASS_ORDER, PassAnswer, PassOrder, decode, encode


def main(order: str, answer: str) -> None:
    """Follow the order and write the answer; a failure is an answer, too."""
    die_with_parent()
    Path(answer).write_bytes(encode(_answer(decode(Path(order).read_bytes(), PASS_ORDER))))


def _answer(order: PassOrder) -> PassAnswer:
    from ablatrix.trials.worker import observe_passes, prepare_program

    try:
        compiler = import_compiler(order.trial.entry)
        observed = observe_passes(order.trial, compiler, prepare_program(order.prepare))
        return PassAnswer(observed=observed, versions=dict(compiler.versions()))
    except AblatrixError as error:
        return PassAnswer(observed=None, versions={}, failure=str(error))
    except Exception as error:  # whatever the code of a model or of a compiler raises
        return PassAnswer(observed=None, versions={}, failure=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
