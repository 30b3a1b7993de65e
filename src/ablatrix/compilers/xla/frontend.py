"""Imports torchax under a torch that has lost names which torchax reads."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

_lock = threading.Lock()


@cache
def import_torchax() -> Any:
    """Return the module ``torchax.export``.

    torchax builds tables with overloads of named tensors as keys (``aten.prod.dim_Dimname``). torch 2.13 has removed
    named tensors, so that reading such a name ends the import. For its duration a name that is not there is None: the
    tables get an entry that nothing looks up.
    """
    from torch._ops import OpOverloadPacket

    with _lock:
        before = OpOverloadPacket.__getattr__

        def find(packet: Any, name: str) -> Any:
            try:
                return before(packet, name)
            except AttributeError:
                if name.startswith("__"):
                    raise
                return None

        OpOverloadPacket.__getattr__ = find
        try:
            import torchax.export
            import torchax.ops.jaten  # fills the table of lowerings
        finally:
            OpOverloadPacket.__getattr__ = before
        return torchax.export
