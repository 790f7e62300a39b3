"""PaddleX's own label files, unread but for the image that each line names: to be divided, or copied."""

from __future__ import annotations

from plx_train.contract.truth import Truth
from plx_train.data.defect_lines import fields_of
from plx_train.data.formats.coco import annotations_of, is_coco
from plx_train.data.formats.dataset_format import (
    TEST,
    TRAIN,
    VAL,
    Annotation,
    Annotations,
    AsWritten,
    DataFolder,
    DatasetFormat,
)
from plx_train.data.formats.page_lines import are_pages
from plx_train.data.formats.parsed_json import JsonFault
from plx_train.data.formats.tree import ImageTree, joined
from plx_train.data.label_file import ABSOLUTE, LabelFile, image_and_mask

TEST_FILE = "test.txt"
OF_TABLES = (".csv", ".tsv")


class PaddlexLists(DatasetFormat):
    """A label file for each split, one image a line."""

    name = "paddlex"
    title = "PaddleX's label files"
    truths = frozenset({Truth.CLASS, Truth.LABELS, Truth.TEXT, Truth.TEXTS, Truth.BOXES, Truth.MASKS, Truth.DEFECT})
    names_all = False

    def sign(self, folder: DataFolder) -> str | None:
        """The label file of the training split."""
        is_there = (folder.root / folder.train).is_file() and not folder.train.lower().endswith(OF_TABLES)
        return f"{folder.train} is there" if is_there else None

    def read(self, folder: DataFolder) -> Annotations:
        """The lines of the label files that there are; those of pages where texts are wanted that stand in such."""
        found = Annotations(Truth.TEXTS if has_pages(folder) else folder.truth)
        for split, name in ((TRAIN, folder.train), (VAL, folder.val), (TEST, TEST_FILE)):
            is_other = split != TEST or name not in (folder.train, folder.val)
            if (folder.root / name).is_file() and is_other:
                if folder.truth is Truth.BOXES:
                    found.splits[split] = _boxes(folder, name, found)
                    continue
                file = LabelFile(folder.root / name, folder.root)
                found.splits[split] = [_annotation(text, line, file, folder) for line, text in file.lines()]
                found.findings += file.findings
        return found


def has_pages(folder: DataFolder) -> bool:
    """Whether single texts are wanted, and the label files have those of whole pages."""
    return folder.truth is Truth.TEXT and are_pages(folder.root / folder.train)


def _boxes(folder: DataFolder, name: str, found: Annotations) -> list[Annotation]:
    """The images of a COCO file with their boxes."""
    try:
        content = folder.json(folder.root / name)
    except JsonFault as fault:
        found.add(name, 0, "bad-json", f"the file {fault}")
        return []
    if not is_coco(content):
        found.add(name, 0, "not-coco", "it is no COCO file: it lacks images, annotations or categories")
        return []
    return list(annotations_of(content, name, ImageTree(folder.root, folder.suffixes), found))


def _annotation(text: str, line: int, file: LabelFile, folder: DataFolder) -> Annotation:
    if folder.truth is Truth.MASKS:
        # With a file of colours there are three fields.
        name, words = text.split("\t", 1) if text.count("\t") == 2 else image_and_mask(text)
    elif folder.truth is Truth.DEFECT:
        name, *others = fields_of(text, folder.suffixes)
        words = "\t".join(others)
    elif folder.truth is Truth.CLASS:
        place = max(text.rstrip().rfind(" "), text.rstrip().rfind("\t"))
        name, words = text[: max(place, 0)].strip(), text[place + 1 :].strip()
    else:
        name, tab, words = text.partition("\t")
        name = name if tab else ""
    image = _inside(name)
    if not image:
        return Annotation("", AsWritten(text, is_whole=True), file.name, line)
    if "\\" in name:
        file.add_backslashes(line, name)
    return Annotation(image, AsWritten(words), file.name, line)


def _inside(name: str) -> str | None:
    """A line's image as other lines that mean it have it too; None where it leaves the folder, or there is none."""
    if ABSOLUTE.match(name):
        return None
    return joined((), [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")])
