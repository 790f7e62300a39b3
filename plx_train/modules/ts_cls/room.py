"""Classification of series, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.modules.ts_cls.check import CheckedClasses, check_classes
from plx_train.modules.ts_cls.classes import one_of_each
from plx_train.modules.ts_cls.config import TsClsConfig
from plx_train.modules.ts_cls.facts import LabelledData, fit_facts
from plx_train.modules.ts_cls.metric import TsClsMetric
from plx_train.modules.ts_cls.overlay import draw_overlay
from plx_train.modules.ts_cls.processor import TsClsPrediction, TsClsProcessor
from plx_train.series.frame import Series
from plx_train.series.read.splits import read_data, roles_of
from plx_train.series.room import SeriesRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_cls.module import TsCls


class TsClsRoom(SeriesRoom[TsClsConfig, LabelledData, TsClsProcessor, CheckedClasses]):
    """Says which of several classes a series is of."""

    contract = 1
    name = "ts_cls"
    options = TsClsConfig
    processor = TsClsProcessor
    metric = TsClsMetric
    monitor = "accuracy"
    num_pictures = 12

    def check_options(self, options: TsClsConfig, dataset: DatasetOptions) -> None:
        """Refuses covariates, and a training file without classes."""
        given = dataset.columns
        if given.past_covariates or given.future_covariates or given.static_covariates:
            raise ConfigError("classification takes no covariates: name all channels in dataset.columns.targets")
        is_there = (user_path(dataset.root) / dataset.train).is_file()
        if is_there and roles_of(dataset).label is None:
            raise ConfigError(
                f"no column of {dataset.train} is named label: name the one that holds the classes by "
                "dataset.columns.label"
            )

    def window(self, options: TsClsConfig) -> int:
        """None: series are classified as a whole."""
        return 0

    def read(self, dataset: DatasetOptions, options: TsClsConfig) -> LabelledData:
        """The labelled series of both files."""
        found = read_data(dataset, roles_of(dataset))
        return LabelledData(found.root, found.train, found.val, options)

    def fit(
        self, data: LabelledData, dataset: DatasetOptions, options: TsClsConfig, weights: str | None
    ) -> TsClsProcessor | None:
        """The processor with the classes, the scaling and the periods of the training series."""
        return fit_facts(data)

    def check(
        self, data: LabelledData, processor: TsClsProcessor | None, dataset: DatasetOptions, options: TsClsConfig
    ) -> CheckedClasses:
        """What is wrong or odd in a dataset, and the series of the classes that are known."""
        return check_classes(data, processor)

    def shown(self, samples: Sequence[Series]) -> list[tuple[Series, str]]:
        """Series of all classes, with theirs."""
        return [(one, f"{one.name}: class {one.label}") for one in one_of_each(samples, self.num_pictures)]

    def build(
        self, options: TsClsConfig, processor: TsClsProcessor, checked: CheckedClasses | None, is_fine_tuning: bool
    ) -> TsCls:
        """The module; weights of classes and what ROCKET draws its kernels by are those of the training series."""
        from plx_train.modules.ts_cls.module import TsCls

        return TsCls(options, processor, checked, is_fine_tuning)

    def overlay(
        self, processor: TsClsProcessor, original: Series, prediction: TsClsPrediction, truth: int | None = None
    ) -> np.ndarray:
        """The series with its likeliest classes under it; `truth` is the number of its class."""
        return draw_overlay(original, prediction, truth)

    def official(self, processor: TsClsProcessor, options: TsClsConfig) -> TsClsProcessor:
        """`processor` with scores as they are trained."""
        return replace(processor, temperature=1.0)

    def model_name(self, options: TsClsConfig) -> str:
        """Name in the exported ``inference.yml``."""
        return options.model_name
