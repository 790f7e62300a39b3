"""Records of runs are read on from where they were read to, and begun again where another file lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plx_train.studio import curves as read_on
from plx_train.studio.curves import Curves


def line(step: int, **values: float) -> str:
    logged = {name.replace("_", "/", 1): value for name, value in values.items()}
    return json.dumps({"seq": step, "ms": 1, "kind": "metrics", "step": step, "values": logged}) + "\n"


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = tmp_path / "tracking.jsonl"
    spool.write_text(line(1, train_loss=2.0) + line(2, train_loss=1.0) + '{"seq": 3, "torn')
    curves, offsets, inner = Curves(), [], read_on.read_entries

    def watched(path: Path, offset: int) -> object:
        offsets.append(offset)
        return inner(path, offset)

    monkeypatch.setattr(read_on, "read_entries", watched)
    assert curves.points(spool) == {"train/loss": [(1, 2.0), (2, 1.0)]}
    whole = len(line(1, train_loss=2.0)) + len(line(2, train_loss=1.0))
    with spool.open("a") as file:
        file.write('"}\n' + line(4, train_loss=0.5))
    offsets.clear()
    assert curves.points(spool)["train/loss"] == [(1, 2.0), (2, 1.0), (4, 0.5)]
    assert offsets[0] == whole


def test_another_file_in_its_place_is_read_from_its_beginning(tmp_path: Path) -> None:
    spool, other = tmp_path / "tracking.jsonl", tmp_path / "other"
    spool.write_text(line(1, train_loss=2.0))
    curves = Curves()
    curves.points(spool)
    other.write_text(line(1, train_loss=7.0) + line(2, train_loss=8.0))
    other.rename(spool)
    assert curves.points(spool) == {"train/loss": [(1, 7.0), (2, 8.0)]}
    spool.write_text("")
    assert curves.points(spool) == {}
    assert curves.points(tmp_path / "nowhere") == {}


def test_runs_are_drawn_into_one_chart_by_name(tmp_path: Path) -> None:
    for name, last in (("a", 0.5), ("b <i>", 0.75)):
        (tmp_path / name).write_text(line(1, val_accuracy=0.25) + line(2, val_accuracy=last))
    charts = Curves().compared({name: tmp_path / name for name in ("a", "b <i>")}, ["val/accuracy", "train/loss"])
    assert len(charts) == 1
    assert "a <b>0.5</b>" in charts[0] and "b &lt;i&gt; <b>0.75</b>" in charts[0]
    alone = Curves().charts(tmp_path / "a")
    assert len(alone) == 1 and "Validation" in alone[0]
