"""Rules about the sources: each takes the root of a checkout and gives its faults, as ``file:line: what``."""
