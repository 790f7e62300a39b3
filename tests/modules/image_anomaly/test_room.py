"""Label files, thresholds and what PaddleX gets of anomaly detection; fits that go through a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import plx_train
from kit.checked_rooms import checked
from kit.runs import train_room
from modules.image_anomaly.tiny import make_stripes, striped
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modules.image_anomaly.processor import PADDLEX_THRESHOLD, ImageAnomalyProcessor, score_of
from plx_train.vision.labels.defects import read_samples

FITTED = ("weights=null", "module.memory=100", "module.channels=8", "trainer.epochs=1")


def read(tmp_path: Path, text: str) -> tuple[list[tuple[str, str, str | None]], list[str]]:
    (tmp_path / "train.txt").write_text(text)
    samples, file = read_samples(tmp_path / "train.txt", tmp_path)
    found = [(one.image.name, one.truth.kind, one.truth.mask and one.truth.mask.name) for one in samples]
    return found, [f"{each.line} {each.code}" for each in file.findings]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("images/a b.png annotations/a b.png", ("a b.png", "", "a b.png")),
        ("images/a.png", ("a.png", "good", None)),
        ("images/a.png\tdeep cut", ("a.png", "deep cut", None)),
        ("images/a.png\tcut\tmasks/a.png", ("a.png", "cut", "a.png")),
        ("images/a.png\tmasks/a.png", ("a.png", "", "a.png")),
        ('images/a.png\tcut\t[{"size": [1, 2], "counts": [1, 1]}]', ("a.png", "cut", None)),
    ],
)
def test_a_line_says_image_kind_and_mask(line: str, expected: tuple[str, str, str | None], tmp_path: Path) -> None:
    assert read(tmp_path, f"{line}\n") == ([expected], [])


def test_faulty_lines_are_told(tmp_path: Path) -> None:
    text = "images/a.png\tcut\tdeep\n../a.png\tcut\nimages/a.png ../m.png\nimages/a.png\tcut\t[{}]\n"
    told = ["1 too-many-fields", "2 path-outside-root", "3 path-outside-root", "4 bad-json"]
    assert read(tmp_path, text) == ([], told)


def codes(root: Path) -> list[str]:
    return [f"{found.path}:{found.line} {found.code}" for found in checked("image_anomaly", root).report.findings]


def test_masks_are_held_against_images_and_kinds(tmp_path: Path) -> None:
    root = make_stripes(tmp_path / "data")
    lines = (root / "train.txt").read_text().splitlines()
    lines[0] = "images/train_0.png\tcut\tannotations/train_0.png"
    lines[1] = "images/train_1.png\tgood\tannotations/train_1.png"
    lines[2] = "images/train_2.png annotations/none.png"
    (root / "train.txt").write_text("\n".join(lines))
    assert codes(root) == ["train.txt:1 mask-or-kind", "train.txt:2 mask-or-kind", "train.txt:3 mask-missing"]


def test_defects_are_held_out_and_never_learned(tmp_path: Path) -> None:
    found = checked("image_anomaly", make_stripes(tmp_path / "data"))
    kept, held = found.hold_out(found.train, 0.25, 1)
    assert all(one.truth.is_good for one in kept) and sum(not one.truth.is_good for one in held) == 4
    assert len(kept) + len(held) == 24 and sum(one.truth.is_good for one in held) == 5


def test_without_labelled_defects_some_are_planted(tmp_path: Path) -> None:
    root = make_stripes(tmp_path / "data")
    for name in ("train", "val"):
        (root / f"{name}.txt").write_text("".join(f"images/{name}_{place}.png\n" for place in range(8, 10)))
    found = checked("image_anomaly", root)
    assert found.is_planted and [one.truth.kind for one in found.val] == ["good", "good", "planted", "planted"]
    assert codes(root) == ["val.txt:0 defects-planted"]


def test_a_validation_of_defects_alone_is_told(tmp_path: Path) -> None:
    root = make_stripes(tmp_path / "data")
    (root / "val.txt").write_text("images/val_1.png\tcut\nimages/val_3.png\tcut\n")
    assert codes(root) == ["val.txt:0 no-good-image"]


def test_strides_without_features_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"strides=\[8, 32\]"):
        checked("image_anomaly", make_stripes(tmp_path / "data"), strides=[8, 32])


def test_a_score_is_what_the_opening_leaves() -> None:
    scores = np.zeros((40, 40), np.float32)
    scores[3:6, 3:30] = 9.0  # thin: no disk fits into it
    cv2.circle(scores, (28, 28), 6, 2.0, -1)
    processor = ImageAnomalyProcessor(size=(40, 40), threshold=1.0)
    found = processor.postprocess(scores, (40, 40))
    assert found.score == 2.0 == score_of(scores) and found.is_anomalous
    assert not found.pred[0, 3:6, 3:20].any() and found.pred[0, 28, 28] == 255
    higher = ImageAnomalyProcessor(size=(40, 40), threshold=2.0).postprocess(scores, (40, 40))
    assert higher.score == 1.0 and not higher.is_anomalous and not higher.pred.any()
    assert ImageAnomalyProcessor(size=(40, 40), threshold=1.0, cut=2.5).postprocess(scores, (40, 40)).pred.any() == 0


def test_paddlex_gets_its_threshold_and_we_get_ours_back() -> None:
    processor = ImageAnomalyProcessor(threshold=3.5, rule="a rule")
    inference = processor.to_inference("STFPM")
    assert inference["Deploy"]["transforms"][0]["target_size"] == [256, 256]
    assert ImageAnomalyProcessor.from_inference(inference) == processor
    del inference["Calibration"]
    assert ImageAnomalyProcessor.from_inference(inference).threshold == PADDLEX_THRESHOLD
    graph = np.full((2, 1, 4, 4), PADDLEX_THRESHOLD, np.float32)
    np.testing.assert_allclose(processor.split_outputs([graph])[0], np.full((4, 4), 3.5), rtol=1e-6)
    with pytest.raises(UserError, match=r"no Deploy\.transforms"):
        ImageAnomalyProcessor.from_inference({"PreProcess": {}})


@pytest.mark.long
@pytest.mark.parametrize("network", ["PatchCore", "PaDiM"])
def test_a_fit_is_exported_and_told_by_kind(network: str, tmp_path: Path) -> None:
    root = make_stripes(tmp_path / "data")
    run = train_room("image_anomaly", root, tmp_path / "run", f"module.network={network}", *FITTED)
    assert json.loads((run.output / "export" / "parity.json").read_text())["ok"]
    rows = json.loads((run.output / "defects.json").read_text())
    assert rows["defect"]["pictures"] == 5 and rows["defect"]["image_auroc"] == run.metrics["val/image_auroc"]
    assert {"pixel_auroc", "aupro"} <= rows["defect"].keys()
    found = plx_train.Predictor(run.output / "export").predict(striped(np.random.default_rng(9)))
    assert found.pred.shape == (1, 64, 64) and found.findings()["pred"].dtype == np.uint8


@pytest.mark.long
def test_folders_of_good_pictures_alone_are_enough(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for place in range(20):
        cv2.imwrite(str(tmp_path / f"data/{place}.png"), striped(rng))
    run = train_room("image_anomaly", tmp_path / "data", tmp_path / "run", "module.network=PatchCore", *FITTED)
    assert json.loads((run.output / "defects.json").read_text()).keys() == {"planted"}
    assert (run.output / "export" / "inference.yml").is_file()
