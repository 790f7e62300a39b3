"""Faces as PaddleX has them: people to train on, pairs to validate by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import plx_train
from kit.checked_rooms import checked
from kit.rooms import tiny_room
from kit.runs import EVERY_TINY_RUN
from modules.image_feature.tiny import IMAGES, TRAINED, UNSEEN, make_patterns
from plx_train.ground.errors import ConfigError, DataError

FILES = {"train": "train/label.txt", "val": "val/pair_label.txt"}


def make_pairs(root: Path) -> Path:
    """The patterns, those that are not trained on in pairs: all of one, and as many of two."""
    made = make_patterns(root.parent / "patterns")
    for part, numbers in (("train", range(TRAINED)), ("val", range(TRAINED, TRAINED + UNSEEN))):
        (root / part / "images").mkdir(parents=True)
        for path in (made / "images").iterdir():
            if int(path.stem.partition("_")[0]) in numbers:
                path.rename(root / part / "images" / path.name)
    lines = (made / "train.txt").read_text()
    (root / FILES["train"]).write_text(lines)
    pairs = []
    for number in range(TRAINED, TRAINED + UNSEEN):
        other = TRAINED + (number - TRAINED + 1) % UNSEEN
        for place in range(1, IMAGES):
            pairs += [f"images/{number}_0.png images/{number}_{place}.png 1"]
            pairs += [f"images/{number}_0.png images/{other}_{place}.png 0"]
    (root / FILES["val"]).write_text("".join(f"{pair}\n" for pair in pairs))
    return root


def run_of(root: Path, output: Path, *more: str) -> plx_train.api.RunResult:
    """A run of the recipe in seconds."""
    kept = [text for text in tiny_room("image_feature").overrides if not text.startswith("module.loss=")]
    fixed = ["module=face_feature", f"dataset.root={root}", f"output={output}", "module.scale=16", "module.margin=0.2"]
    return plx_train.run([*fixed, *EVERY_TINY_RUN, *kept, *more])


@pytest.mark.long
def test_pairs_are_learned_measured_and_exported(tmp_path: Path) -> None:
    root = make_pairs(tmp_path / "data")
    run = run_of(root, tmp_path / "run", "trainer.epochs=8")
    assert run.metrics["val/accuracy"] > 0.8 and run.metrics["val/tar_far_0.1"] > 0.5
    assert run.export and "model_name: MobileFaceNet" in (run.export / "inference.yml").read_text()
    assert json.loads((run.export / "parity.json").read_text())["monitor"] == "accuracy"
    assert len((tmp_path / "run/pairs.csv").read_text().splitlines()) == 1 + 2 * UNSEEN * (IMAGES - 1)
    found = plx_train.run([f"run={run.export}", "mode=evaluate", "tracking=off", "quiet=true", "device=cpu"])
    assert found.metrics["val/accuracy"] == pytest.approx(run.metrics["val/accuracy"])
    report = json.loads((tmp_path / "run/check.json").read_text())
    assert report["statistics"]["val"] == {"images": UNSEEN * IMAGES, "pairs": 24, "same": 12}


def test_an_image_that_is_missing_is_told_by_its_own_name(tmp_path: Path) -> None:
    root = make_pairs(tmp_path / "data")
    (root / "val/images/6_0.png").unlink()
    with pytest.raises(DataError, match=r"val/pair_label\.txt:1.*val/images/6_0\.png: there is no such image"):
        run_of(root, tmp_path / "run")


@pytest.mark.long
def test_people_in_folders_are_held_out_and_paired(tmp_path: Path) -> None:
    for path in sorted((make_patterns(tmp_path / "patterns") / "images").iterdir()):
        folder = tmp_path / "data" / path.stem.partition("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    named = ("dataset.train=train.txt", "dataset.val=val.txt")
    run = run_of(tmp_path / "data", tmp_path / "run", *named, "trainer.epochs=1")
    pairs = (tmp_path / "run/pairs.csv").read_text().splitlines()[1:]
    assert {pair.split(",")[2] for pair in pairs} == {"0", "1"} and "val/accuracy" in run.metrics


def test_pairs_of_one_kind_and_corrections_are_refused(tmp_path: Path) -> None:
    root = make_pairs(tmp_path / "data")
    lines = (root / FILES["val"]).read_text().splitlines(keepends=True)
    (root / FILES["val"]).write_text("".join(lines[::2]))
    codes = {each.code for each in checked("image_feature", root, **FILES, pairs=True).report.errors}
    assert codes == {"pairs-of-one-kind"}
    (root / "fixes.jsonl").write_text("")
    with pytest.raises(ConfigError, match=r"dataset\.corrections are of classes"):
        run_of(root, tmp_path / "run", "dataset.corrections=fixes.jsonl")
