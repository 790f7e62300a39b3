"""A linear classifier on many features and few series: ridge regression on classes, its penalty by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plx_train.ground.errors import DataError

SHARPNESSES = np.logspace(-1, 1.5, 51)
"""Tried in calibrating."""


@dataclass(frozen=True)
class RidgeHead:
    """Scores are ``(features − mean) / deviation @ weights + intercept``, around −1 to 1 per class.

    They are margins: margins of 1 and −1 would give a probability of only 0.88 between two classes. Multiplied by the
    sharpness they are logits, whose softmax says how often the head is right.

    Attributes:
        weights: float64 (F, n).
        intercept: float64 (n,).
        mean, deviation: float64 (F,).
        alpha: () penalty chosen by leave-one-out squared error.
        accuracy: () leave-one-out accuracy on the training series; the features' scaling is not left out.
        sharpness: () of least mean −log p(true class) on the same leave-one-out scores.
    """

    weights: np.ndarray
    intercept: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    alpha: np.ndarray
    accuracy: np.ndarray
    sharpness: np.ndarray

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (F, n) and intercept (n,) that give the logits of features as they are."""
        weights = self.weights / self.deviation[:, None] * self.sharpness
        return weights, self.intercept * self.sharpness - self.mean @ weights


def fit_ridge(features: np.ndarray, labels: np.ndarray, num_classes: int) -> RidgeHead:
    """Fits scikit-learn's RidgeClassifierCV, penalties 10⁻³ to 10³, on standardised features; nothing is random.

    Args:
        features: (N, F).
        labels: (N,) numbers of classes below `num_classes`.
        num_classes: n; two classes get two columns of scores like more do, absent ones a score of −1.

    Raises:
        DataError: Fewer than two classes among the labels, or features that are not finite.
    """
    from sklearn.linear_model import RidgeClassifierCV

    present = np.unique(labels)
    if len(present) < 2:
        raise DataError(f"a classifier needs series of two classes at least and all {len(labels)} are of one")
    if not np.isfinite(features).all():
        raise DataError("features of the series are not finite: set dataset.fill")
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    deviation[deviation < 1e-12] = 1.0
    scaled = (features - mean) / deviation
    fitted = RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)).fit(scaled, labels)
    # Of two classes scikit-learn gives the second alone, with one axis or two according to its version.
    rows, offsets = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
    if len(present) == 2:
        rows, offsets = np.concatenate([-rows, rows]), np.concatenate([-offsets, offsets])
    weights, intercept = np.zeros((features.shape[1], num_classes)), np.full(num_classes, -1.0)
    weights[:, present], intercept[present] = rows.T, offsets
    left_out = _left_out_scores(scaled, labels, scaled @ weights + intercept, float(fitted.alpha_))
    accuracy = np.asarray(np.mean(left_out.argmax(axis=1) == labels))
    sharpness = np.asarray(_sharpness(left_out, labels))
    return RidgeHead(weights, intercept, mean, deviation, np.asarray(fitted.alpha_), accuracy, sharpness)


def _left_out_scores(scaled: np.ndarray, labels: np.ndarray, scores: np.ndarray, alpha: float) -> np.ndarray:
    """Margins (N, n) of each series by a fit without it, from the fit with it and its own weight in that.

    scikit-learn's score by the same method is 1 for any two classes (seen in 1.9), so it is not asked.
    """
    targets = np.where(np.arange(scores.shape[1]) == labels[:, None], 1.0, -1.0)
    return targets - (targets - scores) / (1 - _leverages(scaled, alpha))[:, None]


def _sharpness(scores: np.ndarray, labels: np.ndarray) -> float:
    """What the margins (N, n) are multiplied by to be logits; more series may make more sure of it.

    As in Platt's scaling the true class is aimed at with (N + 1) / (N + 2) and not with 1, or a head that makes no
    mistake on a few series would never be in doubt.
    """
    num, num_classes = scores.shape
    targets = np.full((num, num_classes), 1 / (num + 2) / max(num_classes - 1, 1))
    targets[np.arange(num), labels] = (num + 1) / (num + 2)
    losses = [-(targets * _log_softmax(scores * factor)).sum(axis=1).mean() for factor in SHARPNESSES]
    return float(SHARPNESSES[int(np.argmin(losses))])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _leverages(scaled: np.ndarray, alpha: float) -> np.ndarray:
    """Share of each series (N,) in its own score, below 1: from the smaller of two systems of equations."""
    num, num_features = scaled.shape
    if num <= num_features:
        return 1 / num + 1 - alpha * np.linalg.inv(scaled @ scaled.T + alpha * np.eye(num)).diagonal()
    inverse = np.linalg.inv(scaled.T @ scaled + alpha * np.eye(num_features))
    return 1 / num + np.sum(scaled @ inverse * scaled, axis=1)
