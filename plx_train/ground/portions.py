"""Parts of a number of samples, as users write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plx_train.ground.errors import ConfigError

PER_CLASS = "/class"


@dataclass(frozen=True)
class Portion:
    """A part of some samples.

    Attributes:
        share: of all, 0 to 1; None where a number is given.
        number: of samples.
        is_per_class: whether `number` is that of each class.
    """

    share: float | None
    number: int
    is_per_class: bool

    def of(self, total: int) -> int:
        """How many samples of `total` it is, one at least where there is one; `number` of each class apart."""
        wanted = self.number if self.share is None else max(round(self.share * total), 1)
        return min(wanted, total)


def parse_portion(text: str, key: str) -> Portion:
    """What ``10%``, ``200`` or ``5/class`` says.

    Raises:
        ConfigError: anything else, naming `key`.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(%|/class)?", text, re.ASCII)
    number, unit = (float(match[1]), match[2]) if match else (0.0, None)
    is_possible = 0 < number <= 100 if unit == "%" else number >= 1 and number == int(number)
    if not match or not is_possible:
        raise ConfigError(
            f"{key}={text} is no part of the samples: write a share (10%), a number (200) or one per class (5/class)"
        )
    if unit == "%":
        return Portion(number / 100, 0, False)
    return Portion(None, int(number), unit == PER_CLASS)
