"""ROCKET features against slow ones, the same as a graph, the ridge head, and figures of classification."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from plx_train.contract.sample import Sample
from plx_train.ground.errors import DataError
from plx_train.metrics.classes import confusion, per_class
from plx_train.modules.ts_cls.metric import TsClsMetric
from plx_train.modules.ts_cls.network import RocketClassifier, RocketNetwork
from plx_train.modules.ts_cls.ridge import RidgeHead, fit_ridge
from plx_train.nn.series.rocket import RocketKernels, draw_kernels, from_arrays, rocket_features


def slow_features(kernels: RocketKernels, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of one series (T, C) by the definition, and per kernel the share of responses that are all but 0."""
    maxima, shares, doubtful = [], [], []
    for number, bias in enumerate(kernels.biases):
        length, dilation = int(kernels.lengths[number]), int(kernels.dilations[number])
        span = (length - 1) * dilation
        is_padded = kernels.paddings[number] or len(series) <= span
        rows = np.pad(series, ((span // 2, span // 2), (0, 0))) if is_padded else series
        weights = kernels.weights[number, :, :length].astype(np.float64).T
        responses = np.array(
            [(rows[start : start + span + 1 : dilation] * weights).sum() + bias for start in range(len(rows) - span)]
        )
        maxima.append(responses.max())
        shares.append((responses > 0).mean())
        doubtful.append((np.abs(responses) < 1e-4).mean())
    return np.array(maxima + shares), np.array(doubtful)


def some_series(seed: int, *lengths: int, num_channels: int = 2) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(length, num_channels)) for length in lengths]


def test_kernels_are_as_published() -> None:
    kernels = draw_kernels(3000, 3, 120, seed=1)
    assert set(kernels.lengths) == {7, 9, 11}
    assert ((kernels.lengths - 1) * kernels.dilations < 120).all()
    assert kernels.dilations.min() == 1
    assert ((kernels.lengths - 1) * kernels.dilations).max() == 119 // 6 * 6
    assert np.median(kernels.dilations) < 6, "small dilations are as frequent as large ones, by their exponent"
    assert np.mean(kernels.paddings) == pytest.approx(0.5, abs=0.05)
    assert np.abs(kernels.biases).max() <= 1
    np.testing.assert_allclose(kernels.weights.sum(axis=-1), 0, atol=1e-5)
    seen = (kernels.weights != 0).any(axis=-1).sum(axis=-1)
    assert set(seen) == {1, 2, 3}
    for number in range(100):
        assert (kernels.weights[number, :, kernels.lengths[number] :] == 0).all()


def test_a_seed_is_all_that_matters() -> None:
    first, second, other = (draw_kernels(50, 2, 60, seed) for seed in (4, 4, 5))
    assert all((value == second.to_arrays()[name]).all() for name, value in first.to_arrays().items())
    assert (first.weights != other.weights).any()


def test_one_kernel_by_hand() -> None:
    weights = np.zeros((2, 1, 11), np.float32)
    weights[:, 0, :7] = [-1, 0, 0, 0, 0, 0, 1]
    kernels = RocketKernels(
        weights,
        np.array([-0.5, -0.5], np.float32),
        np.array([7, 7]),
        np.array([1, 1]),
        np.array([0, 1]),
        np.asarray(False),
        np.asarray(False),
    )
    series = np.array([0, 0, 3, 0, 0, 0, 1, 0.0])[:, None]
    # Without padding two responses: 1 − 0 and 0 − 0, less 0.5. With three zeros around, row by row:
    # 0, 0, 0, 1, 0, −3, 0, 0 less 0.5.
    assert rocket_features(kernels, [series]).tolist() == [[0.5, 0.5, 0.5, 0.125]]


@pytest.mark.parametrize("is_standardised", [False, True])
def test_features_are_those_of_the_definition(is_standardised: bool) -> None:
    kernels = draw_kernels(120, 2, 50, seed=0, is_standardised=is_standardised)
    # Shorter ones than the kernels were drawn for, too: those that do not fit are padded.
    series = some_series(0, 50, 64, 50, 23, 8)
    found = rocket_features(kernels, series)
    assert found.shape == (5, 240)
    for number, each in enumerate(series):
        rows = (each - each.mean(axis=0)) / each.std(axis=0) if is_standardised else each
        wanted, doubtful = slow_features(kernels, rows)
        np.testing.assert_allclose(found[number, :120], wanted[:120], rtol=1e-4, atol=1e-5)
        assert (np.abs(found[number, 120:] - wanted[120:]) <= doubtful + 1e-6).all()


def test_a_series_does_not_depend_on_its_neighbours() -> None:
    kernels = draw_kernels(60, 2, 40, seed=0)
    series = some_series(1, *[40] * 30, 33)
    together = rocket_features(kernels, series)
    for number in (0, 17, 30):
        np.testing.assert_allclose(
            rocket_features(kernels, [series[number]])[0], together[number], rtol=1e-5, atol=1e-5
        )


def test_series_that_do_not_fit_the_kernels() -> None:
    with pytest.raises(DataError, match="at least 7 rows and half of them have 6 at most"):
        draw_kernels(10, 1, 6, seed=0)
    with pytest.raises(DataError, match="series 1 has 3 channels and the kernels were drawn for 2"):
        rocket_features(draw_kernels(10, 2, 20, seed=0), [np.zeros((20, 2)), np.zeros((20, 3))])


def test_every_second_kernel_sees_differences() -> None:
    plain = draw_kernels(40, 2, 30, seed=0)
    kernels = draw_kernels(40, 2, 30, seed=0, differences=[0.5, 4.0])
    assert plain.num_channels == kernels.num_channels == 2
    of_rows, of_differences = ((kernels.weights[:, part] != 0).any(axis=(1, 2)) for part in (slice(0, 2), slice(2, 4)))
    assert of_rows.sum() == of_differences.sum() == 20 and not (of_rows & of_differences).any()
    wanted = plain.weights[of_differences] / np.asarray([[0.5], [4.0]])
    np.testing.assert_allclose(kernels.weights[of_differences][:, 2:], wanted, rtol=1e-6)
    # What a straight line differs by is the same everywhere, but for its first row.
    line = np.arange(30.0)[:, None] * [1.0, -2.0]
    found, moved = (rocket_features(kernels, [rows])[0] for rows in (line, line + 7.0))
    np.testing.assert_allclose(found[:40][of_differences], moved[:40][of_differences], rtol=1e-4, atol=1e-4)
    assert (np.abs(found - moved)[:40][of_rows] > 1e-3).any()


@pytest.mark.parametrize("is_standardised", [False, True])
def test_the_graph_gives_the_same_features_of_differences(is_standardised: bool) -> None:
    kernels = draw_kernels(100, 2, 40, seed=0, is_standardised=is_standardised, differences=[1.0, 2.0])
    series = some_series(2, 40, 23)
    rows, mask = np.zeros((2, 40, 2), np.float32), np.zeros((2, 40), np.float32)
    for number, each in enumerate(series):
        rows[number, : len(each)], mask[number, : len(each)] = each, 1
    found = RocketNetwork(kernels)(paddle.to_tensor(rows), paddle.to_tensor(mask)).numpy()
    wanted = rocket_features(kernels, series)
    np.testing.assert_allclose(found[:, :100], wanted[:, :100], atol=1e-4 * np.abs(wanted[:, :100]).max())
    # A response within rounding of 0 counts on one side only.
    assert np.abs(found[:, 100:] - wanted[:, 100:]).max() <= 2 / 23


@pytest.mark.parametrize("is_standardised", [False, True])
def test_the_graph_gives_the_same_features(is_standardised: bool) -> None:
    kernels = draw_kernels(300, 2, 60, seed=0, is_standardised=is_standardised)
    series = some_series(2, 60, 60, 41, 12)
    rows, mask = np.zeros((4, 60, 2), np.float32), np.zeros((4, 60), np.float32)
    for number, each in enumerate(series):
        rows[number, : len(each)], mask[number, : len(each)] = each, 1
    # What fills a series up is not looked at.
    rows[3, 12:] = 7.0
    network = RocketNetwork(kernels)
    found = network(paddle.to_tensor(rows), paddle.to_tensor(mask)).numpy()
    wanted = rocket_features(kernels, series)
    largest = np.abs(wanted[:, :300]).max()
    np.testing.assert_allclose(found[:, :300], wanted[:, :300], atol=1e-4 * largest)
    for number, each in enumerate(series):
        scaled = (each - each.mean(axis=0)) / each.std(axis=0) if is_standardised else each
        _, doubtful = slow_features(kernels, scaled)
        assert (np.abs(found[number, 300:] - wanted[number, 300:]) <= doubtful + 1e-6).all()
    np.testing.assert_allclose(network(paddle.to_tensor(rows[:2])).numpy(), found[:2], atol=1e-6)
    assert network.parameters() == []


def test_the_exported_graph_gives_the_scores_of_the_head(tmp_path: Path) -> None:
    kernels = draw_kernels(30, 2, 30, seed=0, is_standardised=True, differences=[1.0, 1.0])
    series = some_series(3, *[30] * 12)
    features = rocket_features(kernels, series)
    head = fit_ridge(features, np.arange(12) % 3, 3)
    network = RocketNetwork(kernels, head.folded())
    network.eval()
    spec = paddle.static.InputSpec
    inputs = [spec([None, 30, 2], "float32", "features"), spec([None, 30], "float32", "pad_mask")]
    paddle.jit.save(paddle.jit.to_static(network, inputs, full_graph=True), str(tmp_path / "inference"))
    rows, mask = np.stack(series).astype(np.float32), np.ones((12, 30), np.float32)
    # With oneDNN, as it is by default on CPUs: it once overwrote the series while they were standardised.
    for with_onednn in (True, False):
        scores = run_exported(tmp_path, {"features": rows, "pad_mask": mask}, with_onednn)
        np.testing.assert_allclose(scores, logits_of(head, features), atol=1e-3 * float(head.sharpness))


def run_exported(folder: Path, inputs: dict[str, np.ndarray], with_onednn: bool) -> np.ndarray:
    from paddle import inference

    config = inference.Config(str(folder), "inference")
    config.disable_gpu()
    config.disable_glog_info()
    config.enable_mkldnn() if with_onednn else config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    for name, values in inputs.items():
        predictor.get_input_handle(name).copy_from_cpu(values)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def test_weights_bring_their_own_kernels() -> None:
    first, second = (RocketClassifier(draw_kernels(40, 2, 30, seed), 3) for seed in (0, 1))
    series = some_series(5, *[30] * 9)
    head = fit_ridge(rocket_features(first.kernels(), series), np.arange(9) % 3, 3)
    first.take(head)
    rows, mask = paddle.to_tensor(np.stack(series).astype(np.float32)), paddle.ones([9, 30])
    second.set_state_dict(first.state_dict())
    wanted = logits_of(head, rocket_features(first.kernels(), series))
    for network in (first, second, second.graph()):
        np.testing.assert_allclose(network(rows, mask).numpy(), wanted, atol=1e-3 * float(head.sharpness))


def test_the_head_says_how_often_it_is_right() -> None:
    random = np.random.default_rng(0)
    # Classes that overlap: only two in three can be told.
    labels = np.arange(400) % 2
    features = random.normal(size=(400, 1)) + labels[:, None] * 0.9
    head = fit_ridge(features, labels, 2)
    tested = random.normal(size=(4000, 1)) + (np.arange(4000) % 2)[:, None] * 0.9
    logits = logits_of(head, tested)
    best = 1 / (1 + np.exp(-np.abs(logits[:, 1] - logits[:, 0])))
    share = np.mean(logits.argmax(axis=1) == np.arange(4000) % 2)
    assert share == pytest.approx(0.67, abs=0.04)
    assert best.mean() == pytest.approx(share, abs=0.05)


def scores_of(head: RidgeHead, features: np.ndarray) -> np.ndarray:
    """Margins (N, n) as `RidgeHead` defines them."""
    return (features - head.mean) / head.deviation @ head.weights + head.intercept


def logits_of(head: RidgeHead, features: np.ndarray) -> np.ndarray:
    """Sharpened margins."""
    return scores_of(head, features) * head.sharpness


def test_kernels_come_back_from_arrays(tmp_path: Path) -> None:
    kernels = draw_kernels(30, 1, 20, seed=0)
    series = some_series(0, *[20] * 6, num_channels=1)
    np.savez(tmp_path / "kernels.npz", **kernels.to_arrays())
    again = rocket_features(from_arrays(dict(np.load(tmp_path / "kernels.npz"))), series)
    assert (again == rocket_features(kernels, series)).all()


@pytest.mark.parametrize("num_classes", [2, 3])
def test_ridge_divides_classes_and_has_a_column_for_each(num_classes: int) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % num_classes
    features = random.normal(size=(60, 8)) * 5 + 100
    features[:, 0] += 40 * labels
    features[:, 1] += 40 * (labels == 1)
    features[:, 7] = 3.0
    head = fit_ridge(features, labels, num_classes)
    scores = scores_of(head, features)
    assert scores.shape == (60, num_classes)
    assert (scores.argmax(axis=1) == labels).all()
    assert float(head.accuracy) == 1.0
    np.testing.assert_allclose(scores.sum(axis=1), 2 - num_classes, atol=1e-8)
    weights, intercept = head.folded()
    np.testing.assert_allclose(features @ weights + intercept, logits_of(head, features), atol=1e-8)
    np.testing.assert_allclose(logits_of(head, features), scores * head.sharpness)


@pytest.mark.parametrize(("num_features", "num_classes"), [(5, 2), (5, 3), (50, 2), (50, 3)])
def test_the_accuracy_is_that_of_leaving_one_out(num_features: int, num_classes: int) -> None:
    from sklearn.linear_model import RidgeClassifier

    random = np.random.default_rng(0)
    features, labels = random.normal(size=(30, num_features)), np.arange(30) % num_classes
    features[:, 0] += labels
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    head = fit_ridge(features, labels, num_classes)
    hits = []
    for left_out in range(30):
        kept = np.arange(30) != left_out
        fitted = RidgeClassifier(alpha=float(head.alpha)).fit(features[kept], labels[kept])
        hits.append(fitted.predict(features[[left_out]])[0] == labels[left_out])
    assert float(head.accuracy) == pytest.approx(np.mean(hits))


def test_a_class_without_series_is_never_first() -> None:
    features = np.random.default_rng(0).normal(size=(20, 4))
    labels = np.array([0, 2] * 10)
    scores = scores_of(fit_ridge(features, labels, 3), features)
    assert (scores[:, 1] == -1).all()
    assert set(scores.argmax(axis=1)) <= {0, 2}
    with pytest.raises(DataError, match="all 20 are of one"):
        fit_ridge(features, np.zeros(20, int), 3)
    with pytest.raises(DataError, match="not finite"):
        fit_ridge(np.full((20, 4), np.nan), labels, 3)


def answer(*scores: float) -> SimpleNamespace:
    order = np.argsort(-np.asarray(scores), kind="stable")
    return SimpleNamespace(classes=order, scores=np.asarray(scores)[order])


def test_figures_of_four_series() -> None:
    metric = TsClsMetric()
    answers = [(answer(0.5, 0.25, 0.25), 0), (answer(0.25, 0.5, 0.25), 0), (answer(0.2, 0.7, 0.1), 1)]
    values = [
        metric.update(each, Sample(None, None, true, "s")) for each, true in [*answers, (answer(0.8, 0.2, 0.0), 2)]
    ]
    assert values == [0.5, 0.25, 0.7, 0.0]
    figures = metric.compute()
    assert figures["accuracy"] == 0.5
    # Recall 1/2, 1 and 0; F1 2/(2+2), 2/(1+2) and 0.
    assert figures["balanced_accuracy"] == pytest.approx(1.5 / 3)
    assert figures["macro_f1"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert figures["log_loss"] == pytest.approx(-(np.log(0.5) + np.log(0.25) + np.log(0.7) + np.log(1e-15)) / 4)
    # Scores 0.5 right, 0.5 wrong, 0.7 right and 0.8 wrong: gaps (0.5 + 0.5 − 1), 0.3 and 0.8.
    assert figures["calibration"] == pytest.approx(1 - (0 + 0.3 + 0.8) / 4)
    assert TsClsMetric().compute()["accuracy"] == 0.0


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn import metrics

    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(4), 100)
    true = np.append(np.arange(4), random.integers(0, 4, 96))
    metric = TsClsMetric()
    for row, each in zip(scores, true, strict=True):
        metric.update(answer(*row), Sample(None, None, each, "s"))
    found, predicted = metric.compute(), scores.argmax(axis=1)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(true, predicted, average="macro"))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(true, predicted))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(true, scores))
    assert 0 < found["calibration"] < 1
    counts = confusion(list(true), list(predicted), 4)
    assert (counts == metrics.confusion_matrix(true, predicted)).all()
    assert per_class(list(true), list(predicted))[2]["precision"] == pytest.approx(
        metrics.precision_score(true == 2, predicted == 2)
    )
