"""What models say, in the form of corrections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plx_train.studio.suggested import next_images, suggestions

BOX = {"cls_id": 0, "label": "hat", "score": 0.8, "coordinate": [1, 2, 30, 40]}
CORNERS = [[1, 2], [30, 2], [30, 40], [1, 40]]


@pytest.mark.parametrize(
    ("kind", "said", "truth", "score"),
    [
        ("class", {"class_ids": [1, 0], "scores": [0.7, 0.3], "label_names": ["cat", "dog"]}, "cat", 0.7),
        ("labels", {"class_ids": [1, 0], "scores": [0.9, 0.6], "label_names": ["hat", "bag"]}, ["hat", "bag"], 0.6),
        ("labels", {"class_ids": [], "scores": [], "label_names": []}, [], 0.0),
        ("text", {"text": "Total", "score": 0.9}, "Total", 0.9),
        ("boxes", {"boxes": [BOX, {**BOX, "score": 0.1}]}, [{"label": "hat", "points": CORNERS}], 0.8),
        ("texts", [{"points": CORNERS, "score": 0.6}], [{"label": "", "points": CORNERS}], 0.6),
        (
            "texts",
            {"rec_texts": ["Total"], "rec_polys": [CORNERS], "rec_scores": [0.7]},
            [{"label": "Total", "points": CORNERS}],
            0.7,
        ),
    ],
)
def test_a_prediction_of_each_kind(tmp_path: Path, kind: str, said: Any, truth: Any, score: float) -> None:
    (tmp_path / "predictions.json").write_text(json.dumps({"a.png": said}))
    found = suggestions(tmp_path, kind)["a.png"]
    assert (found["truth"], found["score"]) == (truth, score) and found["words"]


def test_what_says_nothing_is_passed_over_and_the_unsure_come_first(tmp_path: Path) -> None:
    told = {
        "a.png": {"label_names": ["cat"], "scores": [0.9]},
        "b.png": {"label_names": ["cat"], "scores": [0.4]},
        "c.png": {"label_names": [], "scores": []},
        "d.png": 3,
        "e.png": None,
    }
    (tmp_path / "predictions.json").write_text(json.dumps(told))
    assert {name: one["rank"] for name, one in suggestions(tmp_path, "class").items()} == {"b.png": 0, "a.png": 1}
    assert suggestions(None, "class") == {} and suggestions(tmp_path / "gone", "class") == {}


def test_the_order_in_which_to_label(tmp_path: Path) -> None:
    (tmp_path / "suggestions.csv").write_text('rank,image,kind,doubt,says,path\n1,"b, c.png",3,,,/x\n2,a.png,1,,,/y\n')
    assert next_images(tmp_path) == ["b, c.png", "a.png"] and next_images(None) == [] == next_images(tmp_path / "gone")


def test_a_mask_is_said_in_the_numbers_of_the_data(tmp_path: Path) -> None:
    seen = [{"cls_id": 0, "label": "background", "pixels": 7}, {"cls_id": 1, "label": "dog", "pixels": 4}]
    said = {
        "size": [3, 4],
        "classes": [*seen, {"cls_id": 2, "label": "cow", "pixels": 1}],
        "runs": [[0, 7], [1, 4], [2, 1]],
    }
    told = {"a.png": said, "b.png": {"size": [3, 4], "classes": [], "runs": []}, "c.png": {"label_names": ["cat"]}}
    (tmp_path / "predictions.json").write_text(json.dumps(told))
    found = suggestions(tmp_path, "masks", ["_background_", "cat", "dog"])
    assert [*found] == ["a.png"]
    truth = {"size": [3, 4], "runs": [0, 7, 2, 4, 3, 1], "classes": ["_background_", "cat", "dog", "cow"]}
    assert found["a.png"] == {"truth": truth, "words": "background 58 %, dog 33 %, cow 8 %", "score": 0.0, "rank": 0}
    assert suggestions(tmp_path, "masks")["a.png"]["truth"]["classes"] == ["_background_", "dog", "cow"]
