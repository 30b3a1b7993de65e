"""What the author of an adapter tests it with. Needs pytest: ``pip install 'pytest>=8'``.

    from ablatrix.testing import CompilerContract

    class TestMyCompiler(CompilerContract):
        entry = MY_ENTRY

Importing this package imports neither torch nor pytest: the names below are loaded when they are first used.
"""

from typing import TYPE_CHECKING

from ablatrix.exports import lazy_names

if TYPE_CHECKING:
    from ablatrix.testing.checks import ContractError
    from ablatrix.testing.compiler_contract import CompilerContract
    from ablatrix.testing.requests import make_program, make_request
    from ablatrix.testing.subject import Case, Subject

__all__ = ["Case", "CompilerContract", "ContractError", "Subject", "make_program", "make_request"]

__getattr__, __dir__ = lazy_names(
    __name__,
    __all__,
    {
        "ablatrix.testing.checks": ["ContractError"],
        "ablatrix.testing.compiler_contract": ["CompilerContract"],
        "ablatrix.testing.requests": ["make_program", "make_request"],
        "ablatrix.testing.subject": ["Case", "Subject"],
    },
)
