"""Where a trial was placed, of a study that may run on several hosts."""

import hashlib
import hmac
import platform
from pathlib import Path

from pydantic import Field

from ablatrix.records.part import Part

ROOT = Path("/")
PURPOSE = b"ablatrix host"
ID_DIGITS = 16
SHORT_DIGITS = 6


class Place(Part):
    """Where a trial was placed: the host, the slot on it, and the stratum of hosts that are alike."""

    host_id: str = Field(
        description="The host: a digest of its machine id and name that is the same in every run and names nobody."
    )
    slot: str | None = Field(default=None, description="The slot that ran its block; null where a study has one alone.")
    stratum: str | None = Field(
        default=None,
        description="Digest of hardware and software that hosts must have in common to be compared; null where none "
        "was taken.",
    )


def read_host_id(root: Path = ROOT, name: str | None = None) -> str:
    """Return an id of this host that is stable, and from which its name cannot be read back.

    It is keyed by the machine's id, as machine-id(5) asks of applications: who does not know that cannot try names. The
    name is in it because images of containers may share one machine id. Where there is none, the name alone is hashed,
    which can be guessed: an anonymous bundle replaces ids.

    Args:
        root: Directory under which ``etc`` lies.
        name: Name of the host; that of this machine by default.
    """
    key = b""
    for file in ("etc/machine-id", "var/lib/dbus/machine-id"):
        try:
            key = (root / file).read_bytes().strip()
        except OSError:
            continue
        if key:
            break
    text = (platform.node() if name is None else name).encode()
    return hmac.new(key, PURPOSE + b"\0" + text, hashlib.sha256).hexdigest()[:ID_DIGITS]


def short_host_ids(ids: list[str]) -> dict[str, str]:
    """Return ids of hosts with the fewest digits, at least six, that tell them apart.

    Args:
        ids: Of hosts that are shown together; a host without an id may go by its name, which is never cut.
    """
    distinct = sorted(set(ids))
    hexadecimal = [one for one in distinct if _is_id(one)]
    for digits in range(SHORT_DIGITS, ID_DIGITS):
        cut = {one[:digits] for one in hexadecimal}
        if len(cut) == len(hexadecimal):
            return {one: one[:digits] if _is_id(one) else one for one in distinct}
    return {one: one for one in distinct}


def _is_id(text: str) -> bool:
    return len(text) == ID_DIGITS and set(text) <= set("0123456789abcdef")
