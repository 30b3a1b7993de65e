"""The compiler beside this file passes the contract suite."""

from in_place import ENTRY

from ablatrix.testing import CompilerContract


class TestInPlace(CompilerContract):
    """The suite, with one statement: the code of this compiler is made of torch's operators."""

    entry = ENTRY
    runs_torch_operators = True
