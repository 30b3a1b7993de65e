"""The command that signs an artifact, and the options of others on its signature: ``sign``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.foreign_text import shell_word

SigningKey = Annotated[
    Path | None,
    typer.Option("--sign", help="SSH key that signs the manifest, see ablatrix sign.", show_default="no signature"),
]
SignedBy = Annotated[
    Path | None,
    typer.Option(
        "--signed-by",
        help="File of public SSH keys, of which one must have signed the manifest.",
        show_default="any key, or none",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "sign", sign_command)


def sign_command(
    directory: Annotated[Path, typer.Argument(help="Directory of an artifact.", show_default=False)],
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            help="SSH key: a private one, or a public one whose private one is in an agent.",
            show_default=False,
        ),
    ],
) -> None:
    """Sign the manifest of an artifact with an SSH key (by ssh-keygen), and write its zip again with the signature."""
    from ablatrix.artifact.bundle import sign
    from ablatrix.cli.tables import next_steps

    archive = sign(directory, key)
    print(f"{directory}: signed; {archive} has the signature in it", file=sys.stderr)
    next_steps(
        ("check it as a reviewer does", f"ablatrix verify {shell_word(archive)} --signed-by {shell_word(f'{key}.pub')}")
    )


def try_key(key: Path | None, anonymous: bool) -> None:
    """Refuse a key that cannot sign, or names its owner to reviewers, before anything is run."""
    from ablatrix.artifact.checks import sign_manifest
    from ablatrix.errors import ArtifactError

    if key is None:
        return
    if anonymous:
        raise ArtifactError("a signature names its key; sign the artifact when review is over: ablatrix sign ARTIFACT")
    sign_manifest(b"", key)
