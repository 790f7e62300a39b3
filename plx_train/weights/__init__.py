"""Published and own weights: found by name, verified, read without running anything, fitted to a network."""

from plx_train.weights.load import Coverage, load_weights

__all__ = ["Coverage", "load_weights"]
