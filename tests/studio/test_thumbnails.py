"""Small pictures: within limits, kept, with outlines; a file that can't be read costs a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from plx_train.ground.errors import UserError
from plx_train.studio import thumbnails
from plx_train.studio.thumbnails import FAULTY, Thumbnails, Tint

INSIDE = {"label": "a", "points": [[100, 100], [300, 100], [300, 200], [100, 200]]}
OUTSIDE = {"label": "a", "points": [[700, 100], [900, 100], [900, 200], [700, 200]]}


@pytest.fixture
def small() -> Iterator[Thumbnails]:
    made = Thumbnails()
    yield made
    made.close()


def white(path: Path, height: int = 400, width: int = 600) -> Path:
    cv2.imwrite(str(path), np.full((height, width, 3), 255, np.uint8))
    return path


def decoded(content: bytes) -> np.ndarray:
    found: np.ndarray = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return found


def test_it_is_made_once_and_again_when_the_image_changes(small: Thumbnails, tmp_path: Path) -> None:
    image, folder = white(tmp_path / "a.png"), tmp_path / "kept"
    assert decoded(small.get(image, 180, folder)).shape == (120, 180, 3) and small.size_of(image) == (400, 600)
    small.get(image, 180, folder)
    assert len(list(folder.iterdir())) == 1
    white(image, 300, 300)
    assert decoded(small.get(image, 180, folder)).shape == (180, 180, 3)


def test_outlines_are_drawn_and_those_outside_at_the_edge(small: Thumbnails, tmp_path: Path) -> None:
    image = white(tmp_path / "a.png")
    plain, inside, outside = (
        decoded(small.get(image, 420, tmp_path / "kept", marks)) for marks in ((), [INSIDE], [OUTSIDE])
    )
    assert (plain > 250).all() and (inside[70:140, 70:210] < 200).any() and not (inside[:, 250:] < 200).any()
    edge = outside[100, -1].astype(int)
    assert np.abs(edge - FAULTY).max() < 60 and not (outside[:, :400] < 200).any()


def test_pixels_have_the_colours_of_their_classes(small: Thumbnails, tmp_path: Path) -> None:
    numbers = np.zeros((400, 600), np.uint8)
    numbers[:, 300:] = 2
    image, asked = white(tmp_path / "a.png"), []

    def of(shape: tuple[int, int]) -> np.ndarray:
        asked.append(shape)
        return numbers

    for _ in range(2):
        seen = decoded(small.get(image, 180, tmp_path / "kept", (), Tint("a", 3, of)))
        assert (seen[:, :85] > 245).all() and (seen[:, 95:, 1] > seen[:, 95:, 0] + 40).all()
    assert asked == [(400, 600)], "it is kept"
    outside = decoded(
        small.get(
            image, 420, tmp_path / "kept", [INSIDE, OUTSIDE], Tint("b", 3, lambda shape: np.zeros(shape, np.uint8))
        )
    )
    assert (outside[:, :400] > 245).all() and (outside[90:110, -3:] < 220).any(), "what leaves the picture is told"


def test_what_cant_be_read_is_told_and_the_next_one_is_read(small: Thumbnails, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(white(tmp_path / "a.png").read_bytes()[:60])
    for name in ("cut.png", "gone.png"):
        with pytest.raises(UserError, match=name):
            small.get(tmp_path / name, 180, tmp_path / "kept")
    assert small.get(tmp_path / "a.png", 180, tmp_path / "kept")


def test_the_oldest_give_way(small: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "LOOKED_AFTER", 2)
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 3000)
    for number in range(9):
        small.get(white(tmp_path / f"{number}.png", 100 + number), 180, tmp_path / "kept")
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) < 5000
