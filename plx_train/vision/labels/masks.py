"""The class of each pixel, from label files: PaddleX's ``SegDataset``, or outlines of what is seen, a line an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import IGNORED, RunLengths
from plx_train.data.formats.lines import is_background
from plx_train.data.formats.mask_colours import Colour, read_colours
from plx_train.data.formats.parsed_json import points, text_of
from plx_train.data.formats.run_lengths import runs_of
from plx_train.data.label_file import LabelFile, image_and_mask, separator_hint
from plx_train.ground.parsed import parse_json
from plx_train.vision.masks import UNCOUNTED, fill_polygons, read_coloured, read_mask
from plx_train.vision.samples import LabelledImage

NOT_A_PAIR = "the line is not an image, a space and its mask (images/x.jpg annotations/x.png)"
Drawn = tuple[int, tuple[tuple[float, float], ...] | RunLengths]
"""The number of a class and the corners of an outline, or what is marked pixel by pixel."""


@dataclass(frozen=True)
class Mask:
    """The class of each pixel of an image.

    Attributes:
        file: whose pixels are the numbers of classes; None: `outlines` say it.
        colours: of the classes, by number, where its pixels have these instead; None: no pixel is of the class.
        outlines: later ones lie on earlier ones; what lies in none is of class 0.
    """

    file: Path | None = None
    outlines: tuple[Drawn, ...] = ()
    colours: tuple[Colour | None, ...] = ()

    def of(self, shape: tuple[int, int]) -> np.ndarray:
        """Numbers of classes uint8 (H, W), `UNCOUNTED` where a pixel counts neither way.

        Args:
            shape: height and width of the image; a file has its own, and so have runs.

        Raises:
            ImageError: the file can't be read.
        """
        if self.file is not None:
            return read_coloured(self.file, self.colours) if self.colours else read_mask(self.file)
        mask = np.zeros(
            next((drawn.size for _, drawn in self.outlines if isinstance(drawn, RunLengths)), shape), np.uint8
        )
        for number, drawn in self.outlines:
            if isinstance(drawn, RunLengths):
                mask[drawn.pixels()] = number
            else:
                fill_polygons(mask, [np.asarray(drawn, np.float32)], number)
        return mask


class MaskedImage(LabelledImage[Mask]):
    """An image with the class of each pixel."""

    @property
    def beside(self) -> tuple[Path, ...]:
        """The file of the mask, where there is one."""
        return () if self.truth.file is None else (self.truth.file,)


def read_masks(path: Path, root: Path, names: Sequence[str] | None) -> tuple[list[MaskedImage], list[Finding]]:
    """The images of a label file with their masks, in its order; neither is opened.

    Args:
        names: of the classes, by number; None: no file names them.
    """
    file, samples, palettes = LabelFile(path, root), [], dict[str, tuple[Colour | None, ...]]()
    numbers = {name: number for number, name in enumerate(names or ())}
    for line, text in file.lines():
        name, _, drawn = text.partition("\t")
        mask: Mask | None
        if drawn.lstrip().startswith("["):
            mask = _of_outlines(file, line, drawn, numbers)
        else:
            *pair, colours = text.split("\t") if text.count("\t") == 2 else (text, "")
            name, mask = _of_file(file, line, "\t".join(pair))
            if colours and mask is not None:
                if colours not in palettes:
                    palettes[colours] = _palette(file, colours, names or ())
                mask = replace(mask, colours=palettes[colours])
        image = file.image(name, line) if name else None
        if image is not None and mask is not None:
            samples.append(MaskedImage(image, mask, f"{file.name}:{line}"))
    return samples, file.findings


def _of_file(file: LabelFile, line: int, text: str) -> tuple[str, Mask | None]:
    image, mask = image_and_mask(text)
    if not image:
        file.add(line, "error", "not-a-pair", NOT_A_PAIR + separator_hint(text))
        return "", None
    path = file.image(mask, line)
    return image, None if path is None else Mask(path)


def _palette(file: LabelFile, name: str, names: Sequence[str]) -> tuple[Colour | None, ...]:
    """The colours of classes that a file of the dataset's folder says; none, and a finding, where it says none."""
    path = file.image(name.strip(), 0)
    known = read_colours(path) if path else {}
    others = [one for one in known if one not in names]
    if not known or others:
        reason = f"classes that are not named: {', '.join(others[:9])}" if known else "it says no colours of classes"
        file.add(0, "error", "colours-unknown", f"{name[:60]}: {reason}")
    return tuple(known.get(one) for one in names)


def _of_outlines(file: LabelFile, line: int, text: str, numbers: dict[str, int]) -> Mask | None:
    try:
        rows = parse_json(text)
    except ValueError:
        file.add(line, "error", "bad-json", "what follows the image is no JSON")
        return None
    found: list[Drawn] = []
    for row in rows if isinstance(rows, list) else ():
        label = text_of(row.get("transcription")) if isinstance(row, dict) else ""
        corners = points(row.get("points")) if isinstance(row, dict) else None
        runs = runs_of(row)
        number = UNCOUNTED if label == IGNORED else numbers.get(label, 0 if is_background(label) else None)
        if runs is None and (corners is None or len(corners) < 3):
            file.add(line, "error", "points-not-pairs", "the points of an outline are not three or more pairs")
        elif number is None:
            file.add(line, "error", "unknown-class", f"the class {label[:60]!r} is none of those that are named")
        elif runs is not None:
            found.append((number, runs))
        elif corners is not None:
            found.append((number, corners))
    if len({drawn.size for _, drawn in found if isinstance(drawn, RunLengths)}) > 1:
        file.add(line, "error", "mask-size", "what is marked pixel by pixel is of images of several sizes")
        return None
    return Mask(outlines=tuple(found))
