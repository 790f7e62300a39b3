"""The detection loss against values worked out by hand."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from plx_train.modules.text_det.loss import TextDetLoss, balanced_bce, dice_loss


def tensor(values: list) -> paddle.Tensor:
    return paddle.to_tensor(np.asarray(values, np.float32)).reshape([1, 1, -1])


def test_dice_of_equal_maps_is_zero_and_of_disjoint_ones_one() -> None:
    target, mask = tensor([1, 1, 0, 0]), tensor([1, 1, 1, 1])
    assert float(dice_loss(target, target, mask)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(1 - target, target, mask)) == pytest.approx(1.0, abs=1e-6)


def test_dice_by_hand_and_masked_pixels_do_not_count() -> None:
    # 1 - 2 * (0.5 + 1.0) / ((0.5 + 1.0 + 0.5) + 2) = 0.25; the fourth pixel is masked
    probability, target, mask = tensor([0.5, 1.0, 0.5, 1.0]), tensor([1, 1, 0, 0]), tensor([1, 1, 1, 0])
    assert float(dice_loss(probability, target, mask)) == pytest.approx(0.25, abs=1e-6)


def test_balanced_bce_takes_the_hardest_negatives_only() -> None:
    # One positive pixel allows three negatives, but never fewer than 64: with 4 all are taken.
    probability, target, mask = tensor([0.5, 0.5, 0.1, 0.1, 0.1]), tensor([1, 0, 0, 0, 0]), tensor([1] * 5)
    expected = (2 * np.log(2) - 3 * np.log(0.9)) / 5
    assert float(balanced_bce(probability, target, mask, 3.0)) == pytest.approx(expected, rel=1e-4)


def test_many_negatives_are_limited_by_the_ratio() -> None:
    num_positive, num_negative = 30, 1000
    probability = tensor([0.5] * num_positive + [0.5] * 90 + [1e-3] * (num_negative - 90))
    target = tensor([1] * num_positive + [0] * num_negative)
    loss = balanced_bce(probability, target, tensor([1] * (num_positive + num_negative)), 3.0)
    assert float(loss) == pytest.approx(np.log(2), rel=1e-4)  # 30 positives and the 90 hard negatives, all at ln 2


def batch(has_text: bool) -> dict[str, paddle.Tensor]:
    target = paddle.zeros([1, 4, 4])
    if has_text:
        target[:, 1:3, 1:3] = 1.0
    return {
        "shrink_map": target,
        "shrink_mask": paddle.ones([1, 4, 4]),
        "threshold_map": paddle.full([1, 4, 4], 0.3),
        "threshold_mask": target,
    }


@pytest.mark.parametrize("shrink_loss", ["dice", "bce", "dice_bce"])
@pytest.mark.parametrize("has_text", [True, False])
def test_a_crop_without_text_has_a_finite_loss_and_gradient(shrink_loss: str, has_text: bool) -> None:
    logits = paddle.zeros([1, 3, 4, 4])
    logits.stop_gradient = False
    losses = TextDetLoss(shrink_loss=shrink_loss)(paddle.nn.functional.sigmoid(logits), batch(has_text))
    losses["loss"].backward()

    assert set(losses) == {"loss", "shrink", "threshold", "binary"}
    assert float(losses["loss"]) == pytest.approx(
        sum(float(losses[name]) for name in losses if name != "loss"), rel=1e-5
    )
    assert np.isfinite(logits.grad.numpy()).all()


def test_threshold_loss_is_mean_l1_inside_its_mask() -> None:
    maps = paddle.full([1, 3, 4, 4], 0.5)
    losses = TextDetLoss(threshold_weight=10.0)(maps, batch(True))
    assert float(losses["threshold"]) == pytest.approx(10.0 * 0.2, rel=1e-4)


def test_without_threshold_branch_there_is_the_shrink_loss_alone() -> None:
    assert set(TextDetLoss()(paddle.full([1, 1, 4, 4], 0.5), batch(True))) == {"loss", "shrink"}
