"""RT-DETR, tiny: it learns two images, and exports, merged, to what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from plx_train.export.static_model import StaticModel
from plx_train.nn.blocks import ConvNorm
from plx_train.nn.detection.attention_layers import waves
from plx_train.nn.detection.exported import FinishedQueries
from plx_train.nn.detection.hybrid_encoder import EncoderShape
from plx_train.nn.detection.overlap import corners, overlaps
from plx_train.nn.detection.query_decoder import DecoderShape, anchors_of
from plx_train.nn.detection.query_loss import QueryLoss
from plx_train.nn.detection.rt_detr import RTDETR
from plx_train.nn.exported import name_tensors

SIZE = (64, 96)
TRUTHS = [
    (np.asarray([[8, 10, 40, 50]], np.float32), np.asarray([0])),
    (np.asarray([[50, 8, 90, 40], [6, 30, 30, 60]], np.float32), np.asarray([1, 0])),
]


class Backbone(paddle.nn.Layer):
    """Three levels of features."""

    out_channels = (16, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNorm(3, 16, 9, 8, activate=F.relu)
        self.others = paddle.nn.LayerList([ConvNorm(16, 16, 3, 2, activate=F.relu) for _ in range(2)])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        levels = [self.first(x)]
        for layer in self.others:
            levels.append(layer(levels[-1]))
        return levels


def tiny() -> RTDETR:
    paddle.seed(0)
    return RTDETR(2, Backbone(), EncoderShape(32, 4, 1, 48, 0.5), DecoderShape(32, 4, 48, 2, 20))


def pictures() -> np.ndarray:
    """Dark noise with bright boxes of two colours, float32 (2, 3, H, W)."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 0.2, (2, 3, *SIZE)).astype(np.float32)
    for image, (boxes, classes) in zip(images, TRUTHS, strict=True):
        for (left, top, right, bottom), number in zip(boxes.astype(int), classes, strict=True):
            image[number * 2, top:bottom, left:right] += 0.7
    return images


@pytest.fixture(scope="module")
def learned() -> RTDETR:
    """A network that knows both pictures by heart."""
    network, images = tiny(), paddle.to_tensor(pictures())
    np.random.seed(0)
    loss = QueryLoss(lambda value: value)
    clip = paddle.nn.ClipGradByGlobalNorm(1.0)
    descent = paddle.optimizer.AdamW(3e-3, parameters=network.parameters(), grad_clip=clip)
    network.train()
    for step in range(STEPS):
        descent.set_lr(3e-3 if step < STEPS * 0.7 else 3e-4)
        loss(network.learn(images, TRUTHS), TRUTHS, SIZE)["loss"].backward()
        descent.step()
        descent.clear_grad()
    network.eval()
    return network


STEPS = 140


def rows_of(layer: FinishedQueries, scale: float = 1.0) -> list[np.ndarray]:
    """Rows of each picture, enlarged by `scale` before it was brought to the network's size."""
    shape = np.asarray([SIZE] * 2, np.float32)
    factor = np.full((2, 2), 1 / scale, np.float32)
    rows, counts = layer(*map(paddle.to_tensor, (shape, pictures(), factor)))
    return np.split(rows.numpy(), np.cumsum(counts.numpy())[:-1])


@pytest.mark.long
def test_two_images_are_learned(learned: RTDETR) -> None:
    for rows, (boxes, classes) in zip(rows_of(FinishedQueries(learned, SIZE), 2.0), TRUTHS, strict=True):
        sure = rows[rows[:, 1] > 0.5]
        overlap = overlaps(sure[:, None, 2:], 2 * boxes[None])[0] * (sure[:, :1] == classes)
        # Each box is found, some by two queries still, and nothing else.
        assert (overlap.max(axis=0) > 0.7).all() and (overlap.max(axis=1) > 0.5).all()


@pytest.mark.long
def test_an_export_is_equal_by_all_engines_for_any_number_of_images(learned: RTDETR, tmp_path: Path) -> None:
    copy = tiny()
    copy.set_state_dict(learned.state_dict())
    copy.merge()
    name_tensors(copy)
    finished = FinishedQueries(copy, SIZE)
    with paddle.utils.unique_name.guard():
        static = paddle.jit.to_static(finished.forward, input_spec=finished.inputs(), full_graph=True)
        paddle.jit.save(static, str(tmp_path / "inference"))
    expected = rows_of(FinishedQueries(learned, SIZE))
    shape, factor = np.asarray([SIZE] * 2, np.float32), np.ones((2, 2), np.float32)
    for is_onednn in (False, True):
        run = StaticModel(tmp_path, onednn=is_onednn)
        rows, counts = run(shape, pictures(), factor)
        single, _ = run(shape[:1], pictures()[:1], factor[:1])

        assert counts.tolist() == [40, 40] and counts.dtype == np.int32
        for found, own in ((rows[:40], expected[0]), (rows[40:], expected[1]), (single, expected[0])):
            # Of rows that are next to equal the order says nothing.
            sure = own[:, 1] > 0.1
            assert sure.any() and np.allclose(found[: sure.sum()], own[sure], atol=2e-3)


def test_tensors_of_classes_are_known_by_their_axes() -> None:
    found = {name: (values.shape[axis], axis) for name, (values, axis) in tiny().class_tensors().items()}
    heads = [f"transformer.{name}" for name in ("enc_score_head", "dec_score_head.0", "dec_score_head.1")]
    assert found == {
        **{f"{name}.weight": (2, 1) for name in heads},
        **{f"{name}.bias": (2, 0) for name in heads},
        "transformer.denoising_class_embed.weight": (2, 0),
    }


def test_queries_begin_where_tokens_are_and_not_at_the_edges() -> None:
    anchors, may = anchors_of([(4, 8), (2, 4)])
    boxes = 1 / (1 + np.exp(-anchors.astype(np.float64)))
    assert np.allclose(boxes[0], [1 / 16, 1 / 8, 0.05, 0.05]) and np.allclose(boxes[9], [3 / 16, 3 / 8, 0.05, 0.05])
    assert np.allclose(boxes[32], [1 / 8, 1 / 4, 0.1, 0.1]) and may.all()
    anchors, may = anchors_of([(80, 80)])
    may = may.reshape(80, 80)
    assert may[1:-1, 1:-1].all() and not may[0].any() and not may[:, -1].any()
    assert np.isfinite(anchors).all() and np.allclose(corners(np.asarray([0.5, 0.5, 1, 1])), [0, 0, 1, 1])


def test_places_say_row_and_column() -> None:
    found = waves(3, 5, 8)[0].reshape(3, 5, 8)
    assert (found[1, 0, :4] == found[1, 4, :4]).all() and (found[0, 2, 4:] == found[2, 2, 4:]).all()
    assert found[2, 3] == pytest.approx(
        [np.sin(2), np.sin(0.02), np.cos(2), np.cos(0.02), np.sin(3), np.sin(0.03), np.cos(3), np.cos(0.03)], rel=1e-5
    )
