"""Text recognition in seconds: a quarter of the network on drawn texts of three letters."""

from __future__ import annotations

from pathlib import Path

from kit.rooms import TinyRoom
from kit.text_lines import TEXTS, make_lines


def make_short_lines(root: Path) -> Path:
    """Texts of which the first four are short enough to be learned in no time."""
    return make_lines(root, ("a", "b", "c", "ab", *TEXTS))


def spoil(dataset: Path) -> str:
    """Names an image in ``val.txt`` that is not there."""
    (dataset / "images" / "val_0001.png").unlink()
    return r"val\.txt:2\b.*val_0001\.png"


TINY = TinyRoom(
    make_dataset=make_short_lines,
    overrides=(
        "weights=null",
        "module.dict=auto",
        "module.scale=0.25",
        "module.neck_channels=16",
        "module.neck_depth=1",
        "module.merged=true",
        "optimizer.lr=1e-2",
        "trainer.batch_size=4",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=(
        "module.merged=false",
        "module.width=48",
        "module.augment.stretch=0",
        "module.augment.shift=0",
        "module.augment.colour=0",
        "module.augment.blur_probability=0",
        "module.augment.noise_probability=0",
        "module.augment.jpeg_probability=0",
        "optimizer.freeze=[]",
        "optimizer.lr=5e-3",
        "trainer.max_steps=80",
    ),
    drawn=("optimizer.freeze=[]", "module.augment.invert_probability=0.5"),
    spoil=spoil,
)
