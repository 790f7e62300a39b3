"""Masks from label files: pairs of files, outlines, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.labels.masks import Mask, read_masks
from plx_train.vision.masks import read_mask

NAMES = ("_background_", "cat", "dog")


def test_pairs_and_outlines_are_read(tmp_path: Path) -> None:
    triangle = '[{"transcription": "dog", "points": [[1, 1], [3, 1], [3, 3], [1, 3]]}]'
    (tmp_path / "train.txt").write_text(f"images/a.jpg annotations/a.png\nmy pictures/b.jpg\t{triangle}\n")
    samples, findings = read_masks(tmp_path / "train.txt", tmp_path, NAMES)
    assert not findings
    assert [sample.image.name for sample in samples] == ["a.jpg", "b.jpg"]
    assert samples[0].beside == (tmp_path / "annotations/a.png",) and samples[1].beside == ()
    expected = np.zeros((5, 6), np.uint8)
    expected[1:4, 1:4] = 2
    assert np.array_equal(samples[1].truth.of((5, 6)), expected)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("images/a.jpg", "not-a-pair"),
        ("images/a.jpg annotations/a.png 3", "not-a-pair"),
        ("images/a.jpg ../a.png", "path-outside-root"),
        ("images/a.jpg\t[{", "bad-json"),
        ('images/a.jpg\t[{"transcription": "dog", "points": [[1, 1]]}]', "points-not-pairs"),
        (
            'images/a.jpg\t[{"transcription": "dog", "size": [1, 2], "counts": [2]}, '
            '{"transcription": "cat", "size": [2, 1], "counts": [2]}]',
            "mask-size",
        ),
        ('images/a.jpg\t[{"transcription": "dog", "size": [1, 2], "counts": [3]}]', "points-not-pairs"),
        ('images/a.jpg\t[{"transcription": "cow", "points": [[1, 1], [3, 1], [3, 3]]}]', "unknown-class"),
    ],
)
def test_faults_of_lines_are_told(tmp_path: Path, line: str, code: str) -> None:
    (tmp_path / "train.txt").write_text(f"images/b.jpg annotations/b.png\n{line}\n")
    _, findings = read_masks(tmp_path / "train.txt", tmp_path, NAMES)
    assert [(one.line, one.level, one.code) for one in findings] == [(2, "error", code)]


def test_later_outlines_lie_on_earlier_ones() -> None:
    whole, part = ((0, 0), (9, 0), (9, 9), (0, 9)), ((2, 2), (4, 2), (4, 4), (2, 4))
    mask = Mask(outlines=((1, whole), (255, part))).of((10, 10))
    assert (mask[2:5, 2:5] == 255).all() and (mask == 255).sum() == 9 and (mask == 1).sum() == 91


@pytest.mark.parametrize("mode", ["P", "L", "1", "RGB", "LA", "I;16"])
def test_numbers_are_read_from_any_mode(tmp_path: Path, mode: str) -> None:
    numbers = np.asarray([[0, 1], [1, 0]], np.uint8)
    image = Image.fromarray(numbers)
    if mode == "P":
        image.putpalette([9, 9, 9, 200, 0, 0])
    elif mode == "1":
        image = Image.fromarray(numbers.astype(bool))
    elif mode == "RGB":
        image = Image.fromarray(np.stack([numbers] * 3, axis=-1))
    elif mode == "LA":
        image = Image.fromarray(np.stack([numbers, numbers + 7], axis=-1), "LA")
    elif mode == "I;16":
        image = Image.fromarray(numbers.astype(np.uint16))
    image.save(tmp_path / "a.png")
    found = read_mask(tmp_path / "a.png")
    assert found.dtype == np.uint8 and np.array_equal(found, numbers)


def test_what_has_no_numbers_is_refused(tmp_path: Path) -> None:
    colours = np.zeros((4, 4, 3), np.uint8)
    colours[..., 0] = 200
    Image.fromarray(colours).save(tmp_path / "colours.png")
    Image.fromarray(np.full((4, 4), 700, np.uint16)).save(tmp_path / "levels.png")
    Image.fromarray(colours[..., 0]).save(tmp_path / "lossy.jpg")
    for name in ("colours.png", "levels.png", "lossy.jpg"):
        with pytest.raises(ImageError) as caught:
            read_mask(tmp_path / name)
        assert caught.value.code == f"mask-{name.partition('.')[0]}"


COLOURS = {
    "labelmap.txt": "# label:color_rgb:parts:actions\n_background_:0,0,0::\ncat:200,0,10::\ndog:9,9,9::\n",
    "label_colors.txt": "0 0 0\t_background_\n200 0 10\tcat\n9 9 9\tdog\n",
    "class_dict.csv": "name,r,g,b\n_background_,0,0,0\ncat,200,0,10\ndog,9,9,9\n",
}


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("has_palette", [False, True])
def test_colours_of_classes_are_read(tmp_path: Path, name: str, has_palette: bool) -> None:
    (tmp_path / name).write_text(COLOURS[name])
    (tmp_path / "train.txt").write_text(f"images/a.jpg\tmasks/a.png\t{name}\n")
    (tmp_path / "masks").mkdir()
    image = Image.fromarray(np.asarray([[[200, 0, 10], [0, 0, 0]], [[9, 9, 9], [0, 0, 0]]], np.uint8))
    (image.quantize(8) if has_palette else image).save(tmp_path / "masks/a.png")
    samples, findings = read_masks(tmp_path / "train.txt", tmp_path, NAMES)
    assert not findings and samples[0].truth.of((2, 2)).tolist() == [[1, 0], [2, 0]]
    Image.fromarray(np.full((2, 2, 3), 7, np.uint8)).save(tmp_path / "masks/a.png")
    with pytest.raises(ImageError, match=r"4 pixels have the colour of no class, \[7, 7, 7\]"):
        samples[0].truth.of((2, 2))


def test_colours_of_other_classes_are_told(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("cow:1,2,3::\n")
    (tmp_path / "train.txt").write_text("images/a.jpg\tmasks/a.png\tlabelmap.txt\n")
    _, findings = read_masks(tmp_path / "train.txt", tmp_path, NAMES)
    assert [(one.code, one.line) for one in findings] == [("colours-unknown", 0)]
