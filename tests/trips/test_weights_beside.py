"""A training's published weights come beside the check of its data; whatever goes wrong is told as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

import plx_train
from kit.processes import is_alive
from kit.rooms import tiny_room
from kit.slow_index import SlowIndex, slow_index
from plx_train.ground.errors import DataError, WeightsError
from plx_train.workflow import training

MODEL = "PP-OCRv4_mobile_det"
GIVEN = ("module=text_det", *tiny_room("text_det").overrides, "device=cpu", "tracking=off", "quiet=true")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowIndex:
    monkeypatch.chdir(tmp_path)
    return slow_index(tmp_path / "index", monkeypatch, MODEL, ["inference.pdiparams", "inference.pdmodel"])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tiny_room("text_det").make_dataset(tmp_path / "data")


def _train(data: Path, *more: str) -> None:
    plx_train.run([*GIVEN, f"dataset.root={data}", f"weights={MODEL}", f"output={data.parent / 'run'}", *more])


def test_they_come_while_data_are_checked(index: SlowIndex, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = training.open_data

    def slowly(*given: object) -> object:
        index.wait()
        found = checked(*given)  # type: ignore[arg-type]
        index.let()
        return found

    monkeypatch.setattr(training, "open_data", slowly)
    with pytest.raises(WeightsError, match=r"inference\.pd"):
        _train(data)
    assert len(index.asked()) == 1 and index.stored() == [MODEL]


@pytest.mark.parametrize("more", [(), ("device.processes=2",)], ids=["one process", "two"])
def test_an_index_that_lacks_them_is_told_once_data_are_checked(
    index: SlowIndex, data: Path, more: tuple[str, ...]
) -> None:
    index.let("offline")
    with pytest.raises(WeightsError, match="run once with a network"):
        _train(data, *more)
    assert (data.parent / "run/check.json").is_file() and not (data.parent / "run/ranks").exists()
    assert len(index.asked()) == 1 and index.stored() == []


def test_an_error_of_the_data_waits_for_no_download(index: SlowIndex, data: Path) -> None:
    tiny_room("text_det").spoil(data)
    with pytest.raises(DataError, match=r"train\.txt"):
        _train(data)
    assert index.stored() == [] and not any(map(is_alive, index.asked()))


def test_who_needs_none_asks_for_none(index: SlowIndex, data: Path) -> None:
    _train(data, "mode=check_dataset")
    with pytest.raises(DataError):
        _train(data, "weights=null", "dataset.train=nothing.txt")
    assert index.asked() == []
