"""The networks of time series by name."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from plx_train.nn.series.auto_encoder import AutoEncoder, LinearReconstructor
from plx_train.nn.series.inception_time import InceptionTime
from plx_train.nn.series.linear import DLinear, NLinear, RLinear
from plx_train.nn.series.patches import PatchReconstructor, PatchTST
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import (
    CLASSIFIERS,
    FORECASTERS,
    RECONSTRUCTORS,
    Sizes,
    check_names,
    check_takes_covariates,
    chosen_sizes,
)
from plx_train.nn.series.tide import TiDE
from plx_train.nn.series.times_net import TimesClassifier, TimesNet, TimesReconstructor

LINEAR = {"DLinear": DLinear, "NLinear": NLinear, "RLinear": RLinear}


class TargetsAlone(nn.Layer):
    """A network that takes no covariates, behind the inputs of one that does."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        targets: paddle.Tensor,
        past: paddle.Tensor | None = None,
        future: paddle.Tensor | None = None,
        static: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Forecasts from the targets (B, L, C)."""
        return self.network(targets)


def build_forecaster(
    name: str,
    shape: SeriesShape,
    periods: Sequence[int] = (),
    hidden: int | None = None,
    depth: int | None = None,
    dropout: float | None = None,
) -> nn.Layer:
    """The network `name`: (targets, past, future, static) to forecasts (B, H, C), (B, H, C, Q) with quantiles.

    Args:
        periods: rows of the training series' strongest periods, for TimesNet.
        hidden, depth, dropout: None: the network's own.

    Raises:
        ConfigError: there is no such network, or it has no such size, or takes no covariates.
    """
    sizes = _sizes(name, FORECASTERS, (hidden, depth, dropout))
    if shape.has_covariates:
        check_takes_covariates([name])
    if name in LINEAR:
        return TargetsAlone(LINEAR[name](shape))
    if name == "PatchTST":
        return TargetsAlone(PatchTST(shape, sizes))
    return TiDE(shape, sizes) if name == "TiDE" else TimesNet(shape, periods, sizes)


def build_reconstructor(
    name: str,
    context: int,
    channels: int,
    periods: Sequence[int] = (),
    hidden: int | None = None,
    depth: int | None = None,
    dropout: float | None = None,
) -> nn.Layer:
    """The network `name`: windows (B, L, C) to their like.

    Raises:
        ConfigError: there is no such network, or it has no such size.
    """
    sizes = _sizes(name, RECONSTRUCTORS, (hidden, depth, dropout))
    if name == "DLinear_ad":
        return LinearReconstructor(context, sizes)
    if name == "AutoEncoder_ad":
        return AutoEncoder(context, channels, sizes)
    if name == "PatchTST_ad":
        return PatchReconstructor(context, channels, sizes)
    return TimesReconstructor(context, channels, periods, sizes)


def build_classifier(
    name: str,
    shape: tuple[int, int],
    num_classes: int,
    periods: Sequence[int] = (),
    hidden: int | None = None,
    depth: int | None = None,
    dropout: float | None = None,
) -> nn.Layer:
    """The network `name`: rows (B, L, C) and their mask (B, L) to scores (B, K).

    Args:
        shape: L and C.

    Raises:
        ConfigError: there is no such network, or it has no such size.
    """
    sizes = _sizes(name, CLASSIFIERS, (hidden, depth, dropout))
    if name == "InceptionTime":
        return InceptionTime(shape[1], num_classes, sizes)
    return TimesClassifier(shape, num_classes, periods, sizes)


def _sizes(name: str, known: dict[str, Sizes], chosen: tuple[int | None, int | None, float | None]) -> Sizes:
    check_names([name], known)
    return chosen_sizes(name, known[name], *chosen)
