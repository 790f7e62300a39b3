"""Label files of anomaly detection: PaddleX's ``SegDataset``, or the kind of defect of each image."""

from __future__ import annotations

from pathlib import Path

from plx_train.data.defect_lines import fields_of, is_picture
from plx_train.data.label_file import LabelFile
from plx_train.vision.defects import GOOD, Defect, DefectImage
from plx_train.vision.image import IMAGE_SUFFIXES


def read_samples(path: Path, root: Path) -> tuple[list[DefectImage], LabelFile]:
    """The samples of a label file, in its order; no image is opened.

    A line is ``image mask`` as PaddleX has it, an image alone, which is good, or with tabs ``image kind mask``, where
    either of the latter may be left out.
    """
    file, samples = LabelFile(path, root), []
    for line, text in file.lines():
        name, *rest = fields_of(text, IMAGE_SUFFIXES)
        masks = [each for each in rest if is_picture(each, IMAGE_SUFFIXES)]
        kinds = [each for each in rest if each and each not in masks]
        if len(masks) > 1 or len(kinds) > 1:
            reason = f"there are {len(rest)} fields after the image, where kind and mask are the most"
            file.add(line, "error", "too-many-fields", reason)
            continue
        image = file.image(name, line)
        mask = file.image(masks[0], line) if masks else None
        if image is None or (masks and mask is None):
            continue
        kind = kinds[0] if kinds else "" if masks else GOOD
        samples.append(DefectImage(image, Defect(kind, mask), f"{file.name}:{line}"))
    return samples, file
