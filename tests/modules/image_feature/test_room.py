"""Label files, roles of images and what PaddleX gets of image features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.checked_rooms import checked, fitted
from modules.image_feature.tiny import make_patterns
from plx_train.ground.errors import UserError
from plx_train.metrics.retrieval import GALLERY, QUERY
from plx_train.modules.image_feature.labels import CheckedPictures, read_pictures
from plx_train.modules.image_feature.processor import ImageFeatureProcessor
from plx_train.vision.things import Thing, ThingImage

PROCESSOR = ImageFeatureProcessor(("a", "b"), resize_short=None, threshold=0.25)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("images/x.jpg", "no-label"),
        ("images/x.jpg cat", "label-not-a-number"),
        ("images/x.jpg -1", "label-not-a-number"),
        ("images/x.jpg 100000", "label-not-a-number"),
        ("../x.jpg 1", "path-outside-root"),
    ],
)
def test_a_faulty_line_is_told(line: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(f"images/a.jpg 0\n{line}\n")
    _, findings = read_pictures(tmp_path / "train.txt", tmp_path, None)
    assert [f"{finding.line} {finding.code}" for finding in findings] == [f"2 {code}"]


def test_the_gallery_comes_before_what_is_looked_for(tmp_path: Path) -> None:
    val = checked("image_feature", make_patterns(tmp_path / "data")).val
    roles = [sample.truth.role for sample in val]
    assert roles == [GALLERY] * 8 + [QUERY] * 8
    assert val[0].where == "gallery.txt:1" and val[8].where == "query.txt:1"


def test_a_gallery_that_is_missing_is_told(tmp_path: Path) -> None:
    root = make_patterns(tmp_path / "data")
    (root / "gallery.txt").unlink()
    errors = [str(finding) for finding in checked("image_feature", root).report.errors]
    assert errors[0].startswith("gallery.txt: the label file can't be read")


def test_of_a_validation_file_every_other_image_is_known(tmp_path: Path) -> None:
    root = make_patterns(tmp_path / "data")
    lines = [line for name in ("gallery", "query") for line in (root / f"{name}.txt").read_text().splitlines()]
    (root / "val.txt").write_text("\n".join(lines) + "\n")
    val = checked("image_feature", root).val
    known = [sample for sample in val if sample.truth.role == GALLERY]
    assert val[: len(known)] == known and len(known) == len(val) - len(known) == 8
    assert {sample.truth.name for sample in known} == {"6", "7", "8", "9"}


def test_trained_classes_are_numbered_without_gaps(tmp_path: Path) -> None:
    root = make_patterns(tmp_path / "data")
    text = (root / "train.txt").read_text().replace(" 5\n", " 77\n")
    (root / "train.txt").write_text(text)
    (root / "label.txt").write_text("77 teapot\n3 cup\n")
    found = checked("image_feature", root)
    assert {sample.truth.number for sample in found.train} == set(range(6))
    assert fitted("image_feature", root).labels == ("0", "1", "2", "cup", "4", "teapot")


def codes_of(root: Path) -> dict[str, str]:
    return {finding.code: str(finding) for finding in checked("image_feature", root).report.findings}


def test_what_can_not_be_measured_is_told(tmp_path: Path) -> None:
    root = make_patterns(tmp_path / "data")
    lines = (root / "query.txt").read_text().splitlines(keepends=True)
    (root / "query.txt").write_text("".join(lines).replace(" 6\n", " 11\n"))
    assert codes_of(root)["query-unknown"].endswith("does not have: 11")
    (root / "query.txt").write_text("".join(f"{line.split()[0]} 11\n" for line in lines))
    assert "nothing is measured" in codes_of(root)["nothing-to-find"]
    (root / "query.txt").write_text("".join(lines).replace(" 6\n", " 1\n"))
    assert codes_of(root)["class-trained-on"].endswith("flatter: 1")


def test_classes_of_one_image_are_told(tmp_path: Path) -> None:
    root = make_patterns(tmp_path / "data")
    lines = (root / "train.txt").read_text().splitlines(keepends=True)
    (root / "train.txt").write_text("".join(lines[::4]))
    assert "classes-of-one" in codes_of(root)
    (root / "train.txt").write_text("".join(lines[:4]))
    assert "one-class" in codes_of(root)


def test_a_few_samples_still_belong_together(tmp_path: Path) -> None:
    found = checked("image_feature", make_patterns(tmp_path / "data"))
    assert isinstance(found, CheckedPictures)
    assert [sample.truth.number for sample in found.first(found.train, 4)] == [0, 0, 1, 1]
    assert [sample.truth.role for sample in found.first(found.val, 4)] == [GALLERY, GALLERY, QUERY, QUERY]
    assert len({sample.truth.number for sample in found.first(found.val, 4)}) == 2


def test_whole_classes_are_held_out(tmp_path: Path) -> None:
    samples = [
        ThingImage(tmp_path / f"{one}.png", Thing(one // 3, str(one // 3)), f"train.txt:{one}") for one in range(60)
    ]
    kept, held = CheckedPictures(None, samples, []).hold_out(samples, 0.2, 1)  # type: ignore[arg-type]
    classes = [{sample.truth.number for sample in part} for part in (kept, held)]
    assert not classes[0] & classes[1] and len(held) == 12


def test_features_are_made_one_long() -> None:
    found = PROCESSOR.postprocess(np.asarray([3.0, 4.0], np.float32), (8, 8))
    np.testing.assert_allclose(found.feature, [0.6, 0.8], rtol=1e-6)
    assert found.to_json() == {"feature": [0.6, 0.8]}
    assert not PROCESSOR.postprocess(np.zeros(2, np.float32), (8, 8)).feature.any()


def test_paddlex_gets_its_sections_and_we_get_ours_back() -> None:
    inference = PROCESSOR.to_inference("PP-ShiTuV2_rec")
    assert inference["PostProcess"] == {"NormalizeFeatures": None}
    assert ImageFeatureProcessor.from_inference(inference) == PROCESSOR
    del inference["Calibration"]
    assert ImageFeatureProcessor.from_inference(inference).threshold == 0.5, "PaddleX's own say none"
    del inference["PostProcess"]
    with pytest.raises(UserError, match=r"no PostProcess\.NormalizeFeatures"):
        ImageFeatureProcessor.from_inference(inference)
