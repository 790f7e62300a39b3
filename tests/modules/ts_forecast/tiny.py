"""Forecasting in seconds: half a day of a sine from two of its days."""

from __future__ import annotations

from pathlib import Path

from kit.made_series import make_forecast_set
from kit.rooms import TinyRoom


def spoil(dataset: Path) -> str:
    """Writes a word where a number belongs, in the fifth row of ``train.csv``."""
    lines = (dataset / "train.csv").read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",high"
    (dataset / "train.csv").write_text("\n".join(lines) + "\n")
    return r"train\.csv:6\b"


TINY = TinyRoom(
    make_dataset=make_forecast_set,
    overrides=(
        "dataset.columns.targets=[y0]",
        "module.context=48",
        "module.horizon=12",
        "trainer.batch_size=16",
        "trainer.epochs=4",
        "optimizer.lr=5e-3",
    ),
    drawn=("module.network=TiDE", "trainer.epochs=1"),
    spoil=spoil,
)
