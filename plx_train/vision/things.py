"""Images that are to be found among others, or told from others, by what they show."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.vision.samples import LabelledImage

TRAIN = "train"
"""Role of an image that is learned from."""
PAIR = "pair"
"""Role of an image that is compared with those that its truth names."""


@dataclass(frozen=True)
class Mate:
    """What an image of pairs is compared with.

    Attributes:
        name: of an image that comes before it.
        is_same: whether both show the same.
    """

    name: str
    is_same: bool


@dataclass(frozen=True)
class Thing:
    """What an image shows, and what it is for.

    Attributes:
        number: of its class; the trained ones come first, without gaps.
        name: of its class; of an image of pairs its own.
        role: `TRAIN`, `PAIR`, or what metrics know it by: known, or looked for.
        mates: of an image of pairs, those before it that it is compared with.
    """

    number: int
    name: str
    role: str = TRAIN
    mates: tuple[Mate, ...] = ()


@dataclass(frozen=True)
class ThingImage(LabelledImage[Thing]):
    """One sample."""

    @property
    def document(self) -> str:
        """Its class: whole classes are held out, so that a threshold is chosen on some that are not trained on."""
        return f"class {self.truth.number} of "
