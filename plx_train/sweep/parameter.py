"""What varies in a search space: one key, and the values that it can have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from plx_train.config.texts import quoted, split

Value = str | int | float


class EndlessSpace(ValueError):
    """A parameter has no end of values."""


@dataclass(frozen=True)
class Condition:
    """Holds where the parameter `key` has one of `values`, which have no quotes."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """One thing that varies.

    Attributes:
        key: as in the command, with ``+`` where it had that.
        choices: values as they are typed, texts without quotes; empty where it is a number between `low` and `high`.
        step: between possible numbers; None: any.
        is_log: numbers are searched by magnitude.
        is_integer: numbers are whole.
        condition: it varies only where this holds.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    is_log: bool = False
    is_integer: bool = False
    condition: Condition | None = None

    @property
    def name(self) -> str:
        """The key without ``+``."""
        return bare(self.key)

    def suggest(self, trial: Any) -> Any:
        """The value that Optuna's `trial` has for it."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.is_integer:
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            return trial.suggest_int(self.name, low, high, step=step, log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.is_log)

    def possible(self) -> Sequence[Value]:
        """All values that it can have, in order.

        Raises:
            EndlessSpace: there is no end of them.
        """
        if self.choices:
            return self.choices
        if self.is_integer:
            return range(int(self.low), int(self.high) + 1, int(self.step or 1))
        if self.step is None:
            raise EndlessSpace(self.key)
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        return [min(place * self.step + self.low, self.high) for place in range(count)]

    def draw(self, random: Random) -> Value:
        """A value by chance."""
        if self.choices or self.is_integer or self.step is not None:
            return random.choice(self.possible())
        if self.is_log:
            return math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return random.uniform(self.low, self.high)

    def override(self, value: Any) -> str:
        """What gives it `value` on a command line."""
        return quoted(f"{self.key}={value}") if isinstance(value, str) else f"{self.key}={value!r}"

    def example(self) -> str:
        """One value of it, as typed."""
        return self.choices[0] if self.choices else repr(int(self.low) if self.is_integer else self.low)

    def __str__(self) -> str:
        """What it is searched in, as typed: ``16,32``, ``interval(0, 0.5) if module.network=DLinear``."""
        if self.choices:
            text = ",".join(f"'{one}'" if len(split(one, ",")) > 1 else one for one in self.choices)
        elif self.step is not None:
            text = f"range({self.low:.12g}, {self.high:.12g}, {self.step:.12g})"
        else:
            text = f"interval({self.low:.12g}, {self.high:.12g})"
            text = f"int({text})" if self.is_integer else text
        text = f"tag(log, {text})" if self.is_log else text
        return f"{text} if {self.condition.key}={','.join(self.condition.values)}" if self.condition else text


def bare(key: str) -> str:
    """A key without what Hydra writes before it."""
    return key.lstrip("+~")
