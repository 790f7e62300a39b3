"""Label files of anomaly detection: PaddleX's ``SegDataset``, or the kind of defect of each image."""

from __future__ import annotations

from pathlib import Path

from plx_train.data.defect_lines import GOOD, MARKS, fields_of, is_picture, runs_in
from plx_train.data.label_file import LabelFile
from plx_train.vision.defects import Defect, DefectImage
from plx_train.vision.image import IMAGE_SUFFIXES


def read_samples(path: Path, root: Path) -> tuple[list[DefectImage], LabelFile]:
    """The samples of a label file, in its order; no image is opened.

    A line is ``image mask`` as PaddleX has it, an image alone, which is good, or with tabs ``image kind mask``, where
    either of the latter may be left out, and pixels that are marked may take the place of a mask.
    """
    file, samples = LabelFile(path, root), []
    for line, text in file.lines():
        name, *rest = fields_of(text, IMAGE_SUFFIXES)
        drawn = [each for each in rest if each.startswith(MARKS)]
        masks = [each for each in rest if is_picture(each, IMAGE_SUFFIXES)]
        kinds = [each for each in rest if each and each not in (*masks, *drawn)]
        runs = runs_in(drawn[0]) if drawn else ()
        if drawn and not runs:
            file.add(line, "error", "bad-json", "what is marked is no list of run lengths of one size")
            continue
        if len(masks) + len(drawn) > 1 or len(kinds) > 1:
            reason = f"there are {len(rest)} fields after the image, where kind and mask are the most"
            file.add(line, "error", "too-many-fields", reason)
            continue
        image = file.image(name, line)
        mask = file.image(masks[0], line) if masks else None
        if image is None or (masks and mask is None):
            continue
        kind = kinds[0] if kinds else "" if masks or drawn else GOOD
        samples.append(DefectImage(image, Defect(kind, mask, runs), f"{file.name}:{line}"))
    return samples, file
