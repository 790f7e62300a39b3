"""Networks of time series: shapes, published mathematics, gradients, and the exported graph with oneDNN."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle.static import InputSpec

from plx_train.ground.errors import ConfigError
from plx_train.nn.series.inception_time import InceptionTime
from plx_train.nn.series.layout import ReversibleNorm
from plx_train.nn.series.linear import DLinear, NLinear, trend_matrix
from plx_train.nn.series.registry import build_classifier, build_forecaster, build_reconstructor
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import CLASSIFIERS, FORECASTERS, RECONSTRUCTORS, WITH_COVARIATES, Sizes
from plx_train.nn.series.times_block import InceptionBlock, TimesBlock

CONTEXT, HORIZON, CHANNELS = 30, 7, 3
PERIODS = (5, 12)


@pytest.fixture(autouse=True)
def _seed() -> None:
    paddle.seed(3)


def _rows(*shape: int, seed: int = 0) -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def _all_learn(network: paddle.nn.Layer, found: paddle.Tensor) -> None:
    """Every parameter has a gradient that is not 0."""
    (found * _rows(*found.shape, seed=9)).sum().backward()
    learning = {name: one.grad for name, one in network.named_parameters() if not one.stop_gradient}
    idle = [name for name, grad in learning.items() if grad is None or not np.any(grad.numpy())]
    assert not idle


@pytest.mark.parametrize("quantiles", [1, 3])
@pytest.mark.parametrize("name", FORECASTERS)
def test_forecasters_give_rows_per_target_and_quantile_and_all_learn(name: str, quantiles: int) -> None:
    network = build_forecaster(name, SeriesShape(CONTEXT, HORIZON, CHANNELS, quantiles=quantiles), PERIODS)
    found = network(_rows(4, CONTEXT, CHANNELS))
    assert found.shape == [4, HORIZON, CHANNELS, *([quantiles] if quantiles > 1 else [])]
    _all_learn(network, found)


@pytest.mark.parametrize("name", WITH_COVARIATES)
def test_covariates_reach_the_forecast(name: str) -> None:
    shape = SeriesShape(CONTEXT, HORIZON, CHANNELS, past_covariates=2, future_covariates=4, static=1)
    network = build_forecaster(name, shape, PERIODS)
    given = [_rows(4, CONTEXT, CHANNELS), _rows(4, CONTEXT, 2), _rows(4, CONTEXT + HORIZON, 4), _rows(4, 1)]
    _all_learn(network, network(*given))
    network.eval()
    before = network(*given).numpy()
    for place in (1, 2, 3):
        changed = [one + 1 if number == place else one for number, one in enumerate(given)]
        assert not np.allclose(network(*changed).numpy(), before), f"input {place} changes nothing"


@pytest.mark.parametrize("name", [name for name in FORECASTERS if name not in WITH_COVARIATES])
def test_networks_without_covariates_name_those_with(name: str) -> None:
    with pytest.raises(ConfigError, match=r"takes no covariates.*TiDE or TimesNet"):
        build_forecaster(name, SeriesShape(CONTEXT, HORIZON, 1, future_covariates=4))


@pytest.mark.parametrize("name", ["NLinear", "RLinear", "PatchTST", "TiDE", "TimesNet"])
def test_a_shifted_window_has_a_shifted_forecast(name: str) -> None:
    network = build_forecaster(name, SeriesShape(CONTEXT, HORIZON, CHANNELS), PERIODS)
    network.eval()
    rows = _rows(2, CONTEXT, CHANNELS)
    np.testing.assert_allclose(network(rows + 10).numpy(), network(rows).numpy() + 10, atol=2e-4)


@pytest.mark.parametrize("name", RECONSTRUCTORS)
def test_reconstructors_give_windows_back(name: str) -> None:
    network = build_reconstructor(name, CONTEXT, CHANNELS, PERIODS)
    found = network(_rows(4, CONTEXT, CHANNELS))
    assert found.shape == [4, CONTEXT, CHANNELS]
    _all_learn(network, found)


@pytest.mark.parametrize("name", ["DLinear_ad", "AutoEncoder_ad"])
def test_a_reconstructor_cannot_copy(name: str) -> None:
    network = build_reconstructor(name, 40, 1, sizes=(4, None, None))
    network.eval()
    found = np.stack([network(_rows(1, 40, 1, seed=seed)).numpy().ravel() for seed in range(60)])
    values = np.linalg.svd(found - found.mean(0), compute_uv=False)
    numbers = 8 if name == "DLinear_ad" else 40
    assert (values > 1e-4 * values[0]).sum() <= numbers


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_score_classes_and_all_learn(name: str) -> None:
    network = build_classifier(name, (CONTEXT, CHANNELS), 5, PERIODS)
    found = network(_rows(4, CONTEXT, CHANNELS), paddle.ones([4, CONTEXT]))
    assert found.shape == [4, 5]
    _all_learn(network, found)


@pytest.mark.parametrize("num_rows", [11, 12])
def test_rows_that_fill_a_series_up_change_no_score_of_inception_time(num_rows: int) -> None:
    network = InceptionTime(2, 3, Sizes(4, 3, 0.0))
    network.eval()
    series = _rows(1, num_rows, 2) - 5  # below 0, where a maximum over padding would show
    short = network(series, paddle.ones([1, num_rows])).numpy()
    padded = paddle.concat([series, paddle.full([1, 9, 2], 77.0)], axis=1)
    mask = paddle.concat([paddle.ones([1, num_rows]), paddle.zeros([1, 9])], axis=1)
    np.testing.assert_allclose(network(padded, mask).numpy(), short, atol=1e-5)


def test_the_trend_is_the_moving_average_with_its_ends_repeated() -> None:
    series = np.arange(40, dtype=np.float32) ** 2
    padded = np.concatenate([np.full(12, series[0]), series, np.full(12, series[-1])])
    np.testing.assert_allclose(series @ trend_matrix(40), np.convolve(padded, np.ones(25) / 25, "valid"), rtol=1e-5)


def test_dlinear_and_nlinear_are_what_their_papers_say() -> None:
    shape = SeriesShape(CONTEXT, HORIZON, 1)
    series = _rows(1, CONTEXT, 1)
    row = series.numpy().ravel()
    network = DLinear(shape)
    trend = row @ trend_matrix(CONTEXT)
    expected = network.trend(paddle.to_tensor(trend)) + network.rest(paddle.to_tensor(row - trend))
    np.testing.assert_allclose(network(series).numpy().ravel(), expected.numpy(), atol=1e-5)
    plain = NLinear(shape)
    expected = row[-1] + (row - row[-1]) @ plain.linear.weight.numpy() + plain.linear.bias.numpy()
    np.testing.assert_allclose(plain(series).numpy().ravel(), expected, atol=1e-5)


def test_normalising_is_undone() -> None:
    norm = ReversibleNorm(CHANNELS)
    norm.scale.set_value(_rows(CHANNELS, 1))
    norm.shift.set_value(_rows(CHANNELS, 1, seed=1))
    x = _rows(4, CHANNELS, CONTEXT) * 3 + 8
    normal, mean, deviation = norm(x)
    np.testing.assert_allclose(norm.restore(normal, mean, deviation).numpy(), x.numpy(), atol=1e-4)
    bare, mean, deviation = ReversibleNorm()(x)
    np.testing.assert_allclose(bare.numpy().mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(bare.numpy().std(-1), 1, atol=1e-4)


@pytest.mark.parametrize("size", [(2, 20), (1, 30), (16, 2), (12, 13)])
def test_one_merged_convolution_is_the_mean_of_six(size: tuple[int, int]) -> None:
    block = InceptionBlock(2, 3)
    block.bias.set_value(_rows(3))
    x = _rows(2, 2, *size)
    parts = [paddle.nn.functional.conv2d(x, kernel, padding=reach) for reach, kernel in enumerate(block.kernels)]
    expected = paddle.add_n(parts) / len(parts) + block.bias.reshape([1, 3, 1, 1])
    np.testing.assert_allclose(block(x, block.merged()).numpy(), expected.numpy(), atol=1e-4)


def test_amplitudes_are_those_of_the_fourier_transform() -> None:
    block = TimesBlock(36, 4, (12, 4))
    x = _rows(2, 36, 4)
    spectrum = np.abs(np.fft.rfft(x.numpy(), axis=1)).mean(-1)
    np.testing.assert_allclose(block.amplitudes(x).numpy(), spectrum[:, [3, 9]], rtol=1e-4)


def test_sizes_out_of_place_are_refused() -> None:
    shape = SeriesShape(CONTEXT, HORIZON, 1)
    with pytest.raises(ConfigError, match=r"module.hidden says nothing to DLinear"):
        build_forecaster("DLinear", shape, sizes=(8, None, None))
    with pytest.raises(ConfigError, match=r"no network by 'PatchTTS'; did you mean 'PatchTST'"):
        build_forecaster("PatchTTS", shape)


@pytest.mark.long
@pytest.mark.parametrize("name", [*FORECASTERS, *RECONSTRUCTORS, *CLASSIFIERS])
def test_the_exported_graph_answers_alike_with_onednn(name: str, tmp_path: Path) -> None:
    network, inputs = _small(name)
    network.eval()
    expected = network(*map(paddle.to_tensor, inputs)).numpy()
    specs = [InputSpec([None, *one.shape[1:]], "float32", name=f"x{place}") for place, one in enumerate(inputs)]
    paddle.jit.save(network, str(tmp_path / "inference"), input_spec=specs)
    config = paddle.inference.Config(str(tmp_path / "inference.json"), str(tmp_path / "inference.pdiparams"))
    config.enable_mkldnn()
    predictor = paddle.inference.create_predictor(config)
    for place, one in enumerate(inputs):
        predictor.get_input_handle(f"x{place}").copy_from_cpu(one)
    predictor.run()
    found = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def _small(name: str) -> tuple[paddle.nn.Layer, list[np.ndarray]]:
    rows = _rows(3, CONTEXT, CHANNELS).numpy()
    if name in FORECASTERS:
        return build_forecaster(name, SeriesShape(CONTEXT, HORIZON, CHANNELS), PERIODS), [rows]
    if name in RECONSTRUCTORS:
        return build_reconstructor(name, CONTEXT, CHANNELS, PERIODS), [rows]
    mask = np.ones((3, CONTEXT), np.float32)
    mask[1, 20:] = 0
    return build_classifier(name, (CONTEXT, CHANNELS), 4, PERIODS), [rows, mask]
