"""ROCKET (Dempster et al., 2020): maxima and positive shares of random convolutions, of differences as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from plx_train.ground.errors import DataError

LENGTHS = (7, 9, 11)
NUM_DILATIONS = 32
"""The paper draws dilations ⌊2^x⌋ with x uniform; here x takes so many evenly spaced values, so that kernels share
dilations and the exported graph stays small."""
BLOCK_VALUES = 1 << 18
"""Responses computed at a time: more fall out of the processor's cache."""

MIN_DEVIATION, MIN_SHARE = 1e-6, 1e-4
"""Least deviation of a channel to be standardised, absolute and relative to its mean: flatter is rounding."""


@dataclass(frozen=True)
class RocketKernels:
    """K kernels in order of length and dilation, those without padding first among equals; plain arrays for files.

    Attributes:
        weights: float32 (K, C, 11), 0 beyond a kernel's length and in channels it does not see; (K, 2·C, 11) with
            differences, which are the later channels.
        biases: float32 (K,).
        lengths: int64 (K,), 7, 9 or 11.
        dilations: int64 (K,), rows between a kernel's weights.
        paddings: int64 (K,), 1 where the series is continued by zeros so that every row gets a response.
        is_standardised: () bool; each channel of each series is brought to mean 0 and deviation 1 first.
        has_differences: () bool; half of the kernels see each row less the one before it (Tan et al., 2022).
    """

    weights: np.ndarray
    biases: np.ndarray
    lengths: np.ndarray
    dilations: np.ndarray
    paddings: np.ndarray
    is_standardised: np.ndarray
    has_differences: np.ndarray

    @property
    def num_features(self) -> int:
        """Two per kernel: all maxima, then all positive shares."""
        return 2 * len(self.biases)

    @property
    def num_channels(self) -> int:
        """Number of the series' channels."""
        return int(self.weights.shape[1]) // (2 if self.has_differences else 1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All that has to be kept, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def equals(self, other: RocketKernels) -> bool:
        """Whether all arrays are the same."""
        return all(np.array_equal(values, other.to_arrays()[name]) for name, values in self.to_arrays().items())

    def groups(self) -> Iterator[tuple[slice, int, int, int]]:
        """Neighbours that can be computed at once: their place, length, dilation, and how many go without padding."""
        edges = np.flatnonzero(np.diff(self.lengths) | np.diff(self.dilations)) + 1
        for first, end in zip([0, *edges], [*edges, len(self.lengths)], strict=True):
            place = slice(int(first), int(end))
            yield place, int(self.lengths[first]), int(self.dilations[first]), int((self.paddings[place] == 0).sum())


def from_arrays(arrays: dict[str, np.ndarray]) -> RocketKernels:
    """The kernels that `to_arrays` was called on."""
    return RocketKernels(**{each.name: np.asarray(arrays[each.name]) for each in fields(RocketKernels)})


def draw_kernels(
    num_kernels: int,
    num_channels: int,
    num_rows: int,
    seed: int,
    is_standardised: bool = False,
    differences: Sequence[float] | None = None,
) -> RocketKernels:
    """Random kernels as published, but for dilations.

    Weights are normal and centred per channel, biases uniform in (−1, 1), half of the kernels padded, and a kernel sees
    a random subset of channels.

    Args:
        num_kernels: K; the paper's is 10,000.
        num_channels: C of the series.
        num_rows: no kernel reaches further; the median length of the training series serves well.
        seed: the same gives the same kernels.
        is_standardised: takes level and size out of each series, where they tell nothing about its class.
        differences: deviation of each channel's differences from row to row, (C,), that every second kernel sees;
            None: all see the rows themselves.

    Raises:
        DataError: Series too short for the shortest kernel.
    """
    if num_rows < LENGTHS[0]:
        raise DataError(
            f"ROCKET needs series of at least {LENGTHS[0]} rows and half of them have {num_rows} at most: choose "
            "another module.network"
        )
    random = np.random.default_rng(seed)
    lengths = random.choice([length for length in LENGTHS if length <= num_rows], num_kernels)
    steps = random.integers(0, NUM_DILATIONS, num_kernels) / (NUM_DILATIONS - 1)
    # A hair more than the exponent, lest rounding lose the largest dilation, which fits exactly.
    dilations = np.floor(((num_rows - 1) / (lengths - 1)) ** steps + 1e-9).astype(np.int64)
    paddings = random.integers(0, 2, num_kernels)
    biases = random.uniform(-1, 1, num_kernels).astype(np.float32)
    weights = np.stack([_draw_weights(random, num_channels, int(length)) for length in lengths])
    if differences is not None:
        weights = _of_rows_and_differences(weights, np.asarray(differences, np.float32))
    order = np.lexsort((paddings, dilations, lengths))
    return RocketKernels(
        weights[order],
        biases[order],
        lengths[order].astype(np.int64),
        dilations[order],
        paddings[order].astype(np.int64),
        np.asarray(is_standardised),
        np.asarray(differences is not None),
    )


def _of_rows_and_differences(weights: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Kernels (K, C, 11) as (K, 2·C, 11), every second one moved to the differences, as if their deviation were 1."""
    both = np.zeros((len(weights), 2 * weights.shape[1], weights.shape[2]), np.float32)
    both[::2, : weights.shape[1]] = weights[::2]
    both[1::2, weights.shape[1] :] = weights[1::2] / np.maximum(deviations, MIN_DEVIATION)[:, None]
    return both


def _draw_weights(random: np.random.Generator, num_channels: int, length: int) -> np.ndarray:
    most = min(num_channels, length)
    num_seen = int(2 ** random.uniform(0, np.log2(most + 1)))
    seen = random.choice(num_channels, num_seen, replace=False)
    drawn = random.normal(size=(num_seen, length))
    weights = np.zeros((num_channels, LENGTHS[-1]), np.float32)
    weights[seen, :length] = drawn - drawn.mean(axis=1, keepdims=True)
    return weights


def rocket_features(kernels: RocketKernels, series: Sequence[np.ndarray]) -> np.ndarray:
    """Features of series of equal or different length, each by its own length.

    A kernel without padding that reaches further than a series is padded for it after all.

    Args:
        series: each (T, C), without NaN.

    Returns:
        float32 (N, 2·K): largest response of each kernel, then the share of its responses that are above 0.

    Raises:
        DataError: Series with another number of channels.
    """
    by_length: dict[int, list[int]] = {}
    for number, each in enumerate(series):
        if each.shape[1] != kernels.num_channels:
            raise DataError(
                f"series {number} has {each.shape[1]} channels and the kernels were drawn for {kernels.num_channels}: "
                "give the columns of training"
            )
        by_length.setdefault(len(each), []).append(number)
    features = np.empty((len(series), kernels.num_features), np.float32)
    for numbers in by_length.values():
        features[numbers] = _of_equal_length(kernels, np.stack([series[number].T for number in numbers]))
    return features


def standardise(channels: np.ndarray) -> np.ndarray:
    """Series float32 (N, C, T) with mean 0 and deviation 1 in each channel of each; flat channels become 0."""
    means = channels.mean(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
    deviations = channels.std(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
    return (channels - means) / np.maximum(deviations, MIN_SHARE * np.abs(means) + MIN_DEVIATION)


def with_differences(channels: np.ndarray) -> np.ndarray:
    """Series (N, C, T) with each row less the one before it as further channels, (N, 2·C, T); 0 in the first row."""
    return np.concatenate([channels, np.diff(channels, axis=-1, prepend=channels[..., :1])], axis=1)


def _of_equal_length(kernels: RocketKernels, channels: np.ndarray) -> np.ndarray:
    channels = channels.astype(np.float32)
    if kernels.is_standardised:
        channels = standardise(channels)
    if kernels.has_differences:
        channels = with_differences(channels)
    num, num_rows = len(channels), channels.shape[-1]
    features = np.empty((num, 2, len(kernels.biases)), np.float32)
    for place, length, dilation, num_unpadded in kernels.groups():
        reach = (length - 1) // 2 * dilation
        padded = np.pad(channels, ((0, 0), (0, 0), (reach, reach)))
        weights = kernels.weights[place, :, :length].reshape(place.stop - place.start, -1)
        inside = slice(reach, num_rows - reach) if num_rows > 2 * reach else slice(0, num_rows)
        parts = [(slice(0, num_unpadded), inside), (slice(num_unpadded, len(weights)), slice(0, num_rows))]
        block = max(1, BLOCK_VALUES // (num_rows * max(len(weights), weights.shape[1])))
        for first in range(0, num, block):
            responses = _responses(padded[first : first + block], weights, length, dilation)
            responses += kernels.biases[place, None]
            into = features[first : first + block, :, place]
            for which, rows in parts:
                if which.stop > which.start:
                    into[:, :, which] = _pooled(responses[:, which, rows])
    return features.reshape(num, -1)


def _responses(padded: np.ndarray, weights: np.ndarray, length: int, dilation: int) -> np.ndarray:
    """Dilated convolution (N, K, T) of padded series (N, C, T + (length − 1)·dilation)."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, padded.shape[-1] - (length - 1) * dilation, axis=-1)
    shifted = windows[:, :, ::dilation]
    return np.matmul(weights, shifted.reshape(len(padded), weights.shape[1], -1))


def _pooled(responses: np.ndarray) -> np.ndarray:
    """Maximum and positive share (N, 2, K) of responses (N, K, T)."""
    shares = np.count_nonzero(responses > 0, axis=-1) / responses.shape[-1]
    return np.stack([responses.max(axis=-1), shares.astype(np.float32)], axis=1)
