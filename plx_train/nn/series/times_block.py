"""A series folded by its periods and seen as pictures: the block of TimesNet (Wu et al., 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.series.layout import mean_of_last

NUM_KERNELS = 6
"""Square kernels of 1, 3, 5 … rows and columns whose outputs are averaged."""


class InceptionBlock(nn.Layer):
    """The mean of convolutions by square kernels of several sizes, computed as the one convolution that it is."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reach = NUM_KERNELS - 1
        self.kernels = nn.ParameterList(
            [
                self.create_parameter(
                    [outputs, inputs, 2 * reach + 1, 2 * reach + 1],
                    paddle.ParamAttr(initializer=nn.initializer.KaimingNormal(nonlinearity="relu")),
                )
                for reach in range(NUM_KERNELS)
            ]
        )
        self.bias = self.create_parameter([outputs], is_bias=True)

    def merged(self) -> paddle.Tensor:
        """The kernel (outputs, inputs, 11, 11) that does what all do together."""
        padded = [F.pad(kernel, [self.reach - reach] * 4) for reach, kernel in enumerate(self.kernels)]
        return paddle.add_n(padded) / NUM_KERNELS

    def forward(self, x: paddle.Tensor, kernel: paddle.Tensor) -> paddle.Tensor:
        """(B, outputs, R, P) of x (B, inputs, R, P); `kernel` is `merged`."""
        rows, columns = (min(self.reach, size - 1) for size in x.shape[2:])
        # What reaches beyond the picture from every place of it only ever meets padding.
        size = 2 * self.reach + 1
        inner = kernel[
            :, :, self.reach - rows : size - self.reach + rows, self.reach - columns : size - self.reach + columns
        ]
        return F.conv2d(x, inner, self.bias, padding=[rows, columns])


class TimesBlock(nn.Layer):
    """Folds a series by each of its periods, convolves, and weighs the results by how strong each period is.

    As published, save that the periods are those of the training series and not of the batch at hand, so that an
    answer does not depend on its neighbours in the batch, and the graph can be exported.

    Args:
        length: rows, T.
        hidden: channels.
        periods: rows of each, at most T.
    """

    def __init__(self, length: int, hidden: int, periods: Sequence[int]) -> None:
        super().__init__()
        self.length = length
        self.periods = [min(period, length) for period in periods] or [length]
        self.widen, self.narrow = InceptionBlock(hidden, hidden), InceptionBlock(hidden, hidden)
        waves = np.outer(np.arange(length), [round(length / period) for period in self.periods]) * 2 * np.pi / length
        for name, wave in (("cosine", np.cos(waves)), ("sine", np.sin(waves))):
            self.register_buffer(name, paddle.to_tensor(wave.T.astype(np.float32)), persistable=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """The block's output, of the shape of x, (B, T, hidden)."""
        weights = F.softmax(self.amplitudes(x), axis=-1)
        channels = x.transpose([0, 2, 1])
        widening, narrowing = self.widen.merged(), self.narrow.merged()
        found = x
        for place, period in enumerate(self.periods):
            folded = self._folded(channels, period)
            seen = self.narrow(F.gelu(self.widen(folded, widening)), narrowing)
            rows = seen.flatten(2)[:, :, : self.length].transpose([0, 2, 1])
            found = found + weights[:, place].reshape([-1, 1, 1]) * rows
        return found

    def amplitudes(self, x: paddle.Tensor) -> paddle.Tensor:
        """Amplitude of each period (B, periods): the mean over the channels of x (B, T, hidden)."""
        real, imaginary = self.cosine @ x, self.sine @ x
        return mean_of_last(paddle.sqrt(real * real + imaginary * imaginary + 1e-12)).squeeze(-1)

    def _folded(self, x: paddle.Tensor, period: int) -> paddle.Tensor:
        """(B, hidden, rows, period) of x (B, hidden, T), filled up by zeros."""
        missing = -self.length % period
        if missing:
            x = F.pad(x, [0, missing], data_format="NCL")
        return x.reshape([-1, x.shape[1], (self.length + missing) // period, period])
