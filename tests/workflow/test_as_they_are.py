"""Weights without the run that made them: their processor sees what the options ask for."""

from __future__ import annotations

import pytest

from plx_train.config.compose import compose_run
from plx_train.workflow.as_they_are import processor_of_weights


@pytest.mark.parametrize("background", ["black", "white"])
def test_transparent_pixels_lie_on_what_the_options_say(background: str) -> None:
    options = compose_run(["module=text_det", f"dataset.background={background}", "dataset.root=."]).options
    seen = processor_of_weights(options, "unread").reading()
    assert seen.get("background", "white") == background
