"""Label Studio: the JSON export, a list of tasks with annotations; choices are classes or labels, regions are texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.json_files import json_files
from plx_train.data.formats.label_studio_regions import outlines_of
from plx_train.data.formats.label_studio_short import in_full, is_short
from plx_train.data.formats.parsed_json import text_of
from plx_train.data.formats.tree import ImageTree, is_image, sort_key

ANNOTATIONS = ("annotations", "completions")
"""Under which tasks keep what was marked, in today's and the first versions."""
REGIONS = ("rectangle", "rectanglelabels", "polygon", "polygonlabels", "textarea")


@dataclass(frozen=True)
class StudioTask:
    """One image of an export with the results of the annotation that counts."""

    image: str
    results: list[dict[str, Any]]
    file: str
    place: int

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"task {self.place}"


class LabelStudio(DatasetFormat):
    """Tasks that were annotated; those that were skipped or never opened are left out."""

    name = "label_studio"
    title = "Label Studio's JSON export"
    truths = frozenset({Truth.CLASS, Truth.LABELS, Truth.TEXTS, Truth.BOXES})

    def sign(self, folder: DataFolder) -> str | None:
        """A list of tasks with what is wanted in one of their results."""
        wanted = ("choices",) if folder.truth in (Truth.CLASS, Truth.LABELS) else REGIONS
        for file, tasks in _exports(folder, None):
            if any(result.get("type") in wanted for task in tasks for result in _results_of(task)[0]):
                return f"{file} is one"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per task."""
        found, tree = Annotations(self.given(folder.truth)), ImageTree(folder.root, folder.suffixes)
        tasks = list(_tasks(folder, tree, found))
        samples = found.splits.setdefault(TRAIN, [])
        if found.truth in (Truth.TEXTS, Truth.BOXES):
            for task in tasks:
                size = partial(folder.size_of, folder.root / task.image)
                outlines = outlines_of(task.results, size, task.name, task.file, found)
                samples.append(Annotation(task.image, outlines, task.file))
            return found
        control = _control(tasks, folder, found)
        chosen = [(task, _choices(task, control)) for task in tasks]
        if found.truth is Truth.LABELS:
            found.labels = tuple(sorted({name for _, names in chosen for name in names}, key=sort_key))
            samples += [Annotation(task.image, names, task.file) for task, names in chosen]
            return found
        for task, names in chosen:
            if len(names) == 1:
                samples.append(Annotation(task.image, names[0], task.file))
            else:
                reason = f"{task.name} ({task.image}) has {len(names)} choices, and an image has one class"
                found.add(task.file, 0, "choices-not-one", reason, is_error=bool(names))
        return found


def _exports(folder: DataFolder, found: Annotations | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Tasks by the file that holds them; where `found` is given, other files are told."""

    def is_address(text: str) -> bool:
        return any(is_image(Path(path), folder.suffixes) for path in _paths_of(text))

    for file, content in json_files(folder, found):
        if _is_export(content):
            yield file, content
        elif is_short(content, is_address):
            yield file, in_full(content, is_address)
        elif found is not None:
            found.add(file, 0, "other-json", "the file is no export of tasks with their annotations", is_error=False)


def _is_export(content: Any) -> bool:
    if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
        return False
    with_data = (task for task in content if isinstance(task.get("data"), dict))
    return any(isinstance(task.get(key), list) for task in with_data for key in ANNOTATIONS)


def _tasks(folder: DataFolder, tree: ImageTree, found: Annotations) -> Iterator[StudioTask]:
    for file, tasks in _exports(folder, found):
        left_out = []
        for place, content in enumerate(tasks, 1):
            results, is_done, is_disputed = _results_of(content)
            number = content["id"] if isinstance(content.get("id"), int) else place
            if not is_done:
                left_out.append(number)
                continue
            image, given = _image(content, tree)
            if image is None:
                found.add(file, 0, "image-missing", f"task {number}: there is no image {given[:200]!r} in the folder")
                continue
            if is_disputed:
                reason = f"task {number} ({image}) has several annotations: a ground truth counts, else the last one"
                found.add(file, 0, "several-annotations", reason, is_error=False)
            yield StudioTask(image, results, file, int(number))
        if left_out:
            reason = f"{len(left_out)} tasks were skipped or not annotated, and are left out: {listed(left_out)}"
            found.add(file, 0, "task-not-annotated", reason, is_error=False)


def _results_of(task: dict[str, Any]) -> tuple[list[dict[str, Any]], bool, bool]:
    """Results of the annotation that counts, whether there is one, and whether there were others.

    What was marked as ground truth counts, else what was changed last.
    """
    given: list[Any] = next((task[key] for key in ANNOTATIONS if isinstance(task.get(key), list)), [])
    done = [one for one in given if isinstance(one, dict) and not one.get("was_cancelled") and not one.get("skipped")]
    if not done:
        return [], False, False
    last = max(done, key=lambda one: (one.get("ground_truth") is True, text_of(one.get("updated_at"))))
    results = last.get("result")
    kept = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    return kept, True, len(done) > 1


def _image(task: dict[str, Any], tree: ImageTree) -> tuple[str | None, str]:
    """The task's image, and what the task calls it."""
    data = task.get("data")
    texts = [text for text in data.values() if isinstance(text, str)] if isinstance(data, dict) else []
    named = [path for text in texts for path in _paths_of(text) if is_image(Path(path), tree.suffixes)]
    uploaded = text_of(task.get("file_upload"))
    for name in [*named, *([uploaded] if uploaded else [])]:
        found = tree.find(name)
        if found:
            return found, name
    return None, (named or texts or [uploaded])[0]


def _paths_of(address: str) -> list[str]:
    """The paths that an address may mean: of ``/data/local-files/?d=a%20b.jpg`` it is ``a b.jpg``.

    Local files stood there as they are called, with ``+``, ``&`` and ``#`` that mean something else in addresses.
    """
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get("d", [""])[0]
    except ValueError:
        return [address]
    if not local:
        return [unquote(parts.path)]
    as_written = address.partition("?d=")[2] or address.partition("&d=")[2]
    return list(dict.fromkeys((local, unquote(as_written), as_written)))


def _control(tasks: list[StudioTask], folder: DataFolder, found: Annotations) -> str | None:
    """The control whose choices count: the only one, or the one that is named."""
    results = (one for task in tasks for one in task.results)
    names = sorted({text_of(one.get("from_name")) for one in results if one.get("type") == "choices"})
    if folder.label is not None:
        return folder.label
    if len(names) > 1 and tasks:
        reason = f"choices of several controls ({listed(names)}): say which by dataset.columns.label=<name>"
        found.add(tasks[0].file, 0, "several-controls", reason)
    return names[0] if names else None


def _choices(task: StudioTask, control: str | None) -> tuple[str, ...]:
    chosen: list[str] = []
    for one in task.results:
        value = one.get("value")
        names = value.get("choices") if isinstance(value, dict) and one.get("type") == "choices" else None
        if isinstance(names, list) and text_of(one.get("from_name")) == (control or ""):
            chosen += [name for name in names if isinstance(name, str) and name not in chosen]
    return tuple(chosen)
