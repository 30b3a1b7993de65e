"""The signature of a manifest, by ssh-keygen: who signs has a key already, and who verifies needs no more than OpenSSH.

``ssh-keygen -Y`` (OpenSSH 8.1, 2019) signs any file with an SSH key: one on disk, in an agent, or in hardware. Through
the digests of the manifest it covers the whole artifact. See docs/decisions/0022-signature.md.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ablatrix.artifact.contents import MANIFEST_NAME, SIGNATURE_NAME, Problem
from ablatrix.errors import ArtifactError
from ablatrix.records.names import LARGEST_MANIFEST
from ablatrix.regular_files import MEBIBYTE, read_regular

PROGRAM = "ssh-keygen"
NAMESPACE = "ablatrix"
"""Signatures for another purpose do not hold for a manifest."""
SIGNER = "signer"
TIMEOUT_S = 60.0
LARGEST = MEBIBYTE // 16
KEY = re.compile(r"((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2})(?: .*)?", re.ASCII)
FINGERPRINT = re.compile(r"key (SHA256:[A-Za-z0-9+/]+)")


def sign_manifest(manifest: bytes, key: Path) -> bytes:
    """Return a signature of the bytes of a manifest.

    Args:
        manifest: What is signed.
        key: File of a private SSH key, or of a public one whose private one is in an agent. OpenSSH asks for a
            passphrase in the terminal.

    Raises:
        ArtifactError: There is no such key, OpenSSH is missing or too old, or the passphrase is wrong.
    """
    if not key.is_file():
        raise ArtifactError(f"{key}: no such file; give an SSH key (ssh-keygen -t ed25519 makes one)")
    done = _asked(["-Y", "sign", "-n", NAMESPACE, "-f", str(key)], manifest)
    if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise ArtifactError(f"{key}: cannot sign with it: {_words(done)}")
    return done.stdout


def check_signature(directory: Path, signed_by: Path | None) -> tuple[str | None, list[Problem], list[str]]:
    """Return whose signature a manifest has, what is wrong with it, and notes.

    Args:
        directory: The artifact.
        signed_by: File of public keys, one a line, of which one must have signed; None: any key may have.

    Returns:
        The fingerprint of the key whose signature holds, else None.

    Raises:
        ArtifactError: Keys are given, and cannot be read, or OpenSSH is missing.
    """
    keys = None if signed_by is None else read_keys(signed_by)
    try:
        signature = read_regular(directory / SIGNATURE_NAME, LARGEST)
        manifest = read_regular(directory / MANIFEST_NAME, LARGEST_MANIFEST)
    except FileNotFoundError:
        asked = [] if keys is None else [Problem(SIGNATURE_NAME, "missing", f"no key of {signed_by} has signed it")]
        return None, asked, []
    except OSError as error:
        return None, [Problem(SIGNATURE_NAME, "unreadable", f"it cannot be read: {error.strerror}")], []
    if keys is None and shutil.which(PROGRAM) is None:
        return None, [], [f"it is signed; the signature was not checked, since {PROGRAM} (OpenSSH) is not installed"]
    with tempfile.TemporaryDirectory(prefix="ablatrix-signature-") as scratch:
        file = Path(scratch, "signature")
        file.write_bytes(signature)
        signer = _signer(file, manifest)
        fault = None
        if signer is None:
            fault = f"it is no signature of this {MANIFEST_NAME}: the one or the other was changed since"
        elif keys is not None and not _is_by_one_of(keys, file, manifest, Path(scratch, "keys")):
            fault = f"it is by another key, {signer}, and by none of {signed_by}"
    if fault is not None:
        return None, [Problem(SIGNATURE_NAME, "invalid", fault)], []
    note = f"signed with the key {signer}; --signed-by FILE says whether that is a key that you expect"
    return signer, [], [note] if keys is None else []


def read_keys(file: Path) -> tuple[str, ...]:
    """Return the public SSH keys of a file, without comments.

    Raises:
        ArtifactError: It cannot be read, or has a line that is no key.
    """
    try:
        lines = read_regular(file, LARGEST).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ArtifactError(
            f"{file}: public keys cannot be read: {reason}; give a file such as id_ed25519.pub"
        ) from None
    keys = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        key = KEY.fullmatch(line.strip())
        if key is None:
            raise ArtifactError(
                f"{file}:{number}: no public SSH key; give a file such as id_ed25519.pub, or what "
                "https://github.com/NAME.keys has"
            )
        keys.append(key[1])
    if not keys:
        raise ArtifactError(f"{file}: it has no public key; give a file such as id_ed25519.pub")
    return tuple(keys)


def _signer(signature: Path, manifest: bytes) -> str | None:
    """Return the fingerprint of the key that made a signature; None where it is none of these bytes."""
    done = _asked(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)], manifest)
    found = FINGERPRINT.search(done.stdout.decode(errors="replace"))
    return found[1] if done.returncode == 0 and found is not None else None


def _is_by_one_of(keys: Sequence[str], signature: Path, manifest: bytes, scratch: Path) -> bool:
    scratch.write_text("".join(f'{SIGNER} namespaces="{NAMESPACE}" {key}\n' for key in keys))
    words = ["-Y", "verify", "-f", str(scratch), "-I", SIGNER, "-n", NAMESPACE, "-s", str(signature)]
    return _asked(words, manifest).returncode == 0


def _asked(words: Sequence[str], manifest: bytes) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which(PROGRAM)
    if program is None:
        raise ArtifactError(f"{PROGRAM} is not installed, which signs and verifies: apt-get install openssh-client")
    try:
        return subprocess.run(
            [program, *words],
            input=manifest,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArtifactError(f"{program}: it did not answer: {error}") from None


def _words(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = done.stderr.decode(errors="replace").split("\n")
    told = (line.strip() for line in said if line.strip() and not line.startswith("Signing data"))
    return next(told, f"{PROGRAM} ended with {done.returncode}")
