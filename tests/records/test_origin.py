"""The command that installs an extra names what a package index has: ablatrix itself is on none."""

from collections.abc import Iterator
from importlib import metadata

import pytest

from ablatrix.records.origin import installation_of

DECLARED = [
    "typer>=0.15",
    'torch>=2.13; extra == "workloads"',
    "ablatrix[workloads]; extra == 'tvm'",
    'apache-tvm>=0.27; extra == "tvm"',
    'ablatrix[tvm,workloads]; extra == "compilers"',
]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    installation_of.cache_clear()
    yield
    installation_of.cache_clear()


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("workloads", "pip install 'torch>=2.13'"),
        ("tvm", "pip install 'torch>=2.13' 'apache-tvm>=0.27'"),
        ("compilers", "pip install 'torch>=2.13' 'apache-tvm>=0.27'"),
        ("unknown", "pip install '.[unknown]', in a clone of ablatrix"),
    ],
)
def test_installation_of_extra_names_its_packages(monkeypatch: pytest.MonkeyPatch, extra: str, command: str) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: DECLARED)
    assert installation_of(extra) == command


def test_installation_without_metadata_is_that_of_a_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    assert installation_of("tvm") == "pip install '.[tvm]', in a clone of ablatrix"
