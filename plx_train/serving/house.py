"""The house: requests that are worked on, how many there may be, and how long each takes of late."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from plx_train.serving.refusal import Refusal

HOPEFUL_SHARE = 0.7
"""Share of the time a request has: more than that in waiting, as far as can be foreseen, and it is not taken."""
REMEMBERED = 15
"""Answers that the pace is the median of: a few that took long, whatever held them, change nothing for the others."""


class Stay:
    """One request's time in the house; what it spends outside, waiting for bytes, does not count."""

    def __init__(self, house: House, seconds: float) -> None:
        self.is_decoded = False
        self._house = house
        self._ends = house.clock() + seconds
        self._is_inside = False
        self._is_first = True

    def left(self) -> float:
        """Seconds until the answer must be there."""
        return max(self._ends - self._house.clock(), 0.0)

    def enter(self) -> None:
        """
        Raises:
            Refusal: 503; there is no place, or no hope of an answer in time.
        """
        # Who was inside once and waited for a file does not lose what it waited for to a foreseeable delay.
        self._house.check(self.left() if self._is_first else math.inf)
        self._is_inside, self._is_first = True, False
        self._began = self._house.clock()
        self._area = self._house.move(1)

    def leave(self, status: int | None = None) -> None:
        """Gives the place back; `status` is that of the answer, None if there is none yet."""
        if not self._is_inside:
            return
        self._is_inside = False
        area = self._house.move(-1) - self._area
        # Refusals are quick, whatever the pipeline's pace; what could not be decoded in time says nothing of others.
        if status == 200 or (status == 504 and self.is_decoded):
            seconds = self._house.clock() - self._began
            self._house.remember(seconds * seconds / area if area > 0 else 0.0)


class House:
    """Places for `places` requests, each of which has `seconds`.

    Attributes:
        inside: requests that are decoded, wait for a batch or are predicted.
        clock: gives seconds that never go back.
    """

    def __init__(self, places: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.inside = 0
        self._places = places
        self._seconds = seconds
        self.clock = clock
        self._area = 0.0
        self._moved = clock()
        self._pace = 0.0
        self._costs: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    def check(self, left: float) -> None:
        """
        Args:
            left: seconds that a newcomer has.

        Raises:
            Refusal: 503; there is no place for it, or no hope of an answer in time.
        """
        if self.inside >= self._places:
            raise self._crowded("The server has all the requests it can take")
        # Who would wait in vain is told so now, and the time goes to those who are still there.
        if self.inside and (self.inside + 1) * self.pace() > HOPEFUL_SHARE * left:
            raise self._crowded(f"The server would not come to the request within {self._seconds:g} s")

    def pace(self) -> float:
        """Seconds from one answer to the next, as they came of late; 0 if nothing did."""
        if self._costs and self._costs[0][0] <= self.clock() - 2 * self._seconds:
            oldest = self.clock() - 2 * self._seconds
            while self._costs and self._costs[0][0] <= oldest:
                self._costs.popleft()
            self._weigh()
        return self._pace

    def move(self, by: int) -> float:
        """Lets `by` more requests in, and gives the place-seconds that all have spent inside so far."""
        now = self.clock()
        self._area += self.inside * (now - self._moved)
        self._moved = now
        self.inside += by
        return self._area

    def remember(self, cost: float) -> None:
        """Counts an answer that took `cost` seconds of the whole house."""
        self._costs.append((self.clock(), cost))
        self._weigh()

    def _weigh(self) -> None:
        self._pace = statistics.median(cost for _, cost in self._costs) if self._costs else 0.0

    def _crowded(self, message: str) -> Refusal:
        """A refusal with the seconds until about half of what is in the house should be done."""
        seconds = max(1, min(60, math.ceil(self.pace() * self.inside / 2)))
        return Refusal(503, message, {"Retry-After": str(seconds)})
