"""The loss of differentiable binarisation (Liao et al., arXiv 1911.08947): shrink map, threshold map, binary map."""

from __future__ import annotations

from dataclasses import dataclass

import paddle
from paddle.nn import functional as F

from plx_train.distributed.ranks import all_values, total
from plx_train.nn.reading import read_together

EPSILON = 1e-6


@dataclass(frozen=True)
class TextDetLoss:
    """The weighted sum of a loss on the shrink map, l1 on the threshold map and dice on the binary map.

    The published recipe of PP-OCRv4 takes dice for the shrink map with weight 5, l1 with 10, dice with 1.
    """

    shrink_loss: str = "dice"
    shrink_weight: float = 5.0
    threshold_weight: float = 10.0
    binary_weight: float = 1.0
    negative_ratio: float = 3.0

    def __call__(self, maps: paddle.Tensor, batch: dict[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts.

        Args:
            maps: (N, 1 or 3, H, W) in 0..1: shrink, and where trained threshold and binary.
            batch: ``shrink_map``, ``shrink_mask`` and where trained ``threshold_map``, ``threshold_mask``, (N, H, W).
        """
        target, mask = batch["shrink_map"], batch["shrink_mask"]
        parts = {"shrink": self.shrink_weight * self._shrink(maps[:, 0], target, mask)}
        if maps.shape[1] > 1:
            difference = (maps[:, 1] - batch["threshold_map"]).abs() * batch["threshold_mask"]
            size = total(batch["threshold_mask"].sum()) + EPSILON
            parts["threshold"] = self.threshold_weight * total(difference.sum()) / size
            parts["binary"] = self.binary_weight * dice_loss(maps[:, 2], target, mask)
        return {"loss": sum(parts.values(), paddle.zeros([])), **parts}

    def _shrink(self, probability: paddle.Tensor, target: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
        if self.shrink_loss == "bce":
            return balanced_bce(probability, target, mask, self.negative_ratio)
        if self.shrink_loss == "dice_bce":
            bce = balanced_bce(probability, target, mask, self.negative_ratio)
            return dice_loss(probability, target, mask) + bce
        return dice_loss(probability, target, mask)


def dice_loss(probability: paddle.Tensor, target: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """1 − 2·|p·t| / (|p| + |t|) over the unmasked pixels of the whole batch; 0..1, defined without any text."""
    overlap = total((probability * target * mask).sum())
    union = total((probability * mask).sum() + (target * mask).sum()) + EPSILON
    return 1.0 - 2.0 * overlap / union


def balanced_bce(
    probability: paddle.Tensor, target: paddle.Tensor, mask: paddle.Tensor, negative_ratio: float
) -> paddle.Tensor:
    """Binary cross-entropy over all text pixels and the `negative_ratio` times as many hardest other pixels."""
    positive, negative = target * mask, (1.0 - target) * mask
    num_positive, num_others = map(int, read_together(total(positive.sum()), total(negative.sum())))
    # A crop without text still teaches what is not text.
    num_negative = min(num_others, max(int(num_positive * negative_ratio), 64))
    pixel_loss = F.binary_cross_entropy(probability, target, reduction="none")
    hardest = _sum_of_largest((pixel_loss * negative).flatten(), num_negative)
    return (total((pixel_loss * positive).sum()) + hardest) / (num_positive + num_negative + EPSILON)


def _sum_of_largest(values: paddle.Tensor, count: int) -> paddle.Tensor:
    """The sum of the `count` largest values of the whole batch, wherever they are computed."""
    if count == 0:
        return paddle.zeros([])
    smallest = paddle.topk(all_values(values), count)[0][-1]
    is_above, is_equal = ((values > smallest).astype(values.dtype), (values == smallest).astype(values.dtype))
    # Equal ones, whole margins of a page, count alike: which of them come first must change no gradient.
    share = (count - total(is_above.sum())) / total(is_equal.sum())
    return total((values * is_above).sum()) + total((values * is_equal).sum()) * share
