"""Classification of series in seconds: sines of three frequencies, of unequal lengths."""

from __future__ import annotations

from pathlib import Path

from kit.made_series import make_class_set
from kit.rooms import TinyRoom


def make_waves(folder: Path) -> Path:
    """Series of 20 to 40 rows, five of each class for validation."""
    return make_class_set(folder, (36, 15), lengths=(20, 40))


def spoil(dataset: Path) -> str:
    """Gives a series of ``train.csv`` two classes."""
    lines = (dataset / "train.csv").read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ",2"
    (dataset / "train.csv").write_text("\n".join(lines) + "\n")
    return r"train\.csv:4\b"


TINY = TinyRoom(
    make_dataset=make_waves,
    overrides=(
        "module.hidden=4",
        "module.depth=2",
        "module.num_kernels=30",
        "optimizer.lr=1e-2",
        "trainer.batch_size=8",
        "trainer.epochs=8",
        "trainer.eval_every_epochs=4",
        "trainer.log_every_steps=4",
    ),
    drawn=("module.dropout=0.2", "trainer.epochs=2"),
    spoil=spoil,
)
