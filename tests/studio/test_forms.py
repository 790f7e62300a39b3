"""Cards of what can be trained."""

from __future__ import annotations

from plx_train.studio.forms import modules


def test_what_a_recipe_reached_is_told_to_the_end_of_its_sentence() -> None:
    reached = {one["name"]: one["reached"] for one in modules()}
    assert reached["table_cls"].endswith("say little about scanned ones.") and "0.3937" in reached["table_cls"]
    assert reached["text_det"].endswith("0.932.") and reached["object_det"] == ""
    assert all(one.endswith(".") for one in reached.values() if one)
