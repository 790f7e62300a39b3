"""Masks beside images: a folder of each, with files of the same names, as most tools write them."""

from __future__ import annotations

from pathlib import PurePosixPath

from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.formats.coco import split_of
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten, DataFolder, DatasetFormat
from plx_train.data.formats.mask_colours import NAMES, read_colours
from plx_train.data.formats.tree import ImageTree, sort_key

FOLDERS = ("annotations", "masks", "mask", "labels", "label", "segmentationclass", "ground_truth", "gt", "annotation")
"""What folders of masks are called, in small letters."""
IMAGE_FOLDERS = ("images", "image", "img", "imgs", "jpegimages", "pictures")
"""What folders of images are called, in small letters."""
SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")
"""Suffixes of files that keep each number as it is."""
ENDINGS = ("", "_mask", "_label", "_labels", "_gt", "_seg", "-mask", "_labelTrainIds", "_gtFine_labelTrainIds")
"""What names of masks have behind those of their images."""


class MaskFolders(DatasetFormat):
    """A mask of each image in a folder beside that of the images: numbers of classes, or their colours."""

    name = "masks"
    title = "folders of images and of masks"
    truths = frozenset({Truth.MASKS})
    names_all = False

    def sign(self, folder: DataFolder) -> str | None:
        """A mask by the name of an image."""
        pairs, _ = paired(ImageTree(folder.root, folder.suffixes).images)
        return next((f"{mask} is the mask of {image}" for image, mask in pairs.items()), None)

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per image with a mask; folders called train and val are the splits."""
        found = Annotations(Truth.MASKS)
        files = ImageTree(folder.root, folder.suffixes).images
        pairs, alone = paired(files)
        colours = _colours(folder)
        if colours:
            found.labels = tuple(read_colours(folder.root / colours))
        for image, mask in pairs.items():
            split = split_of(f"{image.rpartition('/')[0]}/_")
            words = AsWritten(f"{mask}\t{colours}" if colours else mask)
            found.splits.setdefault(split, []).append(Annotation(image, words, mask))
        if alone:
            reason = f"{len(alone)} masks have no image of their name: {listed(alone)}"
            found.add(alone[0], 0, "mask-without-image", reason, is_error=False)
        others = [file for file in files if file not in pairs and not _is_mask(file)]
        if others:
            reason = f"{len(others)} images have no mask of their name, and are in no split: {listed(others)}"
            found.add(others[0], 0, "image-without-mask", reason, is_error=False)
        return found


def _colours(folder: DataFolder) -> str | None:
    """The file that says the colours of classes; None where none does."""
    fitting = (path for path in folder.files if path.name.lower() in NAMES and read_colours(path))
    return next((path.relative_to(folder.root).as_posix() for path in fitting), None)


def paired(files: list[str]) -> tuple[dict[str, str], list[str]]:
    """The mask of each image, and masks that are of none."""
    masks = [file for file in files if _is_mask(file)]
    images: dict[tuple[str, str], list[str]] = {}
    for file in files:
        if not _is_mask(file):
            images.setdefault(_place(file), []).append(file)
    pairs, alone = {}, []
    for mask in sorted(masks, key=sort_key):
        base, stem = _place(mask)
        stems = [stem.removesuffix(ending) for ending in ENDINGS if stem.endswith(ending)]
        fitting = next((images[base, one] for one in stems if len(images.get((base, one), ())) == 1), None)
        if fitting and fitting[0] not in pairs:
            pairs[fitting[0]] = mask
        else:
            alone.append(mask)
    return pairs, alone


def _is_mask(file: str) -> bool:
    path = PurePosixPath(file)
    return path.suffix.lower() in SUFFIXES and any(part.lower() in FOLDERS for part in path.parts[:-1])


def _place(file: str) -> tuple[str, str]:
    """The folder without the part that tells images from masks, and the name without its suffix."""
    path = PurePosixPath(file)
    parts = [part for part in path.parts[:-1] if part.lower() not in (*FOLDERS, *IMAGE_FOLDERS)]
    return "/".join(parts), path.stem
