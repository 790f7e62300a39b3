"""Pascal VOC: an XML file for each image, and lists of names for each split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from plx_train.contract.truth import Outline, Truth
from plx_train.data.formats.coco import split_of
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.parsed_json import corners, number
from plx_train.data.formats.tree import ImageTree
from plx_train.ground.files import read_limited

LOOKED_AT = 20
MAX_BYTES = 16 << 20
"""Larger files are no annotations of an image."""
LISTS = "ImageSets/Main"
SIDES = ("xmin", "ymin", "xmax", "ymax")


class XmlFault(Exception):
    """Why a file can't be used, in words that follow its name."""


class Voc(DatasetFormat):
    """Boxes of objects; those that are marked as difficult count neither way."""

    name = "voc"
    title = "Pascal VOC's XML files"
    truths = frozenset({Truth.BOXES})

    def sign(self, folder: DataFolder) -> str | None:
        """An XML file with what VOC has in it."""
        for path in islice(_xml_files(folder), LOOKED_AT):
            try:
                _parsed(path)
            except XmlFault:
                continue
            return f"{path.relative_to(folder.root).as_posix()} is one"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per XML file."""
        found, tree = Annotations(Truth.BOXES), ImageTree(folder.root, folder.suffixes)
        splits = _listed_splits(folder.root)
        for path in _xml_files(folder):
            file = path.relative_to(folder.root).as_posix()
            try:
                content = _parsed(path)
            except XmlFault as fault:
                found.add(file, 0, "bad-xml", f"the file {fault}")
                continue
            image = _image(content, file, tree)
            if image is None:
                name = (content.findtext("filename") or path.stem).strip()
                found.add(file, 0, "image-missing", f"there is no image {name[:200]!r} for it in the dataset's folder")
                continue
            split = splits.get(path.stem, TRAIN) if splits else split_of(f"{file.rpartition('/')[0]}/_")
            outlines = tuple(_outlines(content, file, found))
            found.splits.setdefault(split, []).append(Annotation(image, outlines, file))
        return found


def _xml_files(folder: DataFolder) -> Iterator[Path]:
    return (path for path in folder.files if path.suffix.lower() == ".xml")


def _parsed(path: Path) -> ElementTree.Element:
    """
    Raises:
        XmlFault: it can't be read, is no XML, or is none of an image.
    """
    try:
        text = read_limited(path, MAX_BYTES)
    except OSError as error:
        raise XmlFault(f"can't be read ({error.strerror or error})") from None
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise XmlFault("declares types or entities, which no annotation needs")
    try:
        content = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise XmlFault(f"is no XML: {error}") from None
    if content.tag != "annotation":
        raise XmlFault("is not VOC's: it does not begin with <annotation>")
    return content


def _listed_splits(root: Path) -> dict[str, str]:
    """The split of each name that the lists of VOC, or of PaddleX, hold."""
    found: dict[str, str] = {}
    places = [*sorted((root / LISTS).glob("*.txt")), *sorted(root.glob("*_anno_list.txt"))]
    # Lists of single classes stand beside those of the splits, under names of their own.
    for path in (each for each in places if each.stem.removesuffix("_anno_list") in ("train", "val", "valid", "test")):
        try:
            lines = read_limited(path, MAX_BYTES).decode("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        # VOC lists names; PaddleX lists an image and its XML file.
        words = (line.split() for line in lines if line.strip())
        found |= {
            PurePosixPath(each[-1 if "_anno_list" in path.name else 0]).stem: split_of(path.stem) for each in words
        }
    return found


def _image(content: ElementTree.Element, file: str, tree: ImageTree) -> str | None:
    """The image that is named, or the one that is called as the file is."""
    beside = file.rpartition("/")[0]
    stem = PurePosixPath(file).stem
    alike = tree.of_stem(stem)
    if len(alike) == 1:
        return alike[0]
    given = (content.findtext("filename") or "").strip()
    return tree.find(given, beside) if given else None


def _outlines(content: ElementTree.Element, file: str, found: Annotations) -> Iterator[Outline]:
    for place, each in enumerate(content.iter("object"), 1):
        name, box = (each.findtext("name") or "").strip(), each.find("bndbox")
        if box is None or not name:
            found.add(file, 0, "box-invalid", f"object {place} has no name or no bndbox")
            continue
        sides = [_number(box.findtext(side)) for side in SIDES]
        if None in sides:
            found.add(file, 0, "box-invalid", f"object {place} ({name[:40]}): {', '.join(SIDES)} are not all numbers")
            continue
        is_ignored = (each.findtext("difficult") or "").strip() == "1"
        left, top, right, bottom = (float(side or 0) for side in sides)
        yield Outline(corners(left, top, right, bottom), name, is_ignored)


def _number(given: str | None) -> float | None:
    try:
        return number(float(given or ""))
    except ValueError:
        return None
