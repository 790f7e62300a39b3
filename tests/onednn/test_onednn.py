"""oneDNN's convolutions against Paddle's own: results, gradients, bounds, threads, and who gets which."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional

from plx_train.config.options import DeviceOptions
from plx_train.ground.errors import DeviceError
from plx_train.onednn import agreement, cache, choice, library
from plx_train.onednn.cache import CACHE
from plx_train.onednn.convolution import Geometry
from plx_train.onednn.convolve import convolve
from plx_train.onednn.seam import exchange, geometry_of

try:
    library.library()
except library.LibraryError as error:
    pytest.skip(str(error), allow_module_level=True)


@contextmanager
def exchanged() -> Iterator[None]:
    """Paddle's functions are exchanged inside the block."""
    undo = exchange("fp32")
    try:
        yield
    finally:
        undo()


@pytest.fixture(autouse=True)
def native_again() -> Iterator[None]:
    yield
    choice.restore_convolutions()


def with_gradients(layer: nn.Layer, x: np.ndarray) -> list[np.ndarray]:
    given = paddle.to_tensor(x, stop_gradient=False)
    y = layer(given)
    weights = paddle.to_tensor(np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape))
    (y * weights).sum().backward()
    found = [y.numpy(), given.grad.numpy(), *(parameter.grad.numpy() for parameter in layer.parameters())]
    for parameter in layer.parameters():
        parameter.clear_gradient()
    return found


LAYERS = {
    "3x3": (lambda: nn.Conv2D(6, 20, 3, padding=1), (2, 6, 11, 13)),
    "strided": (lambda: nn.Conv2D(6, 20, 3, stride=2, padding=1, bias_attr=False), (2, 6, 11, 13)),
    "1x1": (lambda: nn.Conv2D(5, 33, 1), (3, 5, 7, 9)),
    "uneven": (lambda: nn.Conv2D(6, 8, (3, 5), stride=(2, 1), padding=[1, 0, 3, 2], dilation=(1, 2)), (2, 6, 12, 15)),
    "grouped": (lambda: nn.Conv2D(8, 12, 3, groups=4), (2, 8, 9, 9)),
    "depthwise": (lambda: nn.Conv2D(17, 17, 3, padding=1, groups=17), (2, 17, 9, 10)),
    "depthwise, 5 wide": (lambda: nn.Conv2D(17, 17, 5, padding=2, groups=17), (2, 17, 9, 10)),
    "depthwise, 5 wide, strided": (lambda: nn.Conv2D(16, 16, 5, stride=2, padding=2, groups=16), (2, 16, 9, 10)),
    "depthwise, 7 wide": (
        lambda: nn.Conv2D(16, 16, (3, 7), padding=(1, 3), groups=16, bias_attr=False),
        (1, 16, 5, 12),
    ),
    "many depthwise": (lambda: nn.Conv2D(8, 16, 5, padding=2, groups=8), (2, 8, 9, 10)),
    "same": (lambda: nn.Conv2D(4, 6, 3, padding="SAME"), (1, 4, 6, 7)),
    "same, strided": (lambda: nn.Conv2D(4, 4, 5, stride=2, padding="SAME", groups=4), (1, 4, 8, 9)),
    "same, even": (lambda: nn.Conv2D(4, 6, 2, stride=(1, 2), padding="SAME"), (1, 4, 7, 8)),
    "valid": (lambda: nn.Conv2D(4, 6, 3, padding="VALID"), (1, 4, 6, 7)),
    "reflected": (lambda: nn.Conv2D(4, 4, 3, padding=1, padding_mode="reflect"), (1, 4, 6, 6)),
    "channels last": (lambda: nn.Conv2D(4, 4, 3, data_format="NHWC"), (1, 6, 6, 4)),
    "one row": (lambda: nn.Conv1D(5, 9, 3, padding=2, dilation=2), (2, 5, 21)),
    "transposed": (lambda: nn.Conv2DTranspose(6, 10, 2, stride=2), (2, 6, 7, 5)),
    "transposed, more": (
        lambda: nn.Conv2DTranspose(6, 9, 3, stride=2, padding=1, output_padding=1, groups=3),
        (2, 6, 7, 5),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_results_and_gradients_are_those_of_paddle(name: str) -> None:
    make, shape = LAYERS[name]
    paddle.seed(3)
    layer = make()
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted = with_gradients(layer, x)
    with exchanged():
        got = with_gradients(layer, x)
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 1), (4, 17)])
def test_hard_swish(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape, scale=4).astype(np.float32)
    wanted = with_gradients(nn.Hardswish(), x)
    with exchanged():
        got = with_gradients(nn.Hardswish(), x)
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_enlargement(factor: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 7)).astype(np.float32)
    layer = nn.Upsample(scale_factor=factor)
    wanted = with_gradients(layer, x)
    np.testing.assert_array_equal(wanted[0], x.repeat(factor, 2).repeat(factor, 3))
    with exchanged():
        enlarged = paddle.to_tensor(x, stop_gradient=False)
        y = functional.interpolate(enlarged, scale_factor=factor, mode="nearest")
        (y * paddle.to_tensor(np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape))).sum().backward()
    np.testing.assert_array_equal(y.numpy(), wanted[0])
    np.testing.assert_allclose(enlarged.grad.numpy(), wanted[1], rtol=1e-4, atol=1e-5)


def test_other_interpolation_is_left_to_paddle() -> None:
    x = paddle.rand([1, 2, 4, 6])
    wanted = [functional.interpolate(x, scale_factor=2, mode="bilinear"), functional.interpolate(x, size=[3, 3])]
    with exchanged():
        got = [functional.interpolate(x, scale_factor=2, mode="bilinear"), functional.interpolate(x, size=[3, 3])]
    assert all(bool((ours == theirs).all()) for ours, theirs in zip(got, wanted, strict=True))


def test_it_is_oneDNN_that_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("plx_train.onednn.seam.convolve", lambda *given: seen.append(given) or convolve(*given))
    x = paddle.ones([1, 4, 6, 6])
    with exchanged():
        nn.Conv2D(4, 4, 3)(x)
        functional.conv2d(x, paddle.ones([4, 4, 3, 3]))
        functional.conv2d(x, paddle.ones([4, 1, 3, 3]), groups=4)
        nn.Conv1D(4, 4, 3)(paddle.ones([1, 4, 6]))
        nn.Conv2DTranspose(4, 4, 2)(x)
    assert len(seen) == 5
    nn.Conv2D(4, 4, 3)(x)
    assert len(seen) == 5, "outside the block they are Paddle's"


def test_a_traced_graph_holds_paddles_own(tmp_path: Path) -> None:
    layer = nn.Sequential(nn.Conv2D(3, 4, 3), nn.Conv2DTranspose(4, 2, 2))
    with exchanged():
        paddle.jit.save(layer, str(tmp_path / "m"), [paddle.static.InputSpec([None, 3, None, None], "float32")])
        x = paddle.rand([1, 3, 8, 8])
        wanted = layer(x).numpy()
    text = (tmp_path / "m.json").read_text()
    assert "conv2d" in text
    assert "py_layer" not in text.lower()
    np.testing.assert_allclose(paddle.jit.load(str(tmp_path / "m"))(x).numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_frozen_weights_get_no_gradient() -> None:
    layer = nn.Conv2D(4, 6, 3)
    layer.weight.stop_gradient = True
    layer.bias.stop_gradient = True
    x = paddle.rand([1, 4, 6, 6])
    with exchanged():
        assert layer(x).stop_gradient
        x.stop_gradient = False
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
    layer.bias.stop_gradient = False
    with exchanged():
        layer(x.detach()).sum().backward()
    assert layer.weight.grad is None
    np.testing.assert_allclose(layer.bias.grad.numpy(), np.full(6, 16.0), rtol=1e-5)


def test_views_are_read_as_they_are() -> None:
    layer = nn.Conv2D(6, 8, 3, padding=1)
    x = paddle.rand([2, 9, 6, 12]).transpose([0, 2, 3, 1])[:, :, ::2]
    assert not x.is_contiguous()
    wanted = layer(x).numpy()
    with exchanged():
        np.testing.assert_allclose(layer(x).numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_equal_runs_give_equal_bits() -> None:
    script = """
import hashlib, paddle
from paddle import nn
from plx_train.onednn.seam import exchange

exchange("fp32")
paddle.seed(1)
depthwise = nn.Conv2D(16, 16, 5, padding=2, groups=16)
network = nn.Sequential(nn.Conv2D(3, 16, 3), depthwise, nn.Conv2DTranspose(16, 4, 2, 2))
network(paddle.rand([2, 3, 20, 24])).square().mean().backward()
print(hashlib.sha256(b"".join(each.grad.numpy().tobytes() for each in network.parameters())).hexdigest())
"""
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = [
        subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout for _ in range(2)
    ]
    assert found[0] == found[1] != ""


def test_threads_compute_side_by_side() -> None:
    layer = nn.Conv2D(8, 8, 3, padding=1)
    images = [paddle.rand([1, 8, 20 + 4 * number, 24]) for number in range(4)]
    wanted = [layer(image).numpy() for image in images]
    faults: list[str] = []

    def work(number: int) -> None:
        for _ in range(20):
            with paddle.no_grad():
                if not np.allclose(layer(images[number]).numpy(), wanted[number], rtol=1e-5, atol=1e-5):
                    faults.append(f"image {number}")

    with exchanged():
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert not faults


def test_changing_shapes_keep_few_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_KEPT", 5)
    layer = nn.Conv2D(3, 4, 3)
    CACHE.own.made.clear()
    with exchanged(), paddle.no_grad():
        for width in range(10, 30):
            layer(paddle.ones([1, 3, 10, width]))
        first = layer(paddle.ones([1, 3, 10, 10])).numpy()
    gc.collect()
    assert len(CACHE.own.made) == 5
    np.testing.assert_allclose(first, layer(paddle.ones([1, 3, 10, 10])).numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "given", [{"data_format": "NHWC"}, {"padding": "HALF"}, {"groups": 3}, {"stride": paddle.ones([2])}]
)
def test_what_ours_cannot_take_is_left_to_paddle(given: dict) -> None:
    plain = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "data_format": "NCHW"} | given
    assert geometry_of(paddle.ones([1, 4, 6, 6]), paddle.ones([4, 4, 3, 3]), None, **plain, precision="fp32") is None


def test_other_types_are_left_to_paddle() -> None:
    x, weight = paddle.ones([1, 4, 6, 6], "float64"), paddle.ones([4, 4, 3, 3], "float64")
    assert geometry_of(x, weight, None, 1, 0, 1, 1, "NCHW", "fp32") is None
    with exchanged():
        assert functional.conv2d(x, weight).dtype == paddle.float64


def test_auto_takes_oneDNN_and_gives_it_back() -> None:
    former = functional.conv2d
    chosen = choice.choose_convolutions("auto", "fp32", is_cpu=True)
    assert (chosen.backend, chosen.is_substitute) == ("onednn", False)
    assert library.version() in chosen.sentence
    assert functional.conv2d is not former
    choice.choose_convolutions("auto", "fp32", is_cpu=True)
    choice.restore_convolutions()
    assert functional.conv2d is former


def test_natively_is_for_a_block() -> None:
    former = functional.conv2d
    with choice.natively():
        assert functional.conv2d is former
    choice.choose_convolutions("auto", "fp32", is_cpu=True)
    with choice.natively():
        assert functional.conv2d is former
    assert functional.conv2d is not former
    choice.restore_convolutions()
    assert functional.conv2d is former


def test_a_library_that_disagrees_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None, geometry: Geometry) -> paddle.Tensor:
        return convolve(x, weight, bias, geometry) * 1.001

    monkeypatch.setattr(agreement, "convolve", off)
    former = functional.conv2d
    chosen = choice.choose_convolutions("auto", "fp32", is_cpu=True)
    assert (chosen.backend, chosen.is_substitute) == ("native", True)
    assert "the result of a convolution of (2, 16, 9, 12) by (24, 16, 3, 3) is off by 0.001 of it" in chosen.sentence
    assert functional.conv2d is former
    with pytest.raises(DeviceError, match=r"device\.conv_backend=onednn .*is off by"):
        choice.choose_convolutions("onednn", "fp32", is_cpu=True)


@pytest.mark.parametrize(("major", "minor"), [(1, 0), (-1, 0), (0, 1)])
def test_an_unknown_version_is_not_used(monkeypatch: pytest.MonkeyPatch, major: int, minor: int) -> None:
    found = library.library().dnnl_version().contents
    monkeypatch.setattr(library, "MAJOR", found.major + major)
    monkeypatch.setattr(library, "OLDEST_MINOR", found.minor + minor)
    library.library.cache_clear()
    try:
        chosen = choice.choose_convolutions("auto", "fp32", is_cpu=True)
    finally:
        monkeypatch.undo()
        library.library.cache_clear()
    assert (chosen.backend, chosen.is_substitute) == ("native", True)
    assert f"oneDNN {found.major}.{found.minor} is not {found.major + major}." in chosen.sentence


def test_bf16_is_for_training_alone() -> None:
    x, weight = paddle.ones([1, 4, 6, 6]), paddle.ones([4, 4, 3, 3])
    given = (x, weight, None, 1, 0, 1, 1, "NCHW", "bf16")
    assert geometry_of(*given).precision == "bf16"
    with paddle.no_grad():
        assert geometry_of(*given).precision == "fp32"


def test_bf16_is_near_or_said_to_be_impossible() -> None:
    from plx_train.machine.hardware import cpu

    if cpu().flags & choice.BF16_FLAGS:
        assert "in bf16" in choice.choose_convolutions("onednn", "bf16", is_cpu=True).sentence
    else:
        with pytest.raises(DeviceError, match="does not multiply in bf16"):
            choice.choose_convolutions("onednn", "bf16", is_cpu=True)


def test_bf16_needs_onednn() -> None:
    from plx_train.machine.device import check_device

    with pytest.raises(DeviceError, match=r"needs device.conv_backend=onednn"):
        check_device(DeviceOptions(name="cpu", type="cpu", conv_backend="native", conv_precision="bf16"))
