"""What all rooms of series share: how a dataset is read and shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from plx_train.contract.room import CheckedT, OptionsT, Room
from plx_train.series.draw.plot import draw_series, shown_times
from plx_train.series.frame import Series
from plx_train.series.fusion import FusionOptions, name_of
from plx_train.series.processor import SeriesP
from plx_train.series.read.splits import SeriesData
from plx_train.vision.image import write_image

SeriesDataT = TypeVar("SeriesDataT", bound=SeriesData)
FusionOptionsT = TypeVar("FusionOptionsT", bound=FusionOptions)


class SeriesRoom(Room[OptionsT, SeriesDataT, SeriesP, CheckedT]):
    """A room whose samples are cut from series, which lie in a table for each split.

    Attributes:
        num_pictures: series of a split that are shown.
    """

    retired_options = frozenset({"fitted", "members", "refitted"})
    num_pictures: ClassVar[int] = 6

    def shown(self, samples: Sequence[Series]) -> list[tuple[Series, str]]:
        """The series that are shown, and what is written above each."""
        return [(one, one.name) for one in samples[: self.num_pictures]]

    def draw_samples(self, samples: Sequence[Series], folder: Path) -> list[Path]:
        """Pictures of series, all columns one below the other, written into `folder`."""
        paths = []
        for place, (one, caption) in enumerate(self.shown(samples)):
            paths.append(folder / f"series_{place}.png")
            times = shown_times(one.times, one.is_datetime)
            write_image(paths[-1], draw_series(one.values, caption, one.columns, times))
        return paths


class FusingRoom(SeriesRoom[FusionOptionsT, SeriesDataT, SeriesP, CheckedT]):
    """A room that trains one network, or several that it fuses."""

    def model_name(self, options: FusionOptionsT) -> str:
        """Name in the exported ``inference.yml``."""
        return name_of(options)

    def member_networks(self, options: FusionOptionsT) -> Sequence[str]:
        """The networks of a fusion."""
        return options.models
