"""Slots on a Ray cluster: one detached actor a node, which answers requests and measures nothing.

``num_cpus=0`` and one unit of the custom resource ``ablatrix_slot`` place it, a hard label selector on the node's id
holds it there, and nothing is retried: a second try by Ray would look like a result. Nodes without the resource take no
part. Ray is imported when a cluster is connected to, never before.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from time import sleep
from typing import Any

from ablatrix.errors import TrialError
from ablatrix.trials.slots.keeper import Keeper
from ablatrix.trials.slots.site import Site, SlotLost, Transport

RESOURCE = "ablatrix_slot"
HOST_LABEL = "ablatrix-host"
NAMESPACE = "ablatrix"
NODE_ID = "ray.io/node-id"
CHECK_S = 5.0


class RayKeeper:
    """The actor: a keeper whose host is a node of Ray."""

    def __init__(self, host: str, root: str | None) -> None:
        raylet = os.environ.get("RAY_RAYLET_PID", "")
        self._keeper = Keeper(Path(root) if root else None, host, (int(raylet),) if raylet.isdigit() else ())
        threading.Thread(target=self._watch, daemon=True, name="lease").start()

    def handle(self, request: bytes) -> bytes:
        """Return the keeper's answer."""
        return self._keeper.handle(request)

    def _watch(self) -> None:
        while not self._keeper.is_abandoned:
            sleep(CHECK_S)
        self._keeper.leave()
        os._exit(0)  # the actor is detached: nobody else ends it


class RayTransport:
    """The way to an actor. Whether an answer is there costs nothing to ask: Ray's own thread brings it."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor
        self._answer: Any = None

    def send(self, request: bytes) -> None:
        """Call the actor."""
        try:
            self._answer = self._actor.handle.remote(request).future()
        except Exception as error:  # Ray raises many kinds, some of its C++ core
            raise SlotLost(_first_line(error)) from None

    def receive(self) -> bytes | None:
        """Return what it returned, if it did."""
        if not self._answer.done():
            return None
        try:
            return bytes(self._answer.result())
        except Exception as error:
            raise SlotLost(_first_line(error)) from None

    def close(self) -> None:
        """Kill the actor; its runner ends with it."""
        try:
            self._ray.kill(self._actor, no_restart=True)
        except Exception:  # it is gone already
            return


class RaySite:
    """A node of a Ray cluster."""

    def __init__(self, ray: Any, node: dict[str, Any], root: Path | None) -> None:
        self._ray, self._root = ray, root
        self.key = str(node["NodeID"])
        self._host = str(node.get("Labels", {}).get(HOST_LABEL, ""))
        self.name = f"{node['NodeManagerHostname']}/{self._host}" if self._host else str(node["NodeManagerHostname"])
        has_slot = node.get("Resources", {}).get(RESOURCE, 0) >= 1
        self.refusal = (
            ""
            if has_slot
            else f"its node does not have the resource {RESOURCE}; start it with "
            f"ray start ... --resources='{{\"{RESOURCE}\": 1}}'"
        )

    def connect(self, run_id: str) -> Transport:
        """Return the way to the actor of a run on this node, which is made where there is none."""
        name = f"slot-{run_id}-{self.key}"
        try:
            return RayTransport(self._ray, self._ray.get_actor(name, namespace=NAMESPACE))
        except ValueError:
            pass
        try:
            actor = (
                self._ray.remote(RayKeeper)
                .options(
                    name=name,
                    namespace=NAMESPACE,
                    lifetime="detached",
                    num_cpus=0,
                    resources={RESOURCE: 1},
                    label_selector={NODE_ID: self.key},
                    max_restarts=0,
                    max_task_retries=0,
                    max_concurrency=1,
                )
                .remote(self._host, None if self._root is None else str(self._root))
            )
        except Exception as error:
            raise SlotLost(_first_line(error)) from None
        return RayTransport(self._ray, actor)

    def is_there(self) -> bool:
        """Return whether Ray holds the node to be alive."""
        return any(node["NodeID"] == self.key and node["Alive"] for node in self._ray.nodes())


class RayField:
    """The nodes of a Ray cluster."""

    def __init__(self, address: str = "", root: Path | None = None) -> None:
        """Note where the cluster is.

        Args:
            address: ``host:port`` of its head as ``ray start`` prints it; empty for the one of this machine.
            root: Directory on each host for what runs leave there; default: below the user's cache.
        """
        self._address, self._root = address or "auto", root
        self._ray: Any = None

    @property
    def word(self) -> str:
        """What slots there are called."""
        return "ray"

    def sites(self) -> Sequence[Site]:
        """Return the nodes that are alive, by name."""
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        return sorted((RaySite(self._ray, node, self._root) for node in nodes), key=lambda one: (one.name, one.key))

    def __enter__(self) -> RayField:
        """Connect to the cluster.

        Raises:
            TrialError: Ray is not installed, or there is no cluster.
        """
        try:
            import ray
        except ImportError:
            raise TrialError("--slots ray: Ray is not installed; run: pip install 'ablatrix[ray]'") from None
        try:
            ray.init(
                address=self._address,
                namespace=NAMESPACE,
                log_to_driver=False,
                configure_logging=False,
                logging_level="ERROR",
            )
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise TrialError(
                f"--slots ray: no cluster at {self._address}: {_first_line(error)}; run this on a machine of the "
                "cluster, and give the address that ray start printed"
            ) from None
        self._ray = ray
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect; slots whose run has not ended stay, so that it can go on."""
        self._ray.shutdown()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
