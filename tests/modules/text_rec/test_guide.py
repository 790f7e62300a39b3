"""The guide: what it is taught, that it can't look ahead, its loss, its way into a run, and that no export has it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import paddle
import pytest

import plx_train
from kit.runs import as_if_killed, assert_same, train_room
from kit.text_lines import TEXTS, make_lines
from plx_train.api import RunResult
from plx_train.contract.sample import Sample
from plx_train.ground.errors import ConfigError
from plx_train.modules.text_rec.config import TextRecConfig
from plx_train.modules.text_rec.data import collate
from plx_train.modules.text_rec.guide import Decoder, positions
from plx_train.modules.text_rec.loss import guided_loss, spelling_loss
from plx_train.modules.text_rec.module import TextRec
from plx_train.modules.text_rec.network import GuideShape, TextRecNetwork
from plx_train.modules.text_rec.processor import TextRecProcessor
from plx_train.modules.text_rec.rehead import BIAS, TOKEN_AXES, WEIGHT, rehead
from plx_train.modules.text_rec.targets import END, PAD, START, guide_tokens, num_tokens
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.tracking import SPOOL_NAME, read_metrics
from plx_train.weights import load_weights
from plx_train.weights.fetch import WeightsSource

GUIDED = ("optimizer.freeze=[]", "module.guide=nrtr", "module.guide_channels=32", "module.guide_depth=1")
SHAPE = GuideShape(32, 1)


def sample(classes: list[int]) -> Sample:
    return Sample(np.zeros((48, 40, 3), np.uint8), None, classes, "a")


def network(guide: GuideShape | None) -> TextRecNetwork:
    paddle.seed(1)
    built = TextRecNetwork(5, scale=0.25, neck_channels=16, depth=1, merged=True, guide=guide)
    built.eval()
    return built


def lines(count: int) -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(5).normal(0.0, 1.0, (count, 3, 48, 64)).astype(np.float32))


def test_a_text_is_spelled_between_two_signs_and_one_too_long_not_at_all() -> None:
    # Classes begin with blank (0), tokens with padding, unknown, start and end: class 1 is token 4.
    tokens = guide_tokens([[1, 2], [3], [1, 1, 1]], max_length=4)
    assert tokens.tolist() == [[START, 4, 5, END], [START, 6, END, PAD], [PAD] * 4]
    assert tokens.dtype == np.int64
    assert guide_tokens([[1] * 9], 4).tolist() == [[PAD, PAD]], "one place to give, one to learn"
    assert num_tokens(6625) == 6629, "of the published network, whose last one stands for nothing"


def test_batches_have_tokens_only_for_a_guide() -> None:
    processor = TextRecProcessor(("a", "b"))
    plain, guided = (collate([sample([1, 2]), sample([2] * 30)], processor, longest) for longest in (None, 25))
    assert "guide_tokens" not in plain
    assert guided.pop("guide_tokens").tolist() == [[START, 4, 5, END], [PAD] * 4]
    assert guided.keys() == plain.keys() and guided["classes"].shape == (2, 30), "CTC learns the long text as before"


def test_places_are_told_apart_by_sines_and_cosines() -> None:
    # Turns of 1 and of 1 / 10000^(2/4) = 0.01 radians a place.
    expected = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]]
    assert np.allclose(positions(2, 4), expected, atol=1e-7)


def test_a_later_token_changes_no_earlier_logit() -> None:
    paddle.seed(1)
    decoder = Decoder(8, 64, 2)
    decoder.eval()
    features = paddle.randn([1, 5, 64])
    first, second = (decoder(paddle.to_tensor([[START, 4, token, 6]]), features).numpy() for token in (5, 7))
    assert np.array_equal(first[:, :2], second[:, :2])
    assert not np.allclose(first[:, 2], second[:, 2]) and not np.allclose(first[:, 3], second[:, 3])
    other = decoder(paddle.to_tensor([[START, 4, 5, 6]]), features + 1.0).numpy()
    assert not np.allclose(first[:, 0], other[:, 0]), "the line itself is seen from the first place on"


def test_the_loss_is_the_smoothed_cross_entropy_of_what_is_no_padding() -> None:
    probabilities = np.asarray([[[0.1, 0.2, 0.3, 0.4]] * 3], np.float32)
    # Right: 0.9 of the weight; the three others share 0.1.
    third = 0.1 / 3
    end = -(0.9 * math.log(0.4) + third * (math.log(0.1) + math.log(0.2) + math.log(0.3)))
    start = -(0.9 * math.log(0.3) + third * (math.log(0.1) + math.log(0.2) + math.log(0.4)))
    loss = spelling_loss(paddle.to_tensor(np.log(probabilities)), paddle.to_tensor([[3, 2, PAD]]))
    assert float(loss) == pytest.approx((end + start) / 2, abs=1e-5)
    nothing = spelling_loss(paddle.to_tensor(np.log(probabilities)), paddle.to_tensor([[PAD] * 3]))
    assert float(nothing) == 0.0, "a batch of texts that are all too long"


def test_a_guide_leaves_the_logits_as_they_are_to_the_bit() -> None:
    plain, guided = network(None), network(SHAPE)
    assert all(np.array_equal(value, guided.state_dict()[name]) for name, value in plain.state_dict().items())
    logits, spelled = guided.guided(lines(2), paddle.to_tensor([[START, 4], [START, 5]]))
    assert np.array_equal(plain(lines(2)).numpy(), logits.numpy())
    assert np.array_equal(plain(lines(2)).numpy(), guided(lines(2)).numpy())
    assert spelled.shape == [2, 2, num_tokens(5)]


@pytest.mark.parametrize("is_alone", [True, False])
def test_alone_the_guide_is_all_that_teaches_the_backbone(is_alone: bool) -> None:
    built = network(SHAPE)
    batch = {
        "classes": paddle.to_tensor([[1, 2]], "int32"),
        "lengths": paddle.to_tensor([2], "int64"),
        "guide_tokens": paddle.to_tensor([[START, 4, 5, END]]),
    }

    def losses_again() -> dict[str, paddle.Tensor]:
        return guided_loss(*built.guided(lines(1), batch["guide_tokens"][:, :-1], is_alone), batch)

    losses = losses_again()
    assert float(losses["loss"]) == pytest.approx(float(losses["loss_ctc"] + losses["loss_nrtr"]))
    losses["loss_ctc"].backward()
    backbone = [item for name, item in built.named_parameters() if name.startswith("backbone.")]
    assert any(item.grad is not None and float(item.grad.abs().sum()) > 0 for item in backbone) is not is_alone
    losses_again()["loss_nrtr"].backward()
    assert all(item.grad is not None for item in built.parameters() if not item.stop_gradient)


@pytest.mark.parametrize(
    ("is_fine_tuning", "choice", "expected"), [(True, None, False), (False, None, True), (True, True, True)]
)
def test_beside_trained_weights_a_new_guide_is_not_alone(
    is_fine_tuning: bool, choice: bool | None, expected: bool
) -> None:
    config = TextRecConfig(scale=0.25, guide="nrtr", guide_channels=32, guide_depth=1, guide_alone=choice)
    assert TextRec(config, TextRecProcessor(("a",)), is_fine_tuning).is_guide_alone is expected


def test_another_dictionary_keeps_what_the_guide_knows_of_characters_that_remain(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("a\nb\nc\n")
    source = WeightsSource("known", tmp_path, "local", None, None)
    embedding, projection = TOKEN_AXES
    rows = np.arange(9, dtype=np.float32)  # padding, unknown, start, end, a, b, c, space, nothing
    known = {WEIGHT: np.ones((2, 5), np.float32), BIAS: np.ones(5, np.float32)}
    known |= {embedding: np.stack([rows, rows], 1), projection: np.stack([rows, rows])}
    changed, _ = rehead(known, source, ("c", "z", "a"), {name: paddle.to_tensor(-v) for name, v in known.items()})
    assert changed[embedding][:, 0].tolist() == changed[projection][1].tolist() == [0, 1, 2, 3, 6, -5, 4, 7, -8]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["module.guide=sar"], "module.guide=sar does not exist; there is: none, nrtr"),
        (
            ["module.guide_channels=40"],
            "module.guide_channels=40 is out of range: it must be a multiple of 32, as in 32",
        ),
        (["module.guide_depth=0"], "module.guide_depth=0 is out of range: it must be at least 1"),
        (["module.guide_max_length=2"], "module.guide_max_length=2 is out of range: it must be at least 3"),
        (["optimizer.freeze=[backbone]"], "module.guide=nrtr teaches the backbone alone, which optimizer.freeze"),
    ],
)
def test_a_guide_that_can_not_be_is_refused(options: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        train(make_lines(tmp_path / "lines"), tmp_path / "run", *options)
    assert said in str(caught.value)


def tiny_module(guide: str) -> TextRec:
    paddle.seed(1)
    shape = {"scale": 0.25, "neck_channels": 16, "neck_depth": 1, "guide_channels": 32, "guide_depth": 1}
    return TextRec(TextRecConfig(guide=guide, **shape), TextRecProcessor(("a", "b", "c")), is_fine_tuning=True)


def test_a_part_of_the_backbone_may_be_frozen_under_a_guide() -> None:
    module = tiny_module("nrtr")
    names = [name for name, _ in module.network.named_parameters()]
    module.check_frozen([name for name in names if "blocks2" not in name])
    with pytest.raises(ConfigError):
        module.check_frozen([name for name in names if not name.startswith("backbone.")])


def train(dataset: Path, output: Path, *overrides: str) -> RunResult:
    return train_room("text_rec", dataset, output, *GUIDED, *overrides)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lines(tmp_path_factory.mktemp("data") / "lines", (*TEXTS, "abcabcabcabcabcabcabcabcabcabc"))


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    output = tmp_path_factory.mktemp("runs") / "run"
    return train(dataset, output, "trainer.epochs=1", "trainer.save_every_steps=1", "trainer.keep_last=99")


@pytest.mark.long
def test_a_run_logs_both_losses_and_keeps_the_guide_in_checkpoints_alone(finished: RunResult) -> None:
    logged = read_metrics(finished.output / SPOOL_NAME)
    both, ctc, nrtr = (dict(logged[f"train/{name}"]) for name in ("loss", "loss_ctc", "loss_nrtr"))
    assert both and all(both[step] == pytest.approx(ctc[step] + nrtr[step], rel=1e-5) for step in both)
    assert min(nrtr.values()) == 0 < max(nrtr.values()), "the last batch is one text, too long for the guide"
    kept = load_checkpoint(finished.output / "checkpoints" / "best")[0]["network"]
    assert any(name.startswith("head.gtc_head.") for name in kept)


def test_the_export_is_what_it_is_without_a_guide(finished: RunResult) -> None:
    plain, guided = (module.export_network(module.processor) for module in map(tiny_module, ("none", "nrtr")))
    tensors = [network.state_dict() for network, _ in (plain, guided)]
    assert tensors[0].keys() == tensors[1].keys() and plain[1] == guided[1]
    assert all(np.array_equal(value, tensors[1][name]) for name, value in tensors[0].items())
    exported = (finished.output / "export" / "inference.json").read_text("utf-8")
    assert "gtc" not in exported and "ctc_head" in exported


@pytest.mark.long
def test_a_resumed_run_with_a_guide_comes_to_the_same_bits(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "killed", 1)
    result = plx_train.run([f"resume={killed}", "quiet=true"])
    assert_same(finished.output, killed)
    assert result.metrics == finished.metrics


def test_weights_without_a_guide_start_one_and_say_so(finished: RunResult) -> None:
    module = tiny_module("nrtr")
    coverage = load_weights(module.network, str(finished.output / "export"), optional=module.optional_weights)
    assert coverage.loaded == coverage.total and not coverage.missing and not coverage.unexpected
    assert "initialised by design: head.before_gtc…, head.gtc_head…" in str(coverage)
