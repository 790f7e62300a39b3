"""Anomaly detection in seconds: sines that jump three times."""

from __future__ import annotations

from pathlib import Path

from kit.made_series import make_anomaly_set
from kit.rooms import TinyRoom


def spoil(dataset: Path) -> str:
    """Marks the third row of ``val.csv`` by something that is neither 0 nor 1."""
    lines = (dataset / "val.csv").read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ",5"
    (dataset / "val.csv").write_text("\n".join(lines) + "\n")
    return r"val\.csv:4\b"


TINY = TinyRoom(
    make_dataset=make_anomaly_set,
    overrides=(
        "module.context=40",
        "module.hidden=16",
        "dataset.holdout_share=0.3",
        "dataset.columns.targets=null",
        "trainer.batch_size=32",
        "trainer.epochs=8",
        "optimizer.lr=5e-3",
    ),
    by_heart=("module.hidden=64", "optimizer.lr=1e-2", "trainer.max_steps=60"),
    drawn=("module.network=PatchTST_ad", "trainer.epochs=2"),
    spoil=spoil,
)
