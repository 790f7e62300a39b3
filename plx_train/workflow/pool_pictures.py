"""Pictures of a pool for a report: what of it is trusted, what is doubted, what is labelled otherwise than before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plx_train.few.gallery import CHANGED_ONES, DOUBTED_ONES, NUM_SHOWN, TRUSTED_ONES, Gallery, Shown
from plx_train.few.trust import TRUSTED
from plx_train.ground.spread import spread
from plx_train.report.data import Picture
from plx_train.runs.folder import BASIS, POOL
from plx_train.vision.image import write_image
from plx_train.workflow.dataset import RunData
from plx_train.workflow.pool_labels import pool_record, read_labels, read_pool, write_labels


def pool_pictures(folder: Path, options: Any, data: RunData, gallery: Gallery | None) -> list[Picture]:
    """Pictures of samples of each kind; none where there was no pool.

    Args:
        folder: of the run.
        gallery: of what a teacher labelled step by step; None: nothing was.
    """
    if gallery is not None:
        return _as_seen(folder, options, data, list(gallery.shown()))
    record, before = pool_record(folder), pool_record(folder / BASIS)
    if record is None:
        return []
    root, labels = Path(record["root"]), record["labels"]
    former = before["labels"] if before else {}
    samples = sorted(read_pool(folder, options, data), key=lambda one: -one.weight)
    named = [(one.image.relative_to(root).as_posix(), one) for one in samples]
    trusted = [each for each in named if each[1].weight > TRUSTED]
    changed = [each for each in named if each[0] in former and former[each[0]][0] != labels[each[0]][0]]
    chosen = [(TRUSTED_ONES, trusted), (DOUBTED_ONES, named[-NUM_SHOWN:]), (CHANGED_ONES, changed)]
    pictures = []
    for kind, some in chosen:
        few = [some[number] for number in spread(len(some), NUM_SHOWN)]
        paths = _drawn(data, [one for _, one in few], folder / POOL / kind)
        for (name, sample), path in zip(few, paths, strict=True):
            was = f", {former[name][0]} the round before" if kind == CHANGED_ONES else ""
            pictures.append(Picture(f"{kind}: {name}, {labels[name][0]}{was}, weight {sample.weight:.2f}", path))
    return pictures


def _as_seen(folder: Path, options: Any, data: RunData, shown: Sequence[tuple[str, Shown]]) -> list[Picture]:
    """Views as the teacher saw them, with what it said of them."""
    place = folder / POOL / "views"
    place.mkdir(parents=True, exist_ok=True)
    # What holds no text that could be written in a label file is not shown.
    told = [each for each in shown if each[1].label.can_be_learned]
    if not told:
        return []
    names = [f"{number}.png" for number in range(len(told))]
    for name, (_, one) in zip(names, told, strict=True):
        write_image(place / name, one.view)
    labels = [(name, one.label) for name, (_, one) in zip(names, told, strict=True)]
    file, places = write_labels(options, data, place, place, labels)
    pictures = []
    for number, sample in zip(places, read_labels(options, data, place, place, file), strict=True):
        kind, one = told[number]
        was = f", {one.before} the time before" if kind == CHANGED_ONES else ""
        (path,) = _drawn(data, [sample], folder / POOL / kind / names[number].removesuffix(".png"))
        pictures.append(Picture(f"{kind}: {one.name}, {one.label.words}{was}, weight {one.weight:.2f}", path))
    return pictures


def _drawn(data: RunData, samples: Sequence[Any], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return data.room.draw_samples(samples, folder)
