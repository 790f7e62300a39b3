"""What all rooms of series share: how a dataset is read and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from plx_train.contract.division import Divided
from plx_train.contract.room import CheckedT, OptionsT, Room
from plx_train.series.divide import Wanted, copy_tables, divide_table, is_whole, table_of
from plx_train.series.draw.plot import draw_series, shown_times
from plx_train.series.frame import Series
from plx_train.series.fusion import FusionOptions, name_of
from plx_train.series.processor import SeriesP
from plx_train.series.read.splits import SeriesData, roles_of
from plx_train.vision.image import write_image

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions

SeriesDataT = TypeVar("SeriesDataT", bound=SeriesData)
FusionOptionsT = TypeVar("FusionOptionsT", bound=FusionOptions)


class SeriesRoom(Room[OptionsT, SeriesDataT, SeriesP, CheckedT]):
    """A room whose samples are cut from series, which lie in a table for each split.

    Attributes:
        num_pictures: series of a split that are shown.
        marks_rows: the column of labels marks rows; else it names classes, or is one like any other.
    """

    retired_options = frozenset({"fitted", "members", "refitted"})
    num_pictures: ClassVar[int] = 6
    marks_rows: ClassVar[bool] = False

    def window(self, options: OptionsT) -> int | None:
        """Rows of a sample, 0 where it is a whole series; None: tables are never divided."""
        return None

    def divide(self, dataset: DatasetOptions, options: OptionsT, folder: Path, is_copy: bool = False) -> Divided | None:
        """The table in parts, where none is for validation."""
        dataset, window = replace(dataset, train=table_of(dataset)), self.window(options)
        if window is None or not is_whole(dataset):
            return copy_tables(dataset, folder) if is_copy else None
        return divide_table(dataset, Wanted(roles_of(dataset), window, self.marks_rows), folder)

    def divides_by(self, dataset: DatasetOptions, options: OptionsT) -> dict[str, Any]:
        """The rows of a window and of a gap, and which columns tell rows and series apart."""
        columns = dataset.columns
        return {
            "window": self.window(options),
            "gap": dataset.split_gap,
            "time": columns.time,
            "group": columns.group,
            "time_zone": dataset.time_zone,
        }

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
