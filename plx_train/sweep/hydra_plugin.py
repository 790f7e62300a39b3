"""Installed as ``hydra_plugins/plx_sweeper.py``, where Hydra looks for sweepers."""

from plx_train.sweep.hydra_sweeper import SearchSweeper


class PlxSweeper(SearchSweeper):
    """Hydra takes only what is defined in its own package of plugins."""
