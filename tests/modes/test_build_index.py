"""mode=build_index: built, added to, taken from, refused with another model, and registered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.runs import train_room
from modules.image_feature.tiny import make_patterns
from plx_train.api import RunResult
from plx_train.ground.errors import ConfigError, UserError
from plx_train.index.feature_index import read_index


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_patterns(tmp_path_factory.mktemp("feature") / "data")


@pytest.fixture(scope="module")
def export(data: Path) -> Path:
    result = train_room("image_feature", data, data.parent / "run", "trainer.epochs=1")
    assert result.export
    return result.export


def build(output: Path, *given: str) -> RunResult:
    tracking = () if any("tracking" in text for text in given) else ("tracking=off",)
    return plx_train.run(["mode=build_index", f"output={output}", "device=cpu", "quiet=true", *tracking, *given])


@pytest.fixture(scope="module")
def index(data: Path, export: Path) -> Path:
    (data / "label.txt").write_text("6 teapot\n")
    return build(data.parent / "index", f"run={export}", f"input={data / 'gallery.txt'}").output


@pytest.mark.long
def test_images_of_a_label_file_are_known_by_their_names(index: Path, data: Path, export: Path) -> None:
    found = read_index(index)
    assert found.labels == ("teapot", "teapot", "7", "7", "8", "8", "9", "9")
    alone = plx_train.Predictor(export).predict(data / "images/7_2.png").feature
    np.testing.assert_allclose(found.vectors[3], alone, atol=1e-5)


def test_folders_are_labels(data: Path, export: Path, tmp_path: Path) -> None:
    for name, picture in (("cup", "0_0"), ("pot/old", "1_0")):
        (tmp_path / "known" / name).mkdir(parents=True)
        (tmp_path / "known" / name / "a.png").write_bytes((data / f"images/{picture}.png").read_bytes())
    (tmp_path / "known/cup/b.png").write_bytes(b"no picture")
    result = build(tmp_path / "index", f"run={export}", f"input={tmp_path / 'known'}")
    assert read_index(result.output).labels == ("cup", "pot") and result.exit_code == 1


def test_images_are_added_and_removed(index: Path, data: Path, export: Path, tmp_path: Path) -> None:
    source = f"index.source={index}"
    more = build(tmp_path / "more", f"run={export}", source, f"input={data / 'query.txt'}").output
    assert len(read_index(more)) == 16 and read_index(more).ids.tolist() == list(range(16))
    less = build(more, f"index.source={more}", "index.remove=[teapot,15]").output
    assert read_index(less).ids.tolist() == [*range(2, 8), *range(10, 15)]
    assert len(read_index(index)) == 8, "the former index stays"


def test_another_models_index_is_refused(index: Path, data: Path, tmp_path: Path) -> None:
    other = train_room("image_feature", data, tmp_path / "other", "trainer.epochs=1", "seed=2").export
    with pytest.raises(UserError, match="vectors of two models can't be compared"):
        build(tmp_path / "index", f"run={other}", f"index.source={index}", f"input={data / 'query.txt'}")
    assert not (tmp_path / "index").exists()


def test_an_index_becomes_a_version(index: Path, data: Path, export: Path, tmp_path: Path) -> None:
    store = f"tracking.uri=sqlite:///{tmp_path / 'store.db'}"
    named = ("index.registered=pots", store)
    build(tmp_path / "first", f"run={export}", f"input={data / 'gallery.txt'}", *named)
    build(tmp_path / "second", "index.source=models:/pots@champion", "index.remove=[teapot]", *named)
    from plx_train.registry.access import registry_client
    from plx_train.registry.resolve import resolve

    uri = f"sqlite:///{tmp_path / 'store.db'}"
    found = resolve("models:/pots@champion", uri)
    assert found.version == "2" and len(read_index(found.folder)) == 6
    assert len(read_index(resolve("models:/pots/1", uri).folder)) == 8
    tags = registry_client(uri).get_model_version("pots", "2").tags
    assert tags["plx.index.maker"] == read_index(index).maker.fingerprint


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["input=x"], "needs output="),
        (["output={folder}"], "needs input=<label file"),
        (["output={folder}", "input=x", "index.remove=[a]"], "name it by index.source"),
        (["output={folder}", "input=x", "index.registered=a"], "leave out tracking=off"),
        (["output={taken}", "input=x"], "holds something else than an index"),
    ],
)
def test_what_can_not_be_is_told(given: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    texts = [text.format(folder=tmp_path / "new", taken=tmp_path / "taken") for text in given]
    with pytest.raises(ConfigError, match=told):
        plx_train.run(["mode=build_index", "tracking=off", "quiet=true", *texts])


def test_an_image_without_a_label_is_told(export: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes((data / "images/0_0.png").read_bytes())
    with pytest.raises(UserError, match="lies in no folder of its own"):
        build(tmp_path / "index", f"run={export}", f"input={tmp_path}")
    (tmp_path / "known.txt").write_text("a.png\n")
    with pytest.raises(UserError, match=r"known\.txt:1: the line is not an image path"):
        build(tmp_path / "index", f"run={export}", f"input={tmp_path / 'known.txt'}")
