"""Masks in the studio: run lengths and outlines are classes of pixels."""

from __future__ import annotations

import pytest

from plx_train.ground.errors import UserError
from plx_train.studio.masks import of_outlines

CLASSES = ("_background_", "cat", "dog")
CAT = {"label": "cat", "size": [3, 4], "counts": [1, 2, 6, 3]}
DOG = {"label": "dog", "points": [[2, 0], [3, 0], [3, 0]]}


def test_run_lengths_and_outlines_are_numbers_of_classes() -> None:
    assert of_outlines([CAT, DOG], CLASSES, (3, 4)).tolist() == [[0, 0, 2, 2], [1, 0, 0, 1], [1, 0, 0, 1]]
    ignored = {**CAT, "label": "###", "ignored": True}
    assert of_outlines([ignored], CLASSES, (3, 4)).max() == 255
    assert not of_outlines([{**CAT, "label": "background"}], CLASSES, (3, 4)).any()


def test_what_can_not_be_of_an_image_is_told() -> None:
    with pytest.raises(UserError, match="4 x 3 pixels, its image 5 x 3"):
        of_outlines([CAT], CLASSES, (3, 5))
    with pytest.raises(UserError, match="cow is no class"):
        of_outlines([{**CAT, "label": "cow"}], CLASSES, (3, 4))
