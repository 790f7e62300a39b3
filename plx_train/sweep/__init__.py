"""Sweeps: many runs of one command, searched, pruned, resumed and compared."""
