"""Attention against plain loops."""

from __future__ import annotations

import math

import numpy as np
import paddle

from plx_train.nn.detection.attention import NUM_POINTS, DeformableAttention, SelfAttention

CHANNELS, HEADS, SIZES = 8, 2, ((4, 6), (2, 3))


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def randomised(layer: paddle.nn.Layer, seed: int = 0) -> paddle.nn.Layer:
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        parameter.set_value(rng.normal(0, 0.5, parameter.shape).astype(np.float32))
    return layer


def seen_at(level: np.ndarray, x: float, y: float) -> np.ndarray:
    """Features (C,) of a map (C, h, w) at a place in shares of it: of its four pixels around, zeros beyond the edge."""
    _, height, width = level.shape
    column, row = x * width - 0.5, y * height - 0.5
    found = np.zeros(len(level))
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            if 0 <= i < height and 0 <= j < width:
                found += level[:, i, j] * (1 - abs(row - i)) * (1 - abs(column - j))
    return found


def by_loops(layer: DeformableAttention, query: np.ndarray, box: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """What one query (C,) takes."""

    def through(part: paddle.nn.Linear, x: np.ndarray) -> np.ndarray:
        return x @ part.weight.numpy() + part.bias.numpy()

    offsets = through(layer.sampling_offsets, query).reshape(HEADS, len(SIZES), NUM_POINTS, 2)
    shares = softmax(through(layer.attention_weights, query).reshape(HEADS, -1)).reshape(HEADS, len(SIZES), NUM_POINTS)
    values, dim = through(layer.value_proj, memory), CHANNELS // HEADS
    taken, start = np.zeros(CHANNELS), 0
    for level, (height, width) in enumerate(SIZES):
        rows = values[start : start + height * width]
        start += height * width
        maps = rows.T.reshape(CHANNELS, height, width)
        for head in range(HEADS):
            own = slice(head * dim, (head + 1) * dim)
            for point in range(NUM_POINTS):
                x, y = box[:2] + offsets[head, level, point] / NUM_POINTS * box[2:] / 2
                taken[own] += shares[head, level, point] * seen_at(maps[own], x, y)
    return through(layer.output_proj, taken)


def test_deformable_attention_is_what_loops_give() -> None:
    layer = randomised(DeformableAttention(CHANNELS, HEADS, len(SIZES)))
    rng = np.random.default_rng(1)
    queries = rng.normal(0, 1, (2, 5, CHANNELS)).astype(np.float32)
    # Some boxes reach beyond the image.
    boxes = rng.uniform(0.05, 0.95, (2, 5, 4)).astype(np.float32)
    memory = rng.normal(0, 1, (2, sum(height * width for height, width in SIZES), CHANNELS)).astype(np.float32)

    found = layer(*map(paddle.to_tensor, (queries, boxes, memory)), SIZES).numpy()

    for image in range(2):
        for number in range(5):
            expected = by_loops(layer, queries[image, number], boxes[image, number], memory[image])
            assert np.allclose(found[image, number], expected, atol=1e-4)


def test_heads_begin_by_looking_around() -> None:
    rays = DeformableAttention(16, 8, 1).sampling_offsets.bias.numpy().reshape(8, NUM_POINTS, 2)
    assert np.allclose(rays[0], [[1, 0], [2, 0], [3, 0], [4, 0]]) and np.allclose(rays[2, 0], [0, 1], atol=1e-6)
    assert len({tuple(ray.round(3)) for ray in rays[:, 0]}) == 8


def test_attention_is_what_loops_give_and_a_mask_hides() -> None:
    layer = randomised(SelfAttention(CHANNELS, HEADS))
    rng = np.random.default_rng(2)
    tokens, places = rng.normal(0, 1, (2, 6, CHANNELS)).astype(np.float32)
    hidden = np.where(np.arange(6)[None] > 3, -1e9, 0).astype(np.float32).repeat(6, axis=0)
    weight, bias = layer.in_proj_weight.numpy(), layer.in_proj_bias.numpy()
    query, key, value = (
        given @ weight[:, part * CHANNELS : (part + 1) * CHANNELS] + bias[part * CHANNELS : (part + 1) * CHANNELS]
        for part, given in enumerate((tokens + places, tokens + places, tokens))
    )
    dim = CHANNELS // HEADS
    for mask, last in ((None, 6), (hidden, 4)):
        taken = np.zeros_like(tokens)
        for head in range(HEADS):
            own = slice(head * dim, (head + 1) * dim)
            alike = softmax(query[:, own] @ key[:last, own].T / math.sqrt(dim))
            taken[:, own] = alike @ value[:last, own]
        expected = taken @ layer.out_proj.weight.numpy() + layer.out_proj.bias.numpy()
        given = None if mask is None else paddle.to_tensor(mask)

        found = layer(paddle.to_tensor(tokens[None]), paddle.to_tensor(places[None]), given).numpy()[0]

        assert np.allclose(found, expected, atol=1e-4)
