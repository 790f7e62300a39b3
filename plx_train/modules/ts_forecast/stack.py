"""Several forecasts made one: the weights that are best on held-out windows."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from plx_train.ground.errors import ConfigError, DataError

MAX_MEMBERS = 12
"""All sets of members are tried: 4,095 small systems of equations at most."""

MAX_CONDITION = 1e12


def non_negative_weights(predictions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Weights of members, none negative and 1 in sum, whose weighted mean has the least squared error.

    Exact: as the weights sum to 1, the error of the mean is the mean of the errors, and the best weights are found
    among those of every set of members. Of members that are alike the first is taken.

    Args:
        predictions: (M, N, H, C), on windows that no member was trained on.
        truth: (N, H, C).

    Returns:
        float64 (M,).

    Raises:
        ConfigError: More than 12 members.
        DataError: Forecasts that are not finite.
    """
    return _weights(error_products(predictions, truth))


def error_products(predictions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean product of every two members' errors, float64 (M, M); can be added up over parts of equal size."""
    errors = (np.asarray(predictions, np.float64) - truth).reshape(len(predictions), -1)
    return errors @ errors.T / errors.shape[1]


def _weights(products: np.ndarray) -> np.ndarray:
    num = len(products)
    if num > MAX_MEMBERS:
        raise ConfigError(f"{num} members are too many to weigh: name at most {MAX_MEMBERS} in module.models")
    if not np.isfinite(products).all():
        member = int(np.argmin(np.isfinite(products.diagonal()))) + 1
        raise DataError(
            f"member {member} of {num} forecasts values that are not finite: look at its own run, or leave it out"
        )
    best, least = np.full(num, 1 / num), np.inf
    for size in range(1, num + 1):
        for chosen in combinations(range(num), size):
            own = products[np.ix_(chosen, chosen)]
            weights = _of_set(own)
            if weights is None:
                continue
            error = float(weights @ own @ weights)
            # More members have to be worth it: what rounding gains does not count.
            if error < least * (1 - 1e-9):
                least, best = error, np.zeros(num)
                best[list(chosen)] = weights
    return best


def _of_set(products: np.ndarray) -> np.ndarray | None:
    """The best weights if all of these members are used, or none where some would be negative."""
    if len(products) == 1:
        return np.ones(1)
    if np.linalg.cond(products) > MAX_CONDITION:
        # Dependent errors: a smaller set does as well.
        return None
    weights = np.linalg.solve(products, np.ones(len(products)))
    weights /= weights.sum()
    return weights if weights.min() >= 0 else None
