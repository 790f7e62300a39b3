"""Label files of multi-label classification: PaddleX's ``MLClsDataset``, ``images/x.jpg<TAB>1,0,1``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plx_train.data.label_file import LabelFile, separator_hint
from plx_train.vision.samples import LabelledImage

Labels = tuple[int, ...]


def read_samples(path: Path, root: Path, names: Sequence[str] | None) -> tuple[list[LabelledImage[Labels]], LabelFile]:
    """The samples of a label file, in its order; no image is opened.

    Args:
        names: the labels; None: as many as the first line has.
    """
    file, samples, wanted = LabelFile(path, root), [], len(names) if names else None
    for line, text in file.lines():
        name, tab, values = text.partition("\t")
        if not tab:
            reason = "there is no tab between image path and labels (images/x.jpg<TAB>1,0,1)"
            file.add(line, "error", "no-tab", reason + separator_hint(text))
            continue
        image, parts = file.image(name, line), [part.strip() for part in values.split(",")]
        wrong = next((part for part in parts if part not in ("0", "1")), None)
        if wrong is not None:
            file.add(line, "error", "label-not-0-or-1", f"{wrong[:40]!r} is neither 0 nor 1")
            continue
        wanted = wanted or len(parts)
        if len(parts) != wanted:
            where = "label.txt names" if names else "the first line has"
            file.add(line, "error", "label-count", f"there are {len(parts)} labels, but {where} {wanted}")
        elif image is not None:
            samples.append(LabelledImage(image, tuple(map(int, parts)), f"{file.name}:{line}"))
    return samples, file
