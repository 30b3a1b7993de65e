"""TVM's code is linked by the host's C++ compiler; without one the machine failed, not TVM."""

import pytest

from ablatrix.compilers.tvm import build


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (None, "no g\\+\\+, gcc, clang\\+\\+ or clang in PATH"),
        ("no-such-compiler", "'no-such-compiler' of CXX or CC is not"),
    ],
)
def test_linker_that_is_not_there_is_named_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, named: str | None, said: str
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    if named is not None:
        monkeypatch.setenv("CXX", named)
    with pytest.raises(
        FileNotFoundError, match=f"No working C\\+\\+ compiler found: {said}.*; install one, or name it in CXX"
    ):
        build._linker()
