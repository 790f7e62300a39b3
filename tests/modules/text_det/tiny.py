"""Text detection in seconds: a quarter of the network on pages of two words."""

from __future__ import annotations

from pathlib import Path

from kit.pages import make_pages
from kit.rooms import TinyRoom


def spoil(dataset: Path) -> str:
    """Cuts the last line of ``train.txt`` off in its middle."""
    text = (dataset / "train.txt").read_text()
    (dataset / "train.txt").write_text(text[:-20])
    return rf"train\.txt:{text.count(chr(10))}\b"


TINY = TinyRoom(
    make_dataset=make_pages,
    overrides=(
        "weights=null",
        "module.scale=0.25",
        "module.neck_channels=16",
        "module.merged=true",
        "module.loss.shrink_loss=dice_bce",
        "optimizer.lr=1e-2",
        "module.crop_size=[64,96]",
        "module.limit_side_len=160",
        "trainer.batch_size=2",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=(
        "module.crop_size=[96,160]",
        "module.augment.scale=[1,1]",
        "module.augment.rotate_degrees=0",
        "module.augment.colour=0",
        "module.augment.blur_probability=0",
        "module.augment.noise_probability=0",
        "module.augment.jpeg_probability=0",
        "module.box_thresh=0.4",
        "optimizer.clip_norm=null",
        "trainer.batch_size=4",
    ),
    drawn=("module.augment.flip_probability=0.5", "module.augment.copy_paste_probability=0.5"),
    spoil=spoil,
)
