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

ChosenSizes = tuple[int | None, int | None, float | None]
OWN_SIZES: ChosenSizes = (None, None, None)
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
    sizes: ChosenSizes = OWN_SIZES,
) -> nn.Layer:
    """The network `name`: (targets, past, future, static) to forecasts (B, H, C), (B, H, C, Q) with quantiles.

    Args:
        periods: rows of the training series' strongest periods, for TimesNet.
        sizes: hidden, depth and dropout; None: the network's own.

    Raises:
        ConfigError: there is no such network, or it has no such size, or takes no covariates.
    """
    own = _sizes(name, FORECASTERS, sizes)
    if shape.has_covariates:
        check_takes_covariates([name])
    if name in LINEAR:
        return TargetsAlone(LINEAR[name](shape))
    if name == "PatchTST":
        return TargetsAlone(PatchTST(shape, own))
    return TiDE(shape, own) if name == "TiDE" else TimesNet(shape, periods, own)


def build_reconstructor(
    name: str,
    context: int,
    channels: int,
    periods: Sequence[int] = (),
    sizes: ChosenSizes = OWN_SIZES,
) -> nn.Layer:
    """The network `name`: windows (B, L, C) to their like.

    Raises:
        ConfigError: there is no such network, or it has no such size.
    """
    own = _sizes(name, RECONSTRUCTORS, sizes)
    if name == "DLinear_ad":
        return LinearReconstructor(context, own)
    if name == "AutoEncoder_ad":
        return AutoEncoder(context, channels, own)
    if name == "PatchTST_ad":
        return PatchReconstructor(context, channels, own)
    return TimesReconstructor(context, channels, periods, own)


def build_classifier(
    name: str,
    shape: tuple[int, int],
    num_classes: int,
    periods: Sequence[int] = (),
    sizes: ChosenSizes = OWN_SIZES,
) -> nn.Layer:
    """The network `name`: rows (B, L, C) and their mask (B, L) to scores (B, K).

    Args:
        shape: L and C.

    Raises:
        ConfigError: there is no such network, or it has no such size.
    """
    own = _sizes(name, CLASSIFIERS, sizes)
    if name == "InceptionTime":
        return InceptionTime(shape[1], num_classes, own)
    return TimesClassifier(shape, num_classes, periods, own)


def _sizes(name: str, known: dict[str, Sizes], chosen: ChosenSizes) -> Sizes:
    check_names([name], known)
    return chosen_sizes(name, known[name], *chosen)
