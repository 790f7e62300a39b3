"""Every recipe of the room: it knows its dataset, checks it, and trains a network that PaddleX knows by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import plx_train
from kit.places import ROOT
from kit.runs import arguments_of
from modules.object_det.tiny import make_rectangles
from plx_train.config.compose import compose_run
from plx_train.nn.detection.names import INPUTS, NETWORKS

RECIPES = sorted(
    path.stem
    for path in (ROOT / "conf/module").glob("*.yaml")
    if "/schema/object_det@module" in path.read_text("utf-8")
)
LEAST = ("trainer.epochs=1", "module.size=[64,64]", "dataset.limit=4")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_rectangles(tmp_path_factory.mktemp("data") / "rectangles")


def given(recipe: str, dataset: Path, output: Path) -> list[str]:
    """A run of a moment, with the recipe's own network."""
    given = arguments_of("object_det", dataset, output, f"module={recipe}", *LEAST)
    return [text for text in given if not text.startswith("module.network=")]


def test_every_kind_of_paddlex_has_its_recipe() -> None:
    kinds = ["object", "layout", "small_object", "human", "vehicle", "face", "mainbody", "table_cells"]
    assert sorted(f"{kind}_det" for kind in kinds) == RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_checks_a_dataset_of_ones_own(recipe: str, dataset: Path, tmp_path: Path) -> None:
    assert plx_train.run([*given(recipe, dataset, tmp_path / "run"), "mode=check_dataset"]).exit_code == 0


@pytest.mark.long
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_trains_and_exports(recipe: str, dataset: Path, tmp_path: Path) -> None:
    plx_train.run(given(recipe, dataset, tmp_path / "run"))
    inference = yaml.safe_load((tmp_path / "run/export/inference.yml").read_text("utf-8"))
    options = compose_run([f"module={recipe}"]).options.module
    assert inference["Global"]["model_name"] == (options.model_name or options.network)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_is_built_like_another_names_one_that_there_is(name: str) -> None:
    structure = INPUTS[name].structure
    assert structure is None or INPUTS[structure].structure is None
