"""``scripts/draw_tables.py``: its layout, its draws, and that wired tables have what wireless ones lack."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.places import ROOT
from plx_train.config.compose import compose_run

SCRIPT = ROOT / "scripts" / "draw_tables.py"
specification = importlib.util.spec_from_file_location("draw_tables", SCRIPT)
assert specification and specification.loader
draw_tables = importlib.util.module_from_spec(specification)
specification.loader.exec_module(draw_tables)


def drawn(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Path:
    counts = ["--train", "6", "--val", "4"]
    monkeypatch.setattr(sys, "argv", ["draw_tables.py", str(folder), *counts, "--seed", str(seed)])
    draw_tables.main()
    return folder


def test_its_layout_and_that_a_seed_draws_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = (drawn(tmp_path / name, monkeypatch, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert (one / "label.txt").read_text() == "0 wired_table\n1 wireless_table\n"
    labels = [line.split() for line in (one / "train.txt").read_text().splitlines()]
    assert [label for _, label in labels] == ["0", "1"] * 3 and len((one / "val.txt").read_text().splitlines()) == 4
    first = labels[0][0]
    assert cv2.imread(str(one / first)).ndim == 3
    assert (one / first).read_bytes() == (same / first).read_bytes() != (other / first).read_bytes()


@pytest.mark.parametrize("is_wireless", [False, True])
def test_only_wired_tables_have_lines_from_top_to_bottom(is_wireless: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        image = draw_tables.table(["word"] * 20, is_wireless, rng)[..., 0]
        paper = image[0, 0]
        # Rows above the first line and below the last one are margins.
        marked = (image != paper).any(axis=1).nonzero()[0]
        inside = image[marked[0] : marked[-1] + 1]
        has_line = bool((inside == inside[0]).all(axis=0)[(inside[0] != paper)].any())
        assert has_line is not is_wireless


def test_the_recipe_takes_the_drawn_tables() -> None:
    options = compose_run(["module=table_cls"]).options
    assert options.dataset.name == "tables" and str(options.dataset.root).endswith("data/tables")
