"""Signatures of manifests by real SSH keys: what holds, by whom, and what is said where something is missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle import sign
from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.errors import ArtifactError
from tests.artifact.conftest import derive_little, reseal

Check = Callable[[Path], Verification]
SIGNATURE = "MANIFEST.json.sig"
pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="no ssh-keygen; apt-get install openssh-client"
)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two keys, ``own`` and ``other``."""
    place = tmp_path_factory.mktemp("keys")
    for name in ("own", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name} key", "-f", str(place / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return place


def checked(artifact: Path, signed_by: Path | None) -> Verification:
    return examine(artifact, derive=derive_little, signed_by=signed_by)


def fingerprint(key: Path) -> str:
    done = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def test_signed_artifact_and_its_zip_hold_for_the_key_that_signed(artifact: Path, keys: Path) -> None:
    archive = sign(artifact, keys / "own")
    assert archive == archive_path(artifact)
    for one in (artifact, archive):
        found = checked(one, keys / "own.pub")
        assert (found.problems, found.notes, found.signer) == ((), (), fingerprint(keys / "own"))


def test_any_of_several_keys_may_have_signed(artifact: Path, keys: Path, tmp_path: Path) -> None:
    sign(artifact, keys / "own")
    several = tmp_path / "me.keys"
    several.write_text("# both\n\n" + (keys / "other.pub").read_text() + (keys / "own.pub").read_text())
    assert checked(artifact, several).problems == ()


def test_signature_that_nobody_asked_for_is_noted_with_its_key(artifact: Path, keys: Path) -> None:
    sign(artifact, keys / "own")
    found = checked(artifact, None)
    assert found.problems == ()
    (note,) = found.notes
    assert note.startswith(f"signed with the key {fingerprint(keys / 'own')}; --signed-by FILE says")


def test_signature_of_another_key_is_one_problem(artifact: Path, keys: Path) -> None:
    sign(artifact, keys / "other")
    (problem,) = checked(artifact, keys / "own.pub").problems
    assert (problem.path, problem.kind) == (SIGNATURE, "invalid")
    assert problem.detail.startswith(f"it is by another key, {fingerprint(keys / 'other')}, and by none of ")


def test_artifact_without_signature_is_one_problem_where_one_is_asked_for(artifact: Path, keys: Path) -> None:
    (problem,) = checked(artifact, keys / "own.pub").problems
    assert (problem.path, problem.kind) == (SIGNATURE, "missing")


def test_manifest_that_was_made_again_does_not_have_the_signature(artifact: Path, keys: Path) -> None:
    """What nothing within a bundle can show: other records, and everything else made again from them."""
    sign(artifact, keys / "own")
    (artifact / "LICENSE").write_text("mine\n")
    reseal(artifact, documents=True)
    for signed_by in (None, keys / "own.pub"):
        of_signature = [one for one in checked(artifact, signed_by).problems if one.path == SIGNATURE]
        assert [one.kind for one in of_signature] == ["invalid"]
        assert "the one or the other was changed since" in of_signature[0].detail


@pytest.mark.parametrize("content", [b"", b"-----BEGIN SSH SIGNATURE-----\n", bytes(range(256)), b"x" * 100_000])
def test_signature_that_is_none_is_one_problem(artifact: Path, check: Check, content: bytes) -> None:
    (artifact / SIGNATURE).write_bytes(content)
    (problem,) = check(artifact).problems
    assert problem.path == SIGNATURE


def test_signature_for_another_purpose_does_not_hold(artifact: Path, check: Check, keys: Path) -> None:
    command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(keys / "own")]
    done = subprocess.run(command, input=(artifact / "MANIFEST.json").read_bytes(), capture_output=True, check=True)
    (artifact / SIGNATURE).write_bytes(done.stdout)
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == (SIGNATURE, "invalid")


def test_assembly_signs_and_an_earlier_signature_goes(artifact: Path, keys: Path) -> None:
    assemble(artifact, Origin(study=artifact / "study.yaml", key=keys / "own"))
    assert checked(archive_path(artifact), keys / "own.pub").problems == ()
    assemble(artifact, Origin(study=artifact / "study.yaml"))
    assert not (artifact / SIGNATURE).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it has no public key"),
        ("# nothing\n", "it has no public key"),
        ("nonsense\n", ":1: no public SSH key"),
        ('* namespaces="git" ssh-ed25519 AAAA\n', ":1: no public SSH key"),
        ("ssh-ed25519 AAAA\ncert-authority ssh-ed25519 AAAA\n", ":2: no public SSH key"),
    ],
)
def test_file_that_has_no_public_keys_is_refused(artifact: Path, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(ArtifactError, match=said):
        checked(artifact, tmp_path / "keys")


def test_key_that_cannot_sign_is_refused(artifact: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such file; give an SSH key"):
        sign(artifact, tmp_path / "none")
    (tmp_path / "no key").write_text("nonsense")
    with pytest.raises(ArtifactError, match="cannot sign with it: "):
        sign(artifact, tmp_path / "no key")
    with pytest.raises(ArtifactError, match="give the directory of an artifact"):
        sign(tmp_path, tmp_path / "no key")


def test_without_openssh_one_line_says_so(artifact: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(artifact, keys / "own")
    monkeypatch.setenv("PATH", "")
    (note,) = checked(artifact, None).notes
    assert note == "it is signed; the signature was not checked, since ssh-keygen (OpenSSH) is not installed"
    with pytest.raises(ArtifactError, match="ssh-keygen is not installed, which signs and verifies: apt-get install"):
        checked(artifact, keys / "own.pub")
