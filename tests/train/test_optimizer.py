"""Schedules by hand, parameter groups, clipping and the moving average."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from plx_train.config.options import OptimizerOptions
from plx_train.contract.option import options_of
from plx_train.ground.errors import ConfigError
from plx_train.train.adamw import DirectAdamW
from plx_train.train.optimizer import (
    MovingAverage,
    build_optimizer,
    freeze_parameters,
    learning_rate,
    squared_norm,
)

OPTIMIZERS = options_of(OptimizerOptions)["name"].choices.names


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("cosine", 0.05, 0.5),
        ("cosine", 0.1, 1.0),
        ("cosine", 0.55, 0.505),
        ("cosine", 1.0, 0.01),
        ("linear", 0.55, 0.505),
        ("linear", 1.0, 0.01),
        ("step", 0.59, 1.0),
        ("step", 0.6, 0.1),
        ("step", 0.9, 0.01),
        ("constant", 0.9, 1.0),
    ],
)
def test_the_rate_is_a_function_of_progress(schedule: str, progress: float, expected: float) -> None:
    options = OptimizerOptions(lr=1.0, schedule=schedule, warmup=0.1, final_lr=0.01)
    assert learning_rate(options, progress) == pytest.approx(expected)


def test_progress_beyond_the_end_keeps_the_last_rate() -> None:
    assert learning_rate(OptimizerOptions(lr=1.0), 1.5) == learning_rate(OptimizerOptions(lr=1.0), 1.0)


def network() -> nn.Layer:
    paddle.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1D(4), nn.Linear(4, 1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_a_loss(name: str) -> None:
    layer = network()
    optimizer = build_optimizer(layer, OptimizerOptions(name=name, lr=0.05))
    x = paddle.randn([16, 3])
    losses = []
    for _ in range(20):
        loss = (layer(x) ** 2).mean()
        losses.append(float(loss))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    assert losses[-1] < 0.5 * losses[0]


def test_adamw_is_that_of_paddle_to_the_bit() -> None:
    options = OptimizerOptions(name="adamw", weight_decay=0.1, lr_scale={"^0": 0.3})
    found = []
    for kind in (DirectAdamW, paddle.optimizer.AdamW):
        with paddle.utils.unique_name.guard():
            layer = network()
            optimizer = build_optimizer(layer, options)
            assert type(optimizer) is DirectAdamW
            optimizer.__class__ = kind
            x = paddle.randn([16, 3])
            for step in range(12):
                optimizer.set_lr(0.1 / (step + 1))
                # In the first steps the last layer has no gradient, and no state either.
                (layer(x) if step >= 3 else layer[0](x)).square().mean().backward()
                optimizer.step()
                optimizer.clear_grad()
        state = {name: np.asarray(value) for name, value in optimizer.state_dict().items() if name != "LR_Scheduler"}
        found.append({name: value.numpy() for name, value in layer.state_dict().items()} | state)
    assert found[0].keys() == found[1].keys()
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


def test_a_factor_that_a_network_gives_its_parameters_counts_as_well() -> None:
    for name in OPTIMIZERS:
        slow = paddle.ParamAttr(learning_rate=0.1)
        layer = nn.Sequential(nn.Linear(3, 4, bias_attr=slow), nn.Linear(4, 1, bias_attr=slow))
        before = {name: value.numpy().copy() for name, value in layer.named_parameters()}
        options = OptimizerOptions(name=name, lr=1.0, weight_decay=0.0, lr_scale={"^1": 0.5})
        # Whoever builds a second one doesn't multiply twice.
        optimizer = [build_optimizer(layer, options) for _ in range(2)][-1]
        for _ in range(2):
            sum(value.sum() for value in layer.parameters()).backward()
            optimizer.step()
            optimizer.clear_grad()
        moved = {key: float(np.abs(before[key] - value.numpy()).max()) for key, value in layer.named_parameters()}
        shares = [moved[key] / moved["0.weight"] for key in ("0.bias", "1.weight", "1.bias")]
        assert shares == pytest.approx([0.1, 0.5, 0.05], rel=1e-4), name


def test_the_norm_of_long_gradients_is_exact() -> None:
    values = np.random.default_rng(0).normal(size=2_000_000).astype(np.float32)
    parameter = paddle.create_parameter(values.shape, "float32")
    (parameter * paddle.to_tensor(values)).sum().backward()
    wanted = float(np.square(values.astype(np.float64)).sum())
    assert float(squared_norm([parameter])) == pytest.approx(wanted, rel=1e-5)
    assert squared_norm([paddle.create_parameter([2], "float32")]) is None


def test_weight_decay_leaves_biases_and_norms_alone() -> None:
    layer = network()
    before = {name: value.numpy().copy() for name, value in layer.named_parameters()}
    optimizer = build_optimizer(layer, OptimizerOptions(name="adamw", lr=0.1, weight_decay=0.5))
    for parameter in layer.parameters():
        parameter.grad = paddle.zeros_like(parameter)
    (sum((value * 0).sum() for value in layer.parameters())).backward()
    optimizer.step()

    after = dict(layer.named_parameters())
    assert not np.allclose(before["0.weight"], after["0.weight"].numpy())
    for name in ("0.bias", "1.weight", "1.bias"):
        assert np.array_equal(before[name], after[name].numpy())


def test_a_factor_on_the_rate_of_some_parameters() -> None:
    layer = network()
    before = {name: value.numpy().copy() for name, value in layer.named_parameters()}
    options = OptimizerOptions(name="sgd", lr=1.0, weight_decay=0.0, lr_scale={"^2": 0.1})
    optimizer = build_optimizer(layer, options)
    sum(value.sum() for value in layer.parameters()).backward()
    optimizer.step()

    moved = {name: float(np.abs(before[name] - value.numpy()).max()) for name, value in layer.named_parameters()}
    assert moved["0.weight"] == pytest.approx(1.0, rel=1e-4)
    assert moved["2.weight"] == pytest.approx(0.1, rel=1e-4)


def test_freezing_by_pattern_and_a_pattern_that_matches_nothing() -> None:
    layer = network()
    assert freeze_parameters(layer, ["^0"]) == ["0.bias", "0.weight"]
    assert layer[0].weight.stop_gradient
    assert not layer[2].weight.stop_gradient
    with pytest.raises(ConfigError, match="backbone"):
        freeze_parameters(layer, ["^backbone"])


def test_freezing_everything_is_refused() -> None:
    layer = network()
    freeze_parameters(layer, ["."])
    with pytest.raises(ConfigError, match="no parameter to train"):
        build_optimizer(layer, OptimizerOptions())


def test_the_moving_average_by_hand() -> None:
    layer = nn.Linear(1, 1)
    layer.weight.set_value(paddle.zeros([1, 1]))
    average = MovingAverage(layer, decay=0.5)
    expected = 0.0
    for update, value in enumerate((1.0, 2.0, 4.0), start=1):
        layer.weight.set_value(paddle.full([1, 1], value))
        average.update(layer)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
    assert average.state_dict()["weight"].item() == pytest.approx(expected)
    assert layer.weight.item() == 4.0
