"""Pipelines of one model on series from tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.pipeline import SECTION
from plx_train.export.predictor import Predictor
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.listing import Listing, files_in
from plx_train.pipelines.base import LoadPart
from plx_train.pipelines.naming import folded
from plx_train.pipelines.result import PipelineResult
from plx_train.pipelines.single import SingleModel
from plx_train.series.frame import Series
from plx_train.series.prediction import SeriesPrediction
from plx_train.series.read.given import need_pandas


@dataclass(frozen=True)
class SeriesItem:
    """One series to work on.

    Attributes:
        path: of its table; None for other input.
        name: for files made of it, unique within one input, without suffix; may hold folders.
    """

    series: Series
    path: str | None
    name: str


class SeriesModel(SingleModel):
    """One model on series: each group of a table is one, and has a result of its own."""

    READS = "series"
    ITEMS = "series"
    SAMPLE = "table"
    AT_ONCE = 64

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        need_pandas()
        super().__init__(config, load)
        if self.declared.table is None:
            raise ConfigError(f"{self.declared.where}: {SECTION} lacks table: under which name what is found is given")
        self.table = self.declared.table

    @property
    def processor(self) -> Any:
        """The model's pre- and postprocessing."""
        return self.parts[self.key].predictor.processor

    def read(self, input: Any) -> Iterator[SeriesItem | UserError]:
        """The series of a table's path, a CSV's bytes, a folder, a data frame, an array, or a list of these.

        What can't be read, or lacks a column, has its error in its place.
        """
        names: set[str] = set()
        several = isinstance(input, list | tuple | Iterator)
        for number, one in enumerate(input if several else [input]):
            for item in self._read_one(one, f"series_{number}" if several else "series"):
                if isinstance(item, UserError):
                    yield item
                    continue
                # Files of one name lie in several folders; what is made of them lies in one.
                name = _unused(item.name, names)
                names.add(folded(name))
                yield replace(item, name=name)

    def _read_one(self, given: Any, name: str) -> Iterator[SeriesItem | UserError]:
        if not isinstance(given, str | Path):
            yield from self._items(given, None, name)
            return
        path = Path(given)
        folder = path if path.is_dir() else path.parent
        found = Listing({"": path}) if folder != path else files_in(path, self.processor.suffixes)
        if found.is_empty:
            yield UserError(f"input={folder} holds no table ({', '.join(sorted(self.processor.suffixes))})")
        yield from found.faults
        for file in found.files.values():
            stem = file.relative_to(folder).with_name(file.name.partition(".")[0] or file.name)
            yield from self._items(file, str(file), stem.as_posix())

    def _items(self, given: Any, path: str | None, name: str) -> Iterator[SeriesItem | UserError]:
        try:
            found = self.processor.as_inputs(given)
        except UserError as error:
            yield error
            return
        for series in found:
            suffix = "" if series.group is None else "_" + re.sub(r"[^\w.-]+", "_", series.group)[:80]
            yield SeriesItem(series, path, f"{name}{suffix}")

    def as_item(self, given: Any, number: int) -> SeriesItem:
        """What `run` takes of one series: as `processor.as_input` does."""
        return SeriesItem(self.processor.as_input(given), None, f"series_{number}")

    def sample(self, path: Path | None = None) -> Series:
        """The first series at `path`, or one of zeros."""
        series: Series = self.processor.example() if path is None else self.processor.as_inputs(path)[0]
        return series

    def run(self, items: Sequence[SeriesItem], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The results of `items`, in order."""
        predictor = self.predictor(params)
        found = predictor.predict([item.series for item in items])
        return [self._result(predictor, item, prediction) for item, prediction in zip(items, found, strict=True)]

    def _result(self, predictor: Predictor, item: SeriesItem, prediction: SeriesPrediction) -> PipelineResult:
        table = prediction.table(self.processor.time or "time")
        if not np.isfinite(table.select_dtypes("number").to_numpy(np.float64)).all():
            raise UserError(f"{item.series.name} holds numbers that are too far from those the model was trained on")
        findings = {"input_path": item.path, self.table: table, **prediction.findings(), "models": self.describe()}
        if item.series.group is not None:
            findings["group"] = item.series.group
        draw = partial(predictor.overlay, item.series, prediction)
        return PipelineResult(findings, item.name, lambda: {"res": draw()}, table=table)


def _unused(name: str, names: set[str]) -> str:
    """`name`, with a number where it is taken."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if folded(name) not in names else next(other for other in numbered if folded(other) not in names)
