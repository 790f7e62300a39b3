"""Threads beside each other: every part once, faults told, only the owner helped; and the same bits however many."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import paddle
import pytest
from paddle import nn

from plx_train.nn.affine import LearnableAffine
from plx_train.onednn import library, primitive
from plx_train.onednn.blocks import bounds
from plx_train.onednn.cache import CACHE
from plx_train.onednn.convolution import Geometry
from plx_train.onednn.convolve import planned
from plx_train.onednn.crew import gather, side_by_side
from plx_train.onednn.seam import exchange

try:
    library.library()
except library.LibraryError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.fixture(autouse=True)
def alone_again() -> Iterator[None]:
    yield
    gather(1)


def test_each_part_is_done_once_and_by_several() -> None:
    gather(3)
    together = threading.Barrier(3)
    done: list[tuple[int, int]] = []

    def work(number: int) -> None:
        together.wait(10)
        done.append((number, threading.get_ident()))

    side_by_side(work, 3)

    assert sorted(number for number, _ in done) == [0, 1, 2]
    assert len({thread for _, thread in done}) == 3


def test_the_first_fault_is_told_when_all_is_done() -> None:
    gather(2)
    together = threading.Barrier(2)
    done = []

    def work(number: int) -> None:
        if number < 2:
            together.wait(10)
        if number == 1:
            raise MemoryError("too little")
        done.append(number)

    with pytest.raises(MemoryError, match="too little"):
        side_by_side(work, 4)
    assert 0 in done
    side_by_side(done.append, 2)
    assert done[-2:] == [0, 1] or done[-2:] == [1, 0], "the crew works on"


def test_threads_that_have_a_core_each_are_not_helped() -> None:
    gather(4)
    names = []

    def sample() -> None:
        side_by_side(lambda number: names.append(threading.current_thread().name), 4)

    thread = threading.Thread(target=sample, name="sample")
    thread.start()
    thread.join()
    assert names == ["sample"] * 4


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    [
        (8, 99, [(0, 2), (2, 4), (4, 6), (6, 8)]),
        (5, 99, [(0, 1), (1, 2), (2, 3), (3, 5)]),
        (2, 99, [(0, 1), (1, 2)]),
        (9, 1, [(0, 9)]),
        (9, 0, [(0, 9)]),
    ],
)
def test_parts_are_nearly_equal_and_leave_nothing_out(length: int, most: int, expected: list) -> None:
    assert bounds(length, most) == expected


class Everything(nn.Layer):
    """Each kind of what is computed in blocks, large enough for it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2D(8, 32, 3, padding=1, bias_attr=False),
            nn.Hardswish(),
            nn.Conv2D(32, 32, 5, padding=2, groups=32),
            nn.Conv2D(32, 16, 1),
            nn.Conv2DTranspose(16, 16, 2, 2),
            nn.Upsample(scale_factor=2),
        )
        self.affine, self.linear = LearnableAffine(), nn.Linear(100, 90)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.linear(self.affine(self.convolutions(x)))


def bits(threads: int, images: int) -> list[bytes]:
    """Result and gradients of a network, computed by so many threads."""
    gather(threads)
    paddle.seed(1)
    network, x = Everything(), paddle.rand([images, 8, 32, 25])
    x.stop_gradient = False
    undo = exchange("fp32")
    y = network(x)
    y.square().mean().backward()
    undo()
    return [each.numpy().tobytes() for each in (y, x.grad, *(parameter.grad for parameter in network.parameters()))]


@pytest.mark.parametrize("images", [2, 7])
def test_bits_are_the_same_by_any_number_of_threads(images: int) -> None:
    alone = bits(1, images)
    for threads in (2, 3, 4, 2):
        assert bits(threads, images) == alone


def test_bits_do_not_hang_on_what_the_environment_says() -> None:
    digest = (
        "import hashlib; from onednn.test_crew import bits; print(hashlib.sha256(b''.join(bits({}, 7))).hexdigest())"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", digest.format(threads)],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
        ).stdout
        for threads in (1, 4)
    ]
    assert found[0] == found[1] != ""


def test_an_affine_is_that_of_paddle() -> None:
    layer, x = LearnableAffine(), paddle.rand([3, 50_001]) - 0.4
    x.stop_gradient = False

    def computed() -> list[np.ndarray]:
        y = layer(x)
        (y * y).sum().backward()
        found = [y.numpy(), *(each.grad.numpy() for each in (x, layer.scale, layer.bias))]
        for each in (x, layer.scale, layer.bias):
            each.clear_gradient()
        return found

    layer.scale.set_value(np.float32([1.5]))
    layer.bias.set_value(np.float32([0.25]))
    wanted = computed()
    undo = exchange("fp32")
    got = computed()
    undo()
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("agrees", [True, False])
def test_a_primitive_is_computed_by_several_only_where_bits_agree(
    monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    monkeypatch.setattr(primitive, "_written", lambda made, *given: [b"" if agrees else bytes([made.threads])])
    gather(2)
    geometry = Geometry((2, 4, 8, 8), (4, 4, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, has_bias=False)
    assert CACHE.get(planned, geometry).plan.weights.threads == (2 if agrees else 1)
    CACHE.own.made.clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_computes_alone() -> None:
    """Its OpenMP would wait for threads that stayed behind."""
    script = """
import os, paddle
from plx_train.onednn.cache import CACHE
from plx_train.onednn.crew import gather
from plx_train.onednn.seam import exchange

gather(2)
exchange("fp32")
layer, x = paddle.nn.Conv2D(8, 8, 3), paddle.ones([4, 8, 64, 64])
wanted = layer(x).numpy()
child = os.fork()
if child == 0:
    assert CACHE.own.state.threads == 1
    os._exit(0 if (layer(x).numpy() == wanted).all() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert CACHE.own.state.threads == 2
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_what_was_not_used_is_not_made_by_a_fork() -> None:
    script = """
import os
import plx_train.onednn.crew
from plx_train.onednn.cache import CACHE

child = os.fork()
if child == 0:
    os._exit(int(CACHE.is_used))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_bits_that_few_numbers_share_by_chance_are_not_believed() -> None:
    """One weight has the same bits by two threads in every other trial, however its sum is added up."""
    gather(2)
    geometry = Geometry((4, 1, 16, 16), (1, 1, 1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, has_bias=False)
    assert CACHE.get(planned, geometry).plan.weights.threads == 1
    CACHE.own.made.clear()
