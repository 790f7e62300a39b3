"""Convolutions on a CPU, forward and backward, by the oneDNN that Paddle's wheel ships and does not train with."""
