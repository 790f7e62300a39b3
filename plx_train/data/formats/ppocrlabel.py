"""PPOCRLabel: ``Label.txt`` beside the images, ``fileState.txt`` with what was confirmed, ``rec_gt.txt`` with crops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.page_lines import text_outlines
from plx_train.data.formats.tree import ImageTree, files_below
from plx_train.data.label_file import LabelFile

LABELS, STATES, CROPS = "Label.txt", "fileState.txt", "rec_gt.txt"


class PpocrLabel(DatasetFormat):
    """Pages with their texts, and crops with theirs, of one folder or several."""

    name = "ppocrlabel"
    title = "PPOCRLabel's files"
    truths = frozenset({Truth.TEXTS, Truth.TEXT})
    names_all = False

    def sign(self, folder: DataFolder) -> str | None:
        """The files that PPOCRLabel writes."""
        names = (LABELS, CROPS) if folder.truth is Truth.TEXT else (LABELS,)
        found = [path for name in names for path in _files(folder.root, name)]
        return f"{found[0].relative_to(folder.root).as_posix()} is there" if found else None

    def read(self, folder: DataFolder) -> Annotations:
        """Crops where they are wanted and were exported; else pages, of which those that were confirmed."""
        tree = ImageTree(folder.root, folder.suffixes)
        crops = list(_files(folder.root, CROPS)) if folder.truth is Truth.TEXT else []
        found = Annotations(Truth.TEXT if crops else Truth.TEXTS)
        samples = found.splits.setdefault(TRAIN, [])
        for path in crops or _files(folder.root, LABELS):
            file = LabelFile(path, folder.root)
            pairs = [(line, *_parted(text)) for line, text in file.lines()]
            found.findings += file.findings
            confirmed = _confirmed(path.with_name(STATES)) if not crops else None
            left_out = []
            for line, name, text in pairs:
                image = _image(name, path, folder.root, tree)
                if image is None:
                    found.add(file.name, line, "image-missing", f"there is no image {name[:200]!r} for the line")
                elif crops:
                    samples.append(Annotation(image, text, file.name, line))
                elif confirmed is not None and PurePosixPath(image).name not in confirmed:
                    left_out.append(image)
                else:
                    samples.append(
                        Annotation(image, tuple(text_outlines(text, file.name, line, found)), file.name, line)
                    )
            if left_out:
                reason = (
                    f"{len(left_out)} pages are not confirmed in {STATES} and are left out, the first {left_out[0]}: "
                    f"confirm them in PPOCRLabel, or take {STATES} away"
                )
                found.add(file.name, 0, "page-not-confirmed", reason, is_error=False)
        return found


def _files(root: Path, name: str) -> Iterator[Path]:
    return (path for path in files_below(root) if path.name == name)


def _parted(line: str) -> tuple[str, str]:
    name, _, text = line.partition("\t")
    return name, text


def _image(name: str, file: Path, root: Path, tree: ImageTree) -> str | None:
    """Pages are named with the folder that was opened, the one of ``Label.txt``; crops without it."""
    beside = file.parent.relative_to(root).as_posix() if file.parent != root else ""
    parts = name.replace("\\", "/").split("/")
    if len(parts) > 1 and parts[0] == file.parent.name:
        found = tree.find("/".join(parts[1:]), beside)
        if found:
            return found
    return tree.find(name, beside)


def _confirmed(path: Path) -> set[str] | None:
    """Names of the pages that were confirmed, wherever they lay then; None where nothing is known of it."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    states = (line.rpartition("\t") for line in lines if line.strip())
    return {name.replace("\\", "/").rpartition("/")[2] for name, tab, state in states if tab and state.strip() == "1"}
