"""What training computes most, on a CPU, by the oneDNN that Paddle's wheel ships and does not train with."""
