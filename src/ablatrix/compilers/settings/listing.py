"""The process that lists a compiler's settings: ``python -m`` with this module, ``MODULE:FUNCTION``, and a file."""

from __future__ import annotations

import sys
from pathlib import Path

from ablatrix.compilers.settings.address import AddressList
from ablatrix.compilers.settings.asking import encode_addresses
from ablatrix.import_spec import import_place


def main(place: str, file: str) -> None:
    """Call the function and write what it lists as JSON."""
    Path(file).write_bytes(encode_addresses(AddressList(tuple(import_place(place)()))))


if __name__ == "__main__":
    main(*sys.argv[1:])
