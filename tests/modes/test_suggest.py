"""mode=suggest: a ranked list of what to label next, without what is known already."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import pytest

import plx_train
from kit.rooms import tiny_room
from kit.runs import EVERY_TINY_RUN, train_room
from plx_train.api import RunResult
from plx_train.contract.room import Room
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modules.image_cls.room import ImageClsRoom
from plx_train.tracking import read_metrics

FEW = "dataset.labelled=3/class"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_room("image_cls").make_dataset(tmp_path_factory.mktemp("data") / "colours")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train_room("image_cls", dataset, tmp_path_factory.mktemp("runs") / "run", FEW)


def suggest(run: Path | str, output: Path, *overrides: str) -> RunResult:
    given = ["mode=suggest", f"run={run}", f"output={output}", *EVERY_TINY_RUN]
    return plx_train.run([*given, *overrides])


def table(output: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((output / "suggestions.csv").read_text().splitlines()))


def test_a_run_says_how_many_labels_it_learned_from(trained: RunResult) -> None:
    assert json.loads((trained.output / "run.json").read_text())["labelled"] == 9
    assert read_metrics(trained.output / "tracking.jsonl")["data/labelled"] == [(0, 9.0)]


def test_what_is_not_labelled_is_ranked_and_shown(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    result = suggest(trained.output, tmp_path / "s", "dataset.pool=rest", "suggest.number=7")
    rows = table(tmp_path / "s")
    assert [row["rank"] for row in rows] == list("1234567") and result.metrics["suggestions"] == 7
    listed = (tmp_path / "s" / "suggestions.txt").read_text().splitlines()
    assert listed == [row["image"] for row in rows] and len(set(listed)) == 7
    lines = {line.split()[0] for line in (dataset / "train.txt").read_text().splitlines()}
    assert set(listed) <= lines
    assert {row["says"] for row in rows} <= {"red", "green", "blue"}
    assert all(0 <= float(row["doubt"]) <= 1 for row in rows)
    page = (tmp_path / "s" / "suggestions.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 7 and "because there are 3 labels a class" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_same_command_suggests_the_same(trained: RunResult, tmp_path: Path) -> None:
    first, again = (
        suggest(trained.output, tmp_path / name, "dataset.pool=rest", "suggest.number=7") for name in ("one", "two")
    )
    assert (first.output / "suggestions.csv").read_bytes() == (again.output / "suggestions.csv").read_bytes()


def test_many_labels_ask_for_what_the_model_doubts(
    trained: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("dataset.pool=rest", "dataset.labelled=8/class", "suggest.number=3")
    suggest(trained.output, tmp_path / "s", *given)
    assert "doubtful images unlike each other, because there are 8 labels a class" in capsys.readouterr().out


def test_a_room_that_does_not_say_how_sure_it_is_suggests_without(
    trained: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ImageClsRoom, "pseudo_label", Room.pseudo_label)
    given = ("dataset.pool=rest", "dataset.labelled=8/class", "suggest.number=3")
    suggest(trained.output, tmp_path / "s", *given)
    assert "a model of module=image_cls does not say how sure it is" in capsys.readouterr().out
    assert {row["doubt"] for row in table(tmp_path / "s")} == {""}


def test_twins_of_what_is_known_and_what_can_not_be_read_are_left_out(
    trained: RunResult, dataset: Path, tmp_path: Path
) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    every = {line.split()[0] for line in (dataset / "train.txt").read_text().splitlines()}
    for name in sorted(every):
        shutil.copy(dataset / name, pool / Path(name).name)
    shutil.copy(dataset / "images/val_3.png", pool / "of_validation.png")
    bigger = cv2.resize(cv2.imread(str(pool / "train_20.png")), (60, 80), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(pool / "train_20_again.png"), bigger)
    (pool / "broken.png").write_bytes(b"no picture")
    result = suggest(trained.output, tmp_path / "s", f"dataset.pool={pool}", "suggest.number=99")
    names = [Path(row["path"]).name for row in table(tmp_path / "s")]
    # 30 pictures of which 9 are labelled, one of them twice.
    assert result.metrics == {"suggestions": 21.0, "candidates": 21.0, "twins": 11.0}
    assert not {"of_validation.png", "broken.png", "train_20_again.png"} & set(names)
    assert [row["image"] for row in table(tmp_path / "s")] == [row["path"] for row in table(tmp_path / "s")]


def test_a_pool_of_what_is_known_holds_nothing_new(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds nothing new: of 9 images"):
        suggest(trained.output, tmp_path / "s", f"dataset.pool={dataset}/images/val_*.png")


def test_an_export_and_weights_alone_look_too(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    of_run = suggest(trained.output, tmp_path / "r", "dataset.pool=rest", "suggest.number=5")
    given = ("dataset.pool=rest", "suggest.number=5")
    of_export = suggest(str(trained.export), tmp_path / "x", *given)
    network = ("module.network=PP-LCNet_x0_25", "module.stem_stride=1", "module.size=[16,16]")
    given = (*given, f"dataset.root={dataset}", FEW, *network)
    best = trained.output / "checkpoints" / "best"
    of_weights = plx_train.run(
        ["mode=suggest", "module=image_cls", f"weights={best}", f"output={tmp_path / 'w'}", *EVERY_TINY_RUN, *given]
    )
    of_all = [table(one.output) for one in (of_run, of_export, of_weights)]
    assert [row["image"] for row in of_all[0]] == [row["image"] for row in of_all[1]]
    assert [row["image"] for row in of_all[0]] == [row["image"] for row in of_all[2]]
    assert {row["says"] for row in of_all[2]} == {""}


@pytest.mark.parametrize("way", ["dataset.pool", "dataset.root"])
def test_images_of_which_none_is_labelled_are_looked_at_by_weights_alone(
    way: str, trained: RunResult, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(dataset / "images", photos)
    network = ("module.network=PP-LCNet_x0_25", "module.stem_stride=1", "module.size=[16,16]")
    weights = f"weights={trained.output / 'checkpoints' / 'best'}"
    given = ["mode=suggest", "module=image_cls", weights, f"{way}={photos}", "suggest.number=4", *network]
    plx_train.run([*given, f"output={tmp_path / 's'}", *EVERY_TINY_RUN])
    assert "because there are no labels yet" in capsys.readouterr().out
    listed = (tmp_path / "s" / "suggestions.txt").read_text().splitlines()
    assert len(set(listed)) == 4 and all((photos / name).is_file() for name in listed)


def test_a_module_that_must_know_labels_asks_for_some(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    given = ["mode=suggest", "module=object_det", f"dataset.pool={dataset}/images", f"output={tmp_path / 's'}"]
    with pytest.raises(ConfigError, match="before one is labelled: label a few"):
        plx_train.run([*given, *EVERY_TINY_RUN])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("module=ts_cls", "dataset.pool=x"), "looks at images, and module=ts_cls learns from series"),
        (("module=image_cls",), r"mode=suggest needs dataset.pool=<unlabelled images>: give a folder"),
        (("module=image_cls", "module.rotations=[0,90]", "dataset.pool=x"), "makes its labels itself"),
        (("module=image_cls", "dataset.pool=rest", FEW, "weights=null"), "an untrained network sees nothing"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    overrides: tuple[str, ...], words: str, dataset: Path, tmp_path: Path
) -> None:
    given = ["mode=suggest", f"dataset.root={dataset}", f"output={tmp_path / 's'}", *EVERY_TINY_RUN]
    with pytest.raises(ConfigError, match=words):
        plx_train.run([*given, *overrides])


@pytest.mark.long
@pytest.mark.parametrize("room", ["text_det", "text_rec", "object_det"])
def test_other_rooms_of_images_suggest_by_what_is_typical(room: str, tmp_path: Path) -> None:
    data = tiny_room(room).make_dataset(tmp_path / "data")
    run = train_room(room, data, tmp_path / "run", "dataset.labelled=1", "trainer.epochs=1")
    given = [f"run={run.output}", "dataset.pool=rest", "suggest.number=2", *EVERY_TINY_RUN]
    suggested = plx_train.run(["mode=suggest", f"output={tmp_path / 's'}", *given])
    assert suggested.metrics["suggestions"] == len(table(tmp_path / "s")) == 2
