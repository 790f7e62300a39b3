"""Masks in the studio: shown as classes of pixels, written beside the data, never over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plx_train.ground.errors import UserError
from plx_train.studio import masks
from plx_train.studio.images import ImageList, ImageRow
from plx_train.studio.labels import accept, say
from plx_train.studio.masks import MaskDesk, of_outlines
from plx_train.studio.thumbnails import Thumbnails

CLASSES = ("_background_", "cat", "dog")
CAT = {"label": "cat", "size": [3, 4], "counts": [1, 2, 6, 3]}
DOG = {"label": "dog", "points": [[2, 0], [3, 0], [3, 0]]}
GIVEN = np.array([[0, 1, 1, 2], [0, 0, 255, 2], [0, 0, 0, 2]], np.uint8)
RUNS = [0, 1, 1, 2, 2, 1, 0, 2, 255, 1, 2, 1, 0, 3, 2, 1]


@pytest.fixture(scope="module")
def small() -> Iterator[Thumbnails]:
    made = Thumbnails()
    yield made
    made.close()


@pytest.fixture
def desk(small: Thumbnails, tmp_path: Path) -> MaskDesk:
    root, folder = tmp_path / "data", tmp_path / "kept"
    root.mkdir()
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    cv2.imwrite(str(root / "a.png"), np.full((3, 4, 3), 255, np.uint8))
    cv2.imwrite(str(root / "a_mask.png"), GIVEN)
    rows = {"a.png": ImageRow("a.png", "train", {"mask": "a_mask.png"})}
    return MaskDesk(folder, ImageList("masks", [*CLASSES], root, rows, []), small)


def drawn(runs: list[Any], **more: Any) -> dict[str, Any]:
    return {"image": "a.png", "truth": {"size": [3, 4], "runs": runs, "classes": [*CLASSES], **more}}


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


def test_a_mask_of_the_data_is_shown(desk: MaskDesk) -> None:
    assert desk.shown("a.png") == {"size": [3, 4], "runs": RUNS, "classes": [*CLASSES], "fault": ""}
    cv2.imwrite(str(desk.images.root / "a_mask.png"), GIVEN[:2])
    told = desk.shown("a.png")
    assert told["runs"] == [0, 12] and "a_mask.png has 4 x 2 pixels, its image 4 x 3" in told["fault"]


def test_colours_are_numbers_of_their_classes(desk: MaskDesk) -> None:
    (desk.images.root / "labelmap.txt").write_text("dog:0,0,9::\ncat:1,2,3::\n")
    pixels = np.array([[[9, 0, 0], [3, 2, 1]]], np.uint8)
    cv2.imwrite(str(desk.images.root / "coloured.png"), pixels)
    truth = {"mask": "coloured.png", "colours": "labelmap.txt"}
    assert desk.numbers(truth, (1, 2)).tolist() == [[2, 1]]


def test_what_is_marked_is_of_the_kind_of_the_defect(desk: MaskDesk, small: Thumbnails) -> None:
    images = ImageList("defect", ["good", "dent", "cut"], desk.images.root, desk.images.rows, [])
    defects = MaskDesk(desk.folder, images, small)
    levels = {"mask": "a_mask.png", "kind": "cut"}
    assert defects.numbers(levels, (3, 4)).tolist() == [[0, 2, 2, 2], [0, 0, 255, 2], [0, 0, 0, 2]]
    assert not defects.numbers("cut", (3, 4)).any() and defects.tint("cut") is None
    assert defects.taken({"image": "a.png", "truth": "cut"})["truth"] == "cut"
    bare = MaskDesk(desk.folder, ImageList("defect", ["good"], images.root, images.rows, []), small)
    assert bare.classes == ("good", "defect") and bare.numbers(levels, (3, 4)).max(initial=0, where=GIVEN < 9) == 1


def test_what_is_drawn_lies_beside_the_data(desk: MaskDesk) -> None:
    before = {path.name: path.read_bytes() for path in desk.images.root.iterdir()}
    entry = desk.taken(drawn([0, 4, 1, 4, 3, 4], classes=[*CLASSES, "cow"]))
    say(desk.folder, desk.images, [entry])
    assert entry["truth"]["classes"] == [*CLASSES, "cow"]
    kept = cv2.imread(str(desk.folder / entry["truth"]["mask"]), cv2.IMREAD_UNCHANGED)
    assert kept.tolist() == [[0] * 4, [1] * 4, [3] * 4]
    desk.images.classes.append("cow")
    assert desk.numbers(entry["truth"], (3, 4)).tolist() == kept.tolist()
    assert desk.taken(entry) == entry, "a change can be taken back to it"
    right = desk.taken({"image": "a.png", "truth": {"mask": "a_mask.png"}})
    assert np.array_equal(desk.numbers(right["truth"], (3, 4)), GIVEN)
    assert {path.name: path.read_bytes() for path in desk.images.root.iterdir()} == before
    assert '"classes": ["cow"]' in (desk.folder / "corrections.json").read_text()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (drawn([0, 11]), "not of the 4 x 3 pixels"),
        (drawn([0, 12], size=[4, 3]), "not of the 4 x 3 pixels"),
        (drawn([3, 12]), "number of no class"),
        (drawn([0, 13, 1]), "by turns"),
        (drawn([0, True, 0, 11]), "by turns"),
        (drawn([0, -12]), "by turns"),
        (drawn([0, 10**30]), "by turns"),
        (drawn([0, 12], classes=["cat"]), "not those of the data"),
        (drawn([0, 12], classes=[*CLASSES, "cat"]), "not those of the data"),
        (drawn([0, 12], classes=[*CLASSES, " "]), "not those of the data"),
        ({"image": "a.png", "truth": {"mask": "../secret.png", "classes": ["a"]}}, "no such mask"),
        ({"image": "a.png", "truth": {"mask": f"masks/{'0' * 64}.png", "classes": ["a"]}}, "no such mask"),
        ({"image": "a.png", "truth": {"mask": "../secret.png"}}, "leads out"),
        ({"image": "a.png", "truth": {"mask": "a_mask.png", "colours": "../secret.png"}}, "leads out"),
        ({"image": "a.png", "truth": ["cat"]}, "the label is none"),
        ({"image": "b.png", "truth": []}, "no image b.png"),
    ],
)
def test_what_is_no_mask_is_refused(desk: MaskDesk, entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        desk.taken(entry)
    assert not (desk.folder / "masks").exists()


def test_masks_that_nothing_names_give_way(desk: MaskDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MOST_UNUSED", 2)
    named = desk.taken(drawn([0, 12]))
    say(desk.folder, desk.images, [named])
    for place in range(1, 6):
        desk.taken(drawn([0, place, 1, 12 - place]))
    left = sorted(f"masks/{path.name}" for path in (desk.folder / "masks").iterdir())
    assert len(left) == 3 and named["truth"]["mask"] in left


def test_what_a_model_says_is_taken_as_a_mask_beside_the_data(desk: MaskDesk) -> None:
    said = {"size": [3, 4], "runs": [0, 7, 2, 5], "classes": [*CLASSES]}
    row = desk.images.rows["a.png"]
    row.was, row.suggested = None, {"truth": said, "words": "dog", "score": 0.0, "rank": 0}
    assert desk.numbers(said, (3, 4)).tolist() == [[0] * 4, [0] * 3 + [2], [2] * 4]
    assert desk.tint(said) is not None

    assert accept(desk.folder, desk.images, "suggested", 0.0, desk.taken) == 1

    (path,) = (desk.folder / "masks").glob("*.png")
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).tolist() == [[0] * 4, [0] * 3 + [2], [2] * 4]
