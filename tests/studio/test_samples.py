"""Files to try a pipeline with: the model's own data first, then those that are here already."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kit.exporters import picture
from kit.studio_homes import new_home
from plx_train.ground.places import datasets_dir
from plx_train.pipelines.config import read_config, with_models
from plx_train.studio.home import Home
from plx_train.studio.samples import sample_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


def trained_on(home: Home, root: Path) -> str:
    run = home.outputs / "a"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(yaml.safe_dump({"dataset": {"root": str(root)}}))
    return "outputs/a"


def test_the_data_of_the_model_come_first(home: Home) -> None:
    picture(home.root / "mine" / "train_1.png", 0)
    wanted = picture(home.root / "mine" / "val_1.png", 1)
    config = with_models(read_config("image_classification"), {"ImageClassification": trained_on(home, wanted.parent)})

    assert sample_of(home, config, "image") == wanted


def test_data_from_outside_are_left_alone(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = picture(tmp_path_factory.mktemp("outside") / "a.png", 0)
    config = with_models(read_config("image_classification"), {"ImageClassification": trained_on(home, outside.parent)})

    assert sample_of(home, config, "image") == datasets_dir() / "clothes" / "images" / "val_00018.png"


@pytest.mark.parametrize(
    ("pipeline", "field", "folder"),
    [("OCR", "file", "pages"), ("ts_forecast", "csv", "traffic"), ("object_detection", "image", "layout")],
)
def test_embedded_data_are_of_the_pipelines_kind(home: Home, pipeline: str, field: str, folder: str) -> None:
    found = sample_of(home, read_config(pipeline), field)

    assert found is not None
    assert found.is_relative_to(datasets_dir() / folder)
