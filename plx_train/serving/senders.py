"""Requests whose bodies are on the way: they hold no place in the house, and have limits of their own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from plx_train.serving.refusal import Refusal

GRACE_SECONDS = 10.0
"""From when on a body must have come at the least pace."""
SLOW_BYTES = 1 << 16
"""Bytes a second; who sends less gives up its place where others wait for one."""
SLOW_SECONDS = 1.0
"""How long a body is on the way before it can be called slow."""


@dataclass(eq=False)
class Sender:
    """One body on the way: how much of it has come, and the refusal that ends it early."""

    address: str
    began: float
    stopped: asyncio.Future[Refusal]
    received: int = 0

    def pace(self, now: float) -> float:
        """Bytes a second so far."""
        return self.received / max(now - self.began, 1e-3)

    def stop(self, refusal: Refusal) -> None:
        if not self.stopped.done():
            self.stopped.set_result(refusal)


@dataclass
class Senders:
    """At most `places` bodies at once, each at no less than `least` bytes a second."""

    places: int
    least: float
    sending: set[Sender] = field(default_factory=set)

    def enter(self, address: str) -> Sender:
        """
        Raises:
            Refusal: 503; so many are sending, and none of them slowly.
        """
        now = time.monotonic()
        if len(self.sending) >= self.places:
            self._make_room(now)
        sender = Sender(address, now, asyncio.get_running_loop().create_future())
        self.sending.add(sender)
        return sender

    def leave(self, sender: Sender) -> None:
        """The body has come, or won't."""
        self.sending.discard(sender)

    def sweep(self) -> None:
        """Ends those that send more slowly than is allowed."""
        now = time.monotonic()
        for sender in list(self.sending):
            if now - sender.began > GRACE_SECONDS and sender.pace(now) < self.least:
                sender.stop(Refusal(408, f"The request came at less than {self.least / 1024:g} KiB/s"))

    def _make_room(self, now: float) -> None:
        slow = [one for one in self.sending if now - one.began > SLOW_SECONDS and one.pace(now) < SLOW_BYTES]
        if not slow:
            raise Refusal(503, "As many requests are being sent as the server can take", {"Retry-After": "1"})
        # Whoever holds the most places gives one up.
        held = Counter(one.address for one in slow)
        victim = max(slow, key=lambda one: (held[one.address], -one.pace(now)))
        victim.stop(Refusal(408, "The request came slowly while others waited to send theirs"))
        self.leave(victim)
