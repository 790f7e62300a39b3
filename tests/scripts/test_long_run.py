"""What a long run's rows say: whether anything rises, where a run is, and how it is drawn."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from kit.places import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import long_chart
import long_run

ROW = long_run.Row(0, 0.0, 500.0, 90.0, 30, 12, 2)
STEPS = 1000
FLAT = [replace(ROW, step=step) for step in range(10, STEPS, 10)]


def grown(rows: list[long_run.Row]) -> list[str]:
    return [change.name for change in long_run.changes(rows, STEPS) if not change.is_flat]


def test_what_rises_until_the_end_is_told() -> None:
    assert grown(FLAT) == []
    assert grown([replace(row, trainer_mib=500 + row.step / 50) for row in FLAT]) == ["trainer_mib"]
    assert grown([replace(row, descriptors=30 + row.step // 100) for row in FLAT]) == ["descriptors"]


def test_warming_up_and_peaks_are_no_growth() -> None:
    assert grown([replace(row, trainer_mib=500.0 if row.step >= 100 else 3.0 * row.step) for row in FLAT]) == []
    peaks = [replace(row, threads=12 + 3 * (row.step % 70 == 0), trainer_mib=500.0 + row.step % 50) for row in FLAT]
    assert grown(peaks) == []


def test_too_few_rows_say_nothing() -> None:
    with pytest.raises(SystemExit, match=r"5 rows are too few .* --every"):
        long_run.changes(FLAT[-5:], STEPS)


def test_a_run_is_at_the_last_step_of_its_record(tmp_path: Path) -> None:
    spool = tmp_path / "tracking.jsonl"
    assert long_run.last_step(spool) == 0
    lines = ['{"seq":0,"kind":"run"}', '{"kind":"metrics","step":10,"values":{"val/mse":1}}']
    lines += ['{"kind":"metrics","step":20,"values":{"train/loss":1}}', '{"kind":"tags"}']
    lines += ['{"kind":"metrics","step":3,"values":{"system/cpu":1}}', '{"kind":"metrics","st']
    spool.write_text("\n".join(lines))
    assert long_run.last_step(spool) == 20
    assert long_run.num_evaluated(spool) == 1


def test_rows_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    assert long_run.kept(path, lambda: FLAT) == FLAT
    assert long_run.kept(path, list) == FLAT


def test_the_picture_is_a_small_document_with_a_line_for_each_quantity() -> None:
    rows = [asdict(row) for row in FLAT]
    text = long_chart.drawn({"image_cls": rows, "ts_forecast": [{**row, "loaders_mib": 0.0} for row in rows]})
    ElementTree.fromstring(text)
    for name in ("image_cls, trainer", "image_cls, loaders", "ts_forecast, trainer", "ts_forecast, threads"):
        assert f">{name}<" in text
    assert ">ts_forecast, loaders<" not in text
    assert len(text) < 20_000
