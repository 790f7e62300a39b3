"""ICDAR's text files: byte order marks, commas in texts, folders of images and texts apart."""

from __future__ import annotations

from pathlib import Path

from kit.exporters import page
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Outline, Truth

FIRST = "\ufeff377,117,463,117,465,130,378,130,Genaxis Theatre\r\n493,115,519,115,519,131,493,131,###\r\n"


def challenge(root: Path) -> Path:
    """Folders and names of challenge 4 of 2015."""
    for name, gt in (("training", "training_localization_transcription_gt"), ("test", "test_localization_gt")):
        images, texts = root / f"ch4_{name}_images", root / f"ch4_{gt}"
        texts.mkdir(parents=True)
        for index in (1, 2):
            page(images / f"img_{index}.jpg", ["x"])
            (texts / f"gt_img_{index}.txt").write_text(
                FIRST if index == 1 else "1,2,3,2,3,4,1,4,a, b\n", "utf-8", newline=""
            )
    return root


def test_texts_are_found_for_images_of_the_same_split(tmp_path: Path) -> None:
    assert seen_as(challenge(tmp_path), Truth.TEXTS) == "icdar" and seen_as(tmp_path, Truth.TEXT) == "icdar"
    found = read_as("icdar", tmp_path, Truth.TEXTS)
    first = (
        Outline(((377, 117), (463, 117), (465, 130), (378, 130)), "Genaxis Theatre"),
        Outline(((493, 115), (519, 115), (519, 131), (493, 131)), "###", True),
    )
    second = (Outline(((1, 2), (3, 2), (3, 4), (1, 4)), "a, b"),)
    for split, name in (("train", "training"), ("test", "test")):
        expected = {f"ch4_{name}_images/img_1.jpg": first, f"ch4_{name}_images/img_2.jpg": second}
        assert truths(found, split) == expected
    assert not found.findings


def test_boxes_of_2013(tmp_path: Path) -> None:
    page(tmp_path / "100.jpg", ["x"])
    (tmp_path / "gt_100.txt").write_text('158 128 411 181 "Footpath"\n443, 128, 501, 169, "To"\n')
    found = read_as("icdar", tmp_path, Truth.TEXTS)
    assert [(outline.label, outline.points[0], outline.points[2]) for outline in truths(found)["100.jpg"]] == [
        ("Footpath", (158, 128), (411, 181)),
        ("To", (443, 128), (501, 169)),
    ]


def test_pictures_of_words(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for index in (1, 2):
            page(tmp_path / split / f"word_{index}.png", ["x"])
        text = '\ufeffword_1.png, "Genaxis Theatre"\r\nword_2.png, "a \\"b\\", c"\r\nword_9.png, "z"\r\nword_2.png\r\n'
        (tmp_path / split / "gt.txt").write_text(text, "utf-8", newline="")
    assert seen_as(tmp_path, Truth.TEXT) == "icdar" and seen_as(tmp_path, Truth.TEXTS) is None
    found = read_as("icdar", tmp_path, Truth.TEXT)
    for split in ("train", "test"):
        assert truths(found, split) == {f"{split}/word_1.png": "Genaxis Theatre", f"{split}/word_2.png": 'a "b", c'}
        assert (f"{split}/gt.txt", 3, "error", "image-missing") in told(found)
        assert (f"{split}/gt.txt", 4, "error", "line-invalid") in told(found)


def test_what_is_wrong_is_told_and_other_texts_are_let_alone(tmp_path: Path) -> None:
    for name in ("a", "b", "readme"):
        page(tmp_path / f"{name}.jpg", ["x"])
    (tmp_path / "a.txt").write_text("1,2,3,2,3,4,1,4,a\n1,2,3\n")
    (tmp_path / "gt_z.txt").write_text("1,2,3,2,3,4,1,4,a\n")
    (tmp_path / "gt_b.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "readme.txt").write_text("take care\n")
    found = read_as("icdar", tmp_path, Truth.TEXTS)
    assert [*truths(found)] == ["a.jpg"]
    assert told(found) == {
        ("a.txt", 2, "error", "line-invalid"),
        ("gt_z.txt", 0, "error", "image-missing"),
        ("gt_b.txt", 0, "error", "not-utf8"),
    }
