"""Files of pairs, with every fault that a line can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.vision.labels.pairs import beside, pair_findings, read_pairs
from plx_train.vision.things import Mate


def written(root: Path, *lines: str) -> Path:
    (root / "val").mkdir()
    (root / "val/pair_label.txt").write_text("".join(f"{line}\n" for line in lines))
    return root / "val/pair_label.txt"


def test_each_image_is_there_once_and_knows_those_before_it(tmp_path: Path) -> None:
    path = written(
        tmp_path, "images/a.jpg images/b.jpg 1", "images/c d.jpg\timages/a.jpg\t0", "images/b.jpg images/e.jpg 0"
    )
    images, findings = read_pairs(path, tmp_path)
    assert findings == []
    assert [one.image.relative_to(tmp_path).as_posix() for one in images] == [
        f"val/images/{name}.jpg" for name in ("a", "b", "c d", "e")
    ]
    assert [one.truth.mates for one in images] == [
        (), (Mate("images/a.jpg", True),), (Mate("images/a.jpg", False),), (Mate("images/b.jpg", False),)
    ]  # fmt: skip
    assert [one.where.rpartition("/")[2] for one in images] == [f"pair_label.txt:{line}" for line in (1, 1, 2, 3)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("images/a.jpg images/c.jpg", "no-pair"),
        ("images/a.jpg images/c.jpg 2", "no-pair"),
        ("images/a.jpg images/c.jpg 1 1", "no-pair"),
        ("images/a.jpg images/a.jpg 1", "pair-of-one"),
        ("images/b.jpg images/a.jpg 1", "pair-twice"),
        ("images/b.jpg images/a.jpg 0", "other-truth"),
        ("/images/b.jpg images/a.jpg 0", "path-outside-root"),
        ("../../b.jpg images/a.jpg 0", "path-outside-root"),
    ],
)
def test_a_faulty_line_is_told(line: str, code: str, tmp_path: Path) -> None:
    images, findings = read_pairs(written(tmp_path, "images/a.jpg images/b.jpg 1", line), tmp_path)
    assert [f"{finding.line} {finding.code}" for finding in findings] == [f"2 {code}"]
    assert len(images) == 2


def test_names_lie_beside_their_file(tmp_path: Path) -> None:
    assert beside(tmp_path / "val/a.txt", tmp_path, "x.jpg") == "val/x.jpg"
    assert beside(tmp_path / "a.txt", tmp_path, "x.jpg") == "x.jpg"
    assert beside(tmp_path / "val/a.txt", tmp_path, "/x.jpg") == "/x.jpg"
    assert beside(Path("elsewhere/a.txt"), tmp_path, "x.jpg") == "x.jpg"


def test_pairs_that_measure_little_are_told() -> None:
    assert [one.code for one in pair_findings("pairs.txt", [True] * 300)] == ["pairs-of-one-kind"]
    assert [one.code for one in pair_findings("pairs.txt", [True, False] * 50)] == ["few-pairs"]
    assert pair_findings("pairs.txt", [True, False] * 150) == []
