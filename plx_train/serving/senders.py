"""Requests whose bodies are on the way: they hold no place in the house, and have limits of their own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from plx_train.serving.refusal import Refusal

GRACE_SECONDS = 10.0
"""Time that a body has before it must have come at the least pace."""
SLOW_BYTES = 1 << 16
"""Bytes a second; who sends less gives up its place where others wait for one."""
SLOW_SECONDS = 1.0
"""How long a body is on the way before it can be called slow."""

MOST_BYTES = 1 << 30
"""Bytes of all bodies that are on the way or worked on, unless a single one may have more."""

Result = TypeVar("Result")


@dataclass(eq=False)
class Sender:
    """One body on the way, how much of it has come, and the refusal that ended it early."""

    address: str
    began: float
    received: int = 0
    refusal: Refusal | None = None
    _reading: asyncio.Task[Any] | None = None

    def pace(self, now: float) -> float:
        """Bytes a second so far."""
        return self.received / max(now - self.began, 1e-3)

    def stop(self, refusal: Refusal) -> None:
        """Ends what `within` waits for."""
        if self._reading is not None and self.refusal is None:
            self.refusal = refusal
            self._reading.cancel()

    async def within(self, read: Awaitable[Result], seconds: float) -> Result:
        """What `read` gives.

        Raises:
            Refusal: 408; it took longer, or was stopped.
        """
        self._reading = asyncio.current_task()
        late = Refusal(408, f"The request did not arrive within {seconds:g} s")
        timer = asyncio.get_running_loop().call_later(seconds, self.stop, late)
        try:
            # A task of its own would cost each request more than all else here.
            return await read
        except asyncio.CancelledError:
            if self.refusal is None:
                raise
            uncancel = getattr(self._reading, "uncancel", None)
            if uncancel is not None:  # Python 3.11 counts.
                uncancel()
        finally:
            self._reading = None
            timer.cancel()
        refusal, self.refusal = self.refusal, None
        try:
            # Not while the interruption is handled, whose frames know the body.
            raise refusal
        finally:
            del refusal


@dataclass
class Senders:
    """At most `places` bodies at once, each at no less than `least` bytes a second.

    Attributes:
        most_bytes: of those and of the bodies that have come and are worked on.
        held: bytes that there are of them.
    """

    places: int
    least: float
    most_bytes: int = MOST_BYTES
    held: int = 0
    sending: set[Sender] = field(default_factory=set)

    def enter(self, address: str) -> Sender:
        """
        Raises:
            Refusal: 503; so many are sending, and none of them slowly.
        """
        now = time.monotonic()
        if len(self.sending) >= self.places:
            self._make_room(now)
        sender = Sender(address, now)
        self.sending.add(sender)
        return sender

    def leave(self, sender: Sender) -> None:
        """The body has come, or won't."""
        self.sending.discard(sender)

    def receive(self, sender: Sender, num_bytes: int) -> None:
        """Counts what came of a body. Where there is too much, whoever has sent most and is not done gives way.

        Raises:
            Refusal: 503; that is this one.
        """
        sender.received += num_bytes
        self.held += num_bytes
        if self.held <= self.most_bytes:
            return
        largest = max(self.sending | {sender}, key=lambda one: one.received)
        refusal = Refusal(503, "As many bytes are being worked on as the server can take", {"Retry-After": "2"})
        if largest is sender:
            raise refusal
        largest.stop(refusal)
        self.leave(largest)
        self.give_back(largest)

    def give_back(self, sender: Sender) -> None:
        """Its body is no longer there."""
        self.held -= sender.received
        sender.received = 0

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
