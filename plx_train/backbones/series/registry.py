"""The networks of time series by name."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from plx_train.backbones.series.auto_encoder import AutoEncoder, LinearReconstructor
from plx_train.backbones.series.inception_time import InceptionTime
from plx_train.backbones.series.linear import DLinear, NLinear, RLinear
from plx_train.backbones.series.patches import PatchReconstructor, PatchTST
from plx_train.backbones.series.shape import SeriesShape
from plx_train.backbones.series.sizes import Sizes, chosen_sizes
from plx_train.backbones.series.tide import TiDE
from plx_train.backbones.series.times_net import TimesClassifier, TimesNet, TimesReconstructor
from plx_train.errors import ConfigError

FORECASTERS = {
    "DLinear": Sizes(),
    "NLinear": Sizes(),
    "RLinear": Sizes(),
    "PatchTST": Sizes(64, 2, 0.1),
    "TiDE": Sizes(128, 1, 0.1),
    "TimesNet": Sizes(16, 2, 0.1),
}
RECONSTRUCTORS = {
    "DLinear_ad": Sizes(hidden=16),
    "AutoEncoder_ad": Sizes(128, 3, 0.0),
    "PatchTST_ad": Sizes(32, 2, 0.1),
    "TimesNet_ad": Sizes(16, 2, 0.1),
}
CLASSIFIERS = {"InceptionTime": Sizes(32, 6, 0.0), "TimesNet_cls": Sizes(32, 2, 0.1)}
LINEAR = {"DLinear": DLinear, "NLinear": NLinear, "RLinear": RLinear}
WITH_COVARIATES = ("TiDE", "TimesNet")


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
    if shape.has_covariates and name not in WITH_COVARIATES:
        raise ConfigError(
            f"{name} takes no covariates: choose module.network={' or '.join(WITH_COVARIATES)}, or leave out "
            "module.calendar and the covariates of dataset.columns"
        )
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
    length: int,
    channels: int,
    num_classes: int,
    periods: Sequence[int] = (),
    hidden: int | None = None,
    depth: int | None = None,
    dropout: float | None = None,
) -> nn.Layer:
    """The network `name`: rows (B, L, C) and their mask (B, L) to scores (B, K).

    Raises:
        ConfigError: there is no such network, or it has no such size.
    """
    sizes = _sizes(name, CLASSIFIERS, (hidden, depth, dropout))
    if name == "InceptionTime":
        return InceptionTime(channels, num_classes, sizes)
    return TimesClassifier((length, channels), num_classes, periods, sizes)


def _sizes(name: str, known: dict[str, Sizes], chosen: tuple[int | None, int | None, float | None]) -> Sizes:
    if name not in known:
        raise ConfigError(f"there is no network {name!r}: module.network is one of {', '.join(known)}")
    return chosen_sizes(name, known[name], *chosen)
