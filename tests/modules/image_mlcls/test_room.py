"""Label files, thresholds and what PaddleX gets of multi-label classification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.checked_rooms import checked, fitted
from modules.image_mlcls.tiny import make_bands
from plx_train.ground.errors import UserError
from plx_train.metrics.thresholds import moved
from plx_train.modules.image_mlcls.labels import read_samples
from plx_train.modules.image_mlcls.processor import ImageMlclsProcessor

PROCESSOR = ImageMlclsProcessor(("a", "b", "c"), thresholds=(0.5, 0.2, 0.9))


def read(tmp_path: Path, text: str, names: tuple[str, ...] | None = ("a", "b")) -> list[str]:
    (tmp_path / "train.txt").write_text(text)
    _, file = read_samples(tmp_path / "train.txt", tmp_path, names)
    return [f"{finding.line} {finding.code}" for finding in file.findings]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("images/x.jpg 1,0", "no-tab"),
        ("images/x.jpg\t1,2", "label-not-0-or-1"),
        ("images/x.jpg\t1,", "label-not-0-or-1"),
        ("images/x.jpg\t1", "label-count"),
        ("images/x.jpg\t1,0,1", "label-count"),
        ("../x.jpg\t1,0", "path-outside-root"),
    ],
)
def test_a_faulty_line_is_told(line: str, code: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"images/a.jpg\t0,1\n{line}\n") == [f"2 {code}"]


def test_without_names_the_first_line_says_how_many_labels_there_are(tmp_path: Path) -> None:
    assert read(tmp_path, "images/a.jpg\t0,1,1\nimages/b.jpg\t0,1\n", None) == ["2 label-count"]


def test_a_label_that_no_image_has_is_told(tmp_path: Path) -> None:
    root = make_bands(tmp_path / "data")
    lines = (root / "train.txt").read_text().splitlines()
    (root / "train.txt").write_text("".join(f"{line[:-1]}0\n" for line in lines))
    report = checked("image_mlcls", root).report
    found = next(finding for finding in report.findings if finding.code == "label-never")
    assert (found.path, found.level) == ("train.txt", "warning") and found.reason.endswith("blue")
    assert report.statistics["train"]["images"] == 32 and report.statistics["train"]["images_without_label"] == 8


def errors_of(root: Path, processor: ImageMlclsProcessor | None = None) -> list[str]:
    return [str(finding) for finding in checked("image_mlcls", root, processor=processor).report.errors]


def test_validation_with_another_number_of_labels_is_told(tmp_path: Path) -> None:
    root = make_bands(tmp_path / "data")
    (root / "label.txt").unlink()
    lines = (root / "val.txt").read_text().splitlines()
    (root / "val.txt").write_text("".join(f"{line[:-2]}\n" for line in lines))
    found = errors_of(root)
    assert len(found) == 10 and found[0] == "val.txt:1: there are 2 labels, not 3"


def test_a_finished_model_of_other_labels_is_told(tmp_path: Path) -> None:
    root = make_bands(tmp_path / "data")
    assert errors_of(root, PROCESSOR) == [
        "label.txt: class 0 is red here and a to the model: give it the file of its training"
    ]
    two = ImageMlclsProcessor(("red", "green"), thresholds=(0.5, 0.5))
    assert errors_of(root, two)[0] == "train.txt:1: there are 3 labels, not 2"
    assert errors_of(root, ImageMlclsProcessor(("0", "1", "2"), thresholds=(0.5,) * 3)) == [], "trained without names"


def test_labels_hold_from_their_own_threshold_on() -> None:
    found = PROCESSOR.postprocess(np.asarray([0.4, 0.3, 0.95], np.float32), (8, 8))
    # Odds 0.3 / 0.7 over 0.2 / 0.8, and 0.95 / 0.05 over 0.9 / 0.1.
    assert found.names == ("c", "b")
    np.testing.assert_allclose(found.scores, [19 / 9 / (19 / 9 + 1), 12 / 7 / (12 / 7 + 1)], rtol=1e-6)
    assert found.to_json() == {"class_ids": [2, 1], "scores": [0.67857, 0.63158], "label_names": ["c", "b"]}


def test_a_call_may_cut_elsewhere() -> None:
    scores = np.asarray([0.5, 0.2, 0.9], np.float32)
    cut = ImageMlclsProcessor(PROCESSOR.labels, thresholds=PROCESSOR.thresholds, cut=(0.6, 0.4, 0.6))
    assert cut.postprocess(scores, (8, 8)).names == ("b",)
    with pytest.raises(UserError, match="one number, or 3"):
        ImageMlclsProcessor(PROCESSOR.labels, thresholds=PROCESSOR.thresholds, cut=(0.6, 0.4))


def test_what_the_graph_moved_is_brought_back() -> None:
    raw = np.asarray([[0.1, 0.5, 0.999], [1e-6, 0.9, 0.3]])
    graph = moved(raw, np.asarray(PROCESSOR.thresholds)).astype(np.float32)
    np.testing.assert_allclose(PROCESSOR.split_outputs([graph]), raw, atol=1e-6)


def test_paddlex_gets_one_threshold_and_we_get_ours_back() -> None:
    inference = PROCESSOR.to_inference("PP-LCNet_x1_0_ML")
    assert inference["PostProcess"] == {"MultiLabelThreshOutput": {"threshold": 0.5, "label_list": ["a", "b", "c"]}}
    assert ImageMlclsProcessor.from_inference(inference) == PROCESSOR
    del inference["Calibration"]
    with pytest.raises(UserError, match="train it here"):
        ImageMlclsProcessor.from_inference(inference)


def test_without_calibration_all_labels_have_the_threshold_of_the_options(tmp_path: Path) -> None:
    root = make_bands(tmp_path / "data")
    assert fitted("image_mlcls", root, threshold=0.3).thresholds == (0.3, 0.3, 0.3)
