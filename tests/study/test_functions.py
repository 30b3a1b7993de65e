"""A model as a function object: named by its file, or written into one with all that it uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.functions import function_source
from ablatrix.study.resolve import resolve_study
from ablatrix.study.without_file import make_study, study_text
from tests import synthetic

CELL = '''
import math
import collections.abc as abc
from math import hypot as length
from pathlib import Path

WIDTHS = {"small": (4, 8), "large": [16]}
SCALE = -1.5

class Base:
    def size(self):
        return WIDTHS["small"][0]

class Model(Base):
    """Has a decorator, and a base of the session."""

    @staticmethod
    def area(x: "abc.Sequence[float]") -> float:
        return math.prod(x) * SCALE

def helper(value):
    return length(value, 3.0) if value else make(1)

def make(width: int = 4, kind: str = "small"):
    return [Model().size(), Model.area([2.0, 3.0]), helper(width), Path("a").name, sorted(str(x) for x in (1, 2))]
'''
UNUSED = "\nunused = object()\n"


def session(directory: Path, code: str) -> str:
    """What a script prints, or the error that it ends with."""
    script = directory / "session.py"
    script.write_text(f"from ablatrix.study.functions import function_source\nfrom pathlib import Path\n{code}")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=directory)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def in_cell(code: str) -> str:
    """Code that a notebook would run as a cell: its text is known to the line cache alone."""
    return (
        "import linecache\n"
        f"text = {code!r}\n"
        "linecache.cache['/kernel/1.py'] = (len(text), None, text.splitlines(keepends=True), '/kernel/1.py')\n"
        "exec(compile(text, '/kernel/1.py', 'exec'))\n"
    )


@pytest.mark.parametrize("how", [str, in_cell])
def test_function_of_session_is_written_with_all_it_uses(tmp_path: Path, how: type[str]) -> None:
    source = session(tmp_path, how(CELL + UNUSED) + "print(function_source(make, Path.cwd() / 'made'))")
    assert source.startswith("models/make_")
    file, _, name = source.partition(":")
    text = (tmp_path / "made" / file).read_text()
    assert "unused" not in text
    code = f"import runpy; print(runpy.run_path({str(tmp_path / 'made' / file)!r})[{name!r}](4))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[4, -9.0, 5.0, 'a', ['1', '2']]\n"


def test_function_of_session_has_one_file_for_equal_code(tmp_path: Path) -> None:
    ask = "print(function_source(make, Path.cwd()))"
    plain = "def make(width: int = 4):\n    return width\n"
    first, again = session(tmp_path, plain + ask), session(tmp_path, "\n\n" + plain + ask)
    other = session(tmp_path, plain.replace("width\n", "width + 1\n") + ask)
    assert first == again != other
    assert len(list((tmp_path / "models").iterdir())) == 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("held = object()\ndef make():\n    return held", "'make' uses 'held', an object of the session (object)"),
        ("def make():\n    return missing", "'make' uses 'missing', which this session does not have"),
        ("make = lambda: 1", "no function that has a name"),
        ("def outer():\n    def make():\n        return 1\n    return make\nmake = outer()", "inside another function"),
        ("exec('def make(): return 1')", "the text of 'make' is not known"),
        ("make = 'mlp'.upper", "no function that has a name"),
        ("low = float('nan')\ndef make():\n    return low", "'make' uses 'low', an object of the session (float)"),
    ],
)
def test_function_that_cannot_be_written_is_refused(tmp_path: Path, code: str, message: str) -> None:
    assert message in session(tmp_path, f"{code}\nfunction_source(make, Path.cwd())")
    assert not (tmp_path / "models").exists()


def test_function_of_module_is_named_by_module(tmp_path: Path) -> None:
    assert function_source(synthetic.write_records, tmp_path) == "tests.synthetic:write_records"


def test_function_of_file_beside_study_is_named_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_study.py").write_text("def make(width: int = 4):\n    return width\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from beside_study import make  # type: ignore[import-not-found]

    assert function_source(make, tmp_path) == "beside_study.py:make"
    study = make_study(
        [make, {"name": "wide", "source": make, "parameters": {"width": 8}}], ["tvm"], directory=tmp_path
    )
    assert [choice.name for choice in study.workloads] == ["make", "wide"]
    resolved = resolve_study(study)
    assert resolved.catalogue.workload("make").parameters["width"].default == 4
    assert "source: beside_study.py:make" in study_text(study)


def test_study_takes_knobs_as_map_with_baseline_first(tmp_path: Path) -> None:
    study = make_study(["mlp"], ["tvm"], {"fusion": ["on", "off"]}, directory=tmp_path)
    assert study.baseline == {"fusion": "on"}
    assert study.stages[0].factorial == {"fusion": ["on", "off"]}


def test_study_with_model_that_is_no_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is no function that has a name"):
        make_study([dict], ["tvm"], directory=tmp_path)
