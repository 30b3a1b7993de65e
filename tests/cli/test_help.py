"""Help: commands in groups, ``-h``, examples that are valid commands, and the exit codes of each command."""

from __future__ import annotations

import shlex
import typing
from collections.abc import Callable

import pytest
import typer

from ablatrix.cli.completion import compiler_names, metric_names, workload_names
from ablatrix.cli.help import EXAMPLES, FAILS, GROUPS, epilog
from ablatrix.cli.main import app
from tests.cli.conftest import Ablatrix

ROOT: typing.Any = typer.main.get_command(app)
COMMANDS = sorted(name for name, command in ROOT.commands.items() if not command.hidden)


def test_every_command_has_group_and_examples() -> None:
    assert sorted(GROUPS) == sorted(EXAMPLES) == COMMANDS
    assert set(FAILS) <= set(COMMANDS)


@pytest.mark.parametrize("example", [one for examples in EXAMPLES.values() for one in examples])
def test_example_is_a_command_with_options_that_exist(example: str) -> None:
    program, name, *words = shlex.split(example)
    assert program == "ablatrix"
    command = ROOT.commands[name]
    if name == "paper":
        name, words = (words[0], words[1:]) if words[0] == "init" else ("make", words)
        command = command.commands[name]
    command.make_context(name, words)


def test_short_and_long_help_are_the_same_and_list_groups(here: Ablatrix) -> None:
    short, long = here("-h"), here("--help")
    assert short.returncode == 0
    assert short.stdout == long.stdout
    text = short.stdout.decode()
    assert [group for group in dict.fromkeys(GROUPS.values()) if group not in text] == []


@pytest.mark.parametrize("name", ["effects", "run", "paper"])
def test_help_of_command_ends_with_examples_and_exit_codes(here: Ablatrix, name: str) -> None:
    done = here(name, "-h")
    assert done.returncode == 0
    text = " ".join(done.stdout.decode().split())
    assert all(one in text for one in EXAMPLES[name])
    assert "Exit codes: 0 done" in text


def test_exit_codes_of_verdict_say_what_one_means() -> None:
    assert "1 a criterion fails or is undecided, 2 wrong usage or input" in epilog("verdict")


@pytest.mark.parametrize(
    ("complete", "begun", "names"),
    [
        (compiler_names, "t", ["tvm"]),
        (workload_names, "enc", ["encoder"]),
        (metric_names, "run_ms_p5", ["run_ms_p50"]),
        (metric_names, "nothing", []),
    ],
)
def test_names_are_completed(complete: Callable[[str], list[str]], begun: str, names: list[str]) -> None:
    assert complete(begun) == names
