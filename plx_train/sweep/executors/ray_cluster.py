"""A Ray cluster as a sweep sees it: how it is reached, and which machines of it live and have room."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plx_train.ground.errors import ConfigError, UserError

CONNECT_SECONDS = 5.0
REFRESH_SECONDS = 0.5
"""Between two looks at the cluster."""
OBJECT_STORE_BYTES = 100_000_000
"""Object store of a Ray that is started here; only words go through it, and its own choice is a third of the memory."""
EPSILON = 1e-6


@dataclass(frozen=True)
class Machine:
    """A living machine of the cluster.

    Attributes:
        places: runs that it has room for when nobody else uses it.
        is_roomy: what is free there now suffices for one more.
    """

    node_id: str
    name: str
    places: int
    is_roomy: bool


class Machines:
    """The living machines that have room for a run at all.

    Args:
        needs: resources of one run, by Ray's names.
    """

    def __init__(self, needs: Mapping[str, float]) -> None:
        self._needs = needs
        self._names: dict[str, str] = {}
        self._seen: tuple[Machine, ...] = ()
        self._seen_at = float("-inf")

    def look(self) -> tuple[Machine, ...]:
        """The cluster as of `REFRESH_SECONDS` ago at most; Ray itself knows a moment late what others use."""
        import ray

        # The public one adds all machines up.
        from ray._private.state import available_resources_per_node

        if time.monotonic() - self._seen_at < REFRESH_SECONDS:
            return self._seen
        self._seen_at = time.monotonic()
        available = available_resources_per_node()
        alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
        self._names = {node_id: name for node_id, name in self._names.items() if node_id in alive}
        found = []
        for node_id, node in alive.items():
            count = min(places(name, node["Resources"].get(name, 0), need) for name, need in self._needs.items())
            free = available.get(node_id, {})
            is_roomy = all(free.get(name, 0) + EPSILON >= need for name, need in self._needs.items())
            if count:
                found.append(Machine(node_id, self._name(node_id, node["NodeManagerHostname"]), count, is_roomy))
        self._seen = tuple(found)
        return self._seen

    def _name(self, node_id: str, host: str) -> str:
        """The host's name, with a number where several of the cluster's machines share it."""
        if node_id not in self._names:
            others = set(self._names.values())
            numbered = (f"{host}-{number}" for number in range(2, len(others) + 3))
            self._names[node_id] = next(name for name in (host, *numbered) if name not in others)
        return self._names[node_id]


def places(resource: str, total: float, need: float) -> int:
    """Runs that a machine's `total` is enough for; no share of a card is made of what is left over on two."""
    if resource == "GPU" and need < 1:
        return int(total + EPSILON) * int(1 / need + EPSILON)
    return int(total / need + EPSILON)


def connect(address: str | None) -> bool:
    """Connects to Ray; whether that is ours to end.

    Raises:
        UserError: Ray is missing, or no cluster answers.
        ConfigError: not the address of a cluster.
    """
    # Read when it is imported; nothing is told to anybody.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError:
        raise UserError("runs on a cluster need Ray: pip install 'plx_train[ray]'") from None
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _check_address(address)
    own: dict[str, Any] = (
        {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES} if address == "local" else {}
    )
    try:
        with _kept_signals():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
            # Not covered by that: a page on standard output for each machine that is lost.
            ray._private.worker.print_to_stdstream = lambda *_, **__: None
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
        raise UserError(_unreachable(address, " ".join(str(error).split()))) from None
    return True


def _check_address(address: str) -> None:
    """Asks whether anything listens there, which Ray itself would go on asking for minutes."""
    host, _, port = address.rpartition(":")
    if not host:
        return
    if "/" in host or not port.isdigit():
        raise ConfigError(
            f"ray.address={address}: name the cluster's own port, 10.0.0.1:6379, on one of its machines, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(_unreachable(address, getattr(error, "strerror", None) or str(error))) from None


def _unreachable(address: str, why: str) -> str:
    return f"ray.address={address}: no Ray cluster can be reached there ({why})"


@contextlib.contextmanager
def _kept_signals() -> Iterator[None]:
    """Gives signals back to those who listened to them before; Ray takes SIGTERM for itself."""
    is_main = threading.current_thread() is threading.main_thread()
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT) if is_main}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
