"""Good pictures to learn, and kinds of defects to judge by, as MVTec AD keeps them; also good pictures alone."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.formats.dataset_format import (
    TRAIN,
    VAL,
    Annotation,
    Annotations,
    AsWritten,
    DataFolder,
    DatasetFormat,
)
from plx_train.data.formats.tree import files_below, folders_in, is_image

GOOD = ("good", "ok", "normal", "nominal")
"""Names of folders of pictures without a defect."""
TRAIN_FOLDER, TEST_FOLDER, MASKS = "train", "test", "ground_truth"
MASK_ENDS = ("_mask", "")
"""What a mask's name has behind that of its picture."""
GOOD_KIND = "good"
ALONE = "it holds pictures and no labels, which are taken for good"
"""What is said of a folder that may be anything else as well."""


class DefectFolders(DatasetFormat):
    """``train/good``, ``test/<defect>``, ``ground_truth/<defect>``; or the folders of kinds alone; or good pictures."""

    name = "mvtec"
    title = "folders of good pictures and of defects"
    truths = frozenset({Truth.DEFECT})
    names_all = False

    def sign(self, folder: DataFolder) -> str | None:
        """A folder of good pictures, or pictures directly in the dataset's folder."""
        train = folder.root / TRAIN_FOLDER
        place = train if train.is_dir() else folder.root
        good = next((path.name for path in folders_in(place) if _is_good(path.name) and _images(path, folder)), None)
        if good is not None:
            return f"{good if place == folder.root else f'{TRAIN_FOLDER}/{good}'} holds pictures"
        has_images = any(is_image(path, folder.suffixes) for path in place.iterdir() if path.is_file())
        return ALONE if has_images else None

    def read(self, folder: DataFolder) -> Annotations:
        """The pictures of all folders; of those in ``test`` to judge by, where there are such."""
        found = Annotations(Truth.DEFECT)
        train, test = folder.root / TRAIN_FOLDER, folder.root / TEST_FOLDER
        found.splits[TRAIN] = _pictures(train if train.is_dir() else folder.root, folder, found)
        if test.is_dir() and test != folder.root:
            found.splits[VAL] = _pictures(test, folder, found)
        return found


def _pictures(place: Path, folder: DataFolder, found: Annotations) -> list[Annotation]:
    loose = [path for path in sorted(place.iterdir()) if path.is_file() and is_image(path, folder.suffixes)]
    kinds = [path for path in folders_in(place) if path.name not in (TRAIN_FOLDER, TEST_FOLDER, MASKS)]
    named = [path for path in kinds if _images(path, folder)]
    if not any(_is_good(path.name) for path in named):
        # Nothing is called good: all are.
        every = [path for path in files_below(place) if is_image(path, folder.suffixes) and MASKS not in path.parts]
        return [_annotation(path, GOOD_KIND, None, folder) for path in every]
    if loose:
        reason = (
            f"{len(loose)} images lie in no kind's folder and are left out: {listed([path.name for path in loose])}"
        )
        found.add(place.name, 0, "image-without-kind", reason, is_error=False)
    samples = []
    for path in named:
        kind = GOOD_KIND if _is_good(path.name) else path.name
        masks = {} if kind == GOOD_KIND else _masks(folder.root / MASKS / path.name, folder)
        pictures = _images(path, folder)
        without = [one.name for one in pictures if masks and _mask_of(one, masks) is None]
        if without:
            where = path.relative_to(folder.root).as_posix()
            reason = f"{len(without)} images have no mask in {MASKS}/{path.name}: {listed(without)}"
            found.add(where, 0, "mask-missing", reason, is_error=False)
        samples += [_annotation(one, kind, _mask_of(one, masks), folder) for one in pictures]
    return samples


def _annotation(path: Path, kind: str, mask: Path | None, folder: DataFolder) -> Annotation:
    image = path.relative_to(folder.root).as_posix()
    words = kind if mask is None else f"{kind}\t{mask.relative_to(folder.root).as_posix()}"
    return Annotation(image, AsWritten(words), image)


def _is_good(name: str) -> bool:
    return name.lower() in GOOD


def _images(path: Path, folder: DataFolder) -> list[Path]:
    return [one for one in files_below(path) if is_image(one, folder.suffixes)]


def _masks(path: Path, folder: DataFolder) -> dict[str, Path]:
    return {one.stem: one for one in _images(path, folder)} if path.is_dir() else {}


def _mask_of(picture: Path, masks: dict[str, Path]) -> Path | None:
    return next((masks[picture.stem + end] for end in MASK_ENDS if picture.stem + end in masks), None)
