"""The text recogniser: forms, merging, loss, another dictionary, equality with the published network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from kit.official import official_program
from plx_train.ground.errors import WeightsError
from plx_train.ground.places import datasets_dir
from plx_train.modules.text_rec.dictionary import dictionary_of
from plx_train.modules.text_rec.network import TextRecNetwork
from plx_train.modules.text_rec.processor import TextRecProcessor, steps_of
from plx_train.modules.text_rec.rehead import BIAS, WEIGHT, rehead
from plx_train.nn.losses import ctc_loss
from plx_train.vision.image import read_image
from plx_train.weights import load_weights
from plx_train.weights.fetch import WeightsSource

PUBLISHED = "PP-OCRv4_mobile_rec"
NUM_PUBLISHED_TENSORS = 234
TOLERANCE = 1e-4


def tiny(merged: bool = False) -> TextRecNetwork:
    paddle.seed(1)
    return TextRecNetwork(5, scale=0.25, neck_channels=16, depth=1, merged=merged)


def lines(count: int, width: int) -> paddle.Tensor:
    values = np.random.default_rng(5).normal(0.0, 1.0, (count, 3, 48, width))
    return paddle.to_tensor(values.astype(np.float32))


@pytest.mark.parametrize("width", [48, 320, 333])
def test_logits_have_the_steps_that_were_foretold(width: int) -> None:
    network = tiny(merged=True)
    network.eval()
    assert network(lines(2, width)).shape == [2, steps_of(width), 5]


def test_merging_keeps_the_output() -> None:
    network = tiny()
    network.train()
    network(lines(2, 160))  # statistics other than 0 and 1
    network.eval()
    before = network(lines(2, 160)).numpy()
    network.merge()
    assert network.merged
    assert np.abs(network(lines(2, 160)).numpy() - before).max() < 1e-5 * np.abs(before).max()
    built = tiny(merged=True)
    assert {k: v.shape for k, v in network.state_dict().items()} == {k: v.shape for k, v in built.state_dict().items()}


def test_a_gradient_reaches_every_parameter() -> None:
    network = tiny()
    network.train()
    loss = ctc_loss(network(lines(2, 160)), targets([[1, 2], [3, 4]]))["loss"]
    loss.backward()
    assert all(p.grad is not None for p in network.parameters() if not p.stop_gradient)


@pytest.mark.parametrize("texts", [[[], []], [[1, 2], []]])
def test_an_empty_text_teaches_nothing(texts: list[list[int]]) -> None:
    logits = paddle.to_tensor(np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32), stop_gradient=False)
    padded = {"classes": paddle.to_tensor([[*row, 0, 0][:2] for row in texts], "int32")}
    loss = ctc_loss(logits, padded | {"lengths": paddle.to_tensor([len(row) for row in texts], "int64")})["loss"]
    loss.backward()
    assert np.abs(logits.grad.numpy()).max(axis=(1, 2)).astype(bool).tolist() == [bool(row) for row in texts]
    assert (float(loss) == 0) is not any(texts)


def targets(classes: list[list[int]]) -> dict[str, Any]:
    lengths = paddle.to_tensor([len(row) for row in classes], "int64")
    return {"classes": paddle.to_tensor(classes, "int32"), "lengths": lengths}


def test_the_loss_is_minus_the_logarithm_of_all_ways_to_say_the_text() -> None:
    probabilities = np.asarray([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], np.float32)
    # "a" in two steps: a a, a blank, blank a
    expected = -np.log(0.3 * 0.6 + 0.3 * 0.1 + 0.5 * 0.6)
    loss = ctc_loss(paddle.to_tensor(np.log(probabilities)[None]), targets([[1]]))["loss"]
    assert float(loss) == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def source(tmp_path: Path) -> WeightsSource:
    (tmp_path / "keys.txt").write_text("a\nb\nc\n")
    return WeightsSource("known", tmp_path, "local", None, None)


def classifier(num_classes: int) -> dict[str, Any]:
    weight = np.arange(2 * num_classes, dtype=np.float32).reshape(2, num_classes)
    return {WEIGHT: weight, BIAS: 100 + weight[0], "other": np.ones(1, np.float32)}


def test_another_dictionary_keeps_the_rows_of_the_characters_that_remain(source: WeightsSource) -> None:
    state = classifier(5)  # blank a b c space
    initial = {name: paddle.to_tensor(-values) for name, values in classifier(5).items()}
    changed, note = rehead(state, source, ("c", "z", "a"), initial)
    rows = [0, 3, None, 1, 4]  # blank, c, z (new), a, space
    for place, old in enumerate(rows):
        bias = -(100 + place) if old is None else 100 + old
        assert changed[BIAS][place] == bias
        assert np.array_equal(
            changed[WEIGHT][:, place], -state[WEIGHT][:, place] if old is None else state[WEIGHT][:, old]
        )
    assert changed["other"] is state["other"]
    assert note and "2 of them known" in note and "'z' (U+007A)" in note


def test_the_same_dictionary_changes_nothing(source: WeightsSource) -> None:
    state = classifier(5)
    assert rehead(state, source, ("a", "b", "c"), {}) == (state, None)


def test_a_dictionary_of_another_size_than_the_weights_is_refused(source: WeightsSource) -> None:
    with pytest.raises(WeightsError, match="7 classes, but their dictionary of 3"):
        rehead(classifier(7), source, ("a",), {})


def test_bare_tensors_are_taken_where_the_sizes_agree(tmp_path: Path) -> None:
    bare = WeightsSource("bare", tmp_path, "local", None, None)
    state = classifier(5)
    assert rehead(state, bare, ("x", "y", "z"), {}) == (state, None)
    with pytest.raises(WeightsError, match=r"module\.dict"):
        rehead(state, bare, ("x",), {})


@pytest.mark.network
def test_real_crops_give_what_the_published_program_gives() -> None:
    network = TextRecNetwork(6625, merged=True)
    coverage = load_weights(network, PUBLISHED)
    assert coverage.loaded == coverage.total == NUM_PUBLISHED_TENSORS and not coverage.missing
    network.eval()
    program = official_program(coverage.source.path)
    processor = TextRecProcessor(dictionary_of(coverage.source.path))
    root = datasets_dir() / "pages_text"
    for line in (root / "val.txt").read_text("utf-8").splitlines()[::60]:
        x = processor.preprocess(read_image(root / line.partition("\t")[0]))[0][None]
        with paddle.no_grad():
            ours = F.softmax(network(paddle.to_tensor(x)), axis=-1).numpy()
        theirs = program(x)
        assert ours.shape == theirs.shape and theirs.max() > 0.9, "the crop shows no text"
        assert np.abs(ours - theirs).max() < TOLERANCE
