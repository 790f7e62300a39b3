"""Runs of image features: every loss learns, and weights go on to other classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.runs import points, train_room, weights_of
from modules.image_feature.tiny import make_patterns
from plx_train.ground.errors import ConfigError
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.runs.folder import best_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_patterns(tmp_path_factory.mktemp("feature") / "data")


@pytest.mark.long
@pytest.mark.parametrize("loss", ["triplet", "contrast", "softmax"])
def test_every_loss_learns(loss: str, data: Path, tmp_path: Path) -> None:
    more = ("module.mining=semi",) if loss == "triplet" else ()
    train_room("image_feature", data, tmp_path, f"module.loss={loss}", "trainer.epochs=16", "module.dropout=0", *more)
    losses = [value for _, value in points(tmp_path)["train/loss"]]
    assert np.mean(losses[-9:]) < 0.8 * np.mean(losses[:9])
    assert ("head.weight" in weights_of(tmp_path)) == (loss == "softmax")
    table = (tmp_path / "queries.csv").read_text().splitlines()
    assert len(table) == 9 and table[0] == "image,class,nearest,its class,cosine"


@pytest.mark.long
def test_weights_go_on_to_other_classes(data: Path, tmp_path: Path) -> None:
    train_room("image_feature", data, tmp_path / "first", "trainer.epochs=1")
    other = make_patterns(tmp_path / "other")
    lines = (other / "train.txt").read_text().splitlines(keepends=True)
    (other / "train.txt").write_text("".join(lines[4:]).replace(" 5\n", " 77\n"))
    again = ("trainer.epochs=1", "optimizer.lr=0", f"init_from={tmp_path / 'first'}")
    train_room("image_feature", other, tmp_path / "second", *again)
    first = load_checkpoint(best_checkpoint(tmp_path / "first"))[0]["network"]
    second = weights_of(tmp_path / "second")
    np.testing.assert_array_equal(first["backbone.fc.weight"], second["backbone.fc.weight"])
    # Classes 1 to 4 are known; 0 is gone and 77 is new.
    assert second["head.weight"].shape[1] == 5
    np.testing.assert_array_equal(first["head.weight"][:, 1:5], second["head.weight"][:, :4])


def test_folders_are_divided_by_whole_classes(data: Path, tmp_path: Path) -> None:
    for path in sorted((data / "images").iterdir()):
        folder = tmp_path / "data" / path.stem.partition("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    run = train_room("image_feature", tmp_path / "data", tmp_path / "run", "trainer.epochs=1")
    assert run.export
    found = plx_train.run([f"run={run.export}", "mode=evaluate", "tracking=off", "quiet=true", "device=cpu"])
    assert found.metrics["val/recall1"] == pytest.approx(run.metrics["val/recall1"])
    codes = (tmp_path / "run/check.json").read_text()
    assert "class-trained-on" not in codes and '"query": 4' in codes


def test_images_of_two_classes_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make images of two classes"):
        train_room("image_feature", data, tmp_path, "module.augment.mixup=0.2")
