"""Datasets that a studio knows: a folder for each, with where the data lie, what was corrected, what checks found."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from plx_train.ground.confine import plain_name
from plx_train.ground.errors import UserError
from plx_train.ground.places import datasets_dir
from plx_train.runs.folder import CHECK_FILE, CORRECTIONS_FILE, SUSPECTS_FILE
from plx_train.studio import forms
from plx_train.studio.folders import MENDED, without_doubled_rows
from plx_train.studio.home import Home, read_json, write_json

DATASET_FILE, FILES = "dataset.json", "files"
CHECK, AUDIT, PREDICT, SUGGEST = "check", "audit", "predict", "suggest"
KEPT = 3
"""Checks of a dataset that are kept whole; of older ones the figures stay."""
VERSION_FILE = "version.json"
VERSION_KEYS = ("fingerprint", "num_errors", "num_warnings", "division", "format")
LONGEST_NAME = 60
OF_TRAINING = tuple(
    f"dataset.{name}"
    for name in ("name", "corrections", "pool", "labelled", "labelled_seed", "limit", "overfit", "holdout_share")
)
"""Options of data that say what a training does with them."""


@dataclass(frozen=True)
class KnownData:
    """A dataset.

    Attributes:
        root: its folder; None: the one that is embedded with the module.
        module: what it is to be trained with; empty: nobody said yet.
        is_taken_in: its files were dropped, and lie in the studio's own folder.
        options: how it is read and divided, ``dataset.val_share`` for example.
        source: where the data lie that `root` is a mended copy of; empty: it is none.
        is_forgotten: it is in no list; what is known of it stays.
    """

    name: str
    root: str | None
    module: str
    made: float
    is_taken_in: bool = False
    options: dict[str, str] = field(default_factory=dict)
    source: str = ""
    is_forgotten: bool = False


class DataShelf:
    """The datasets of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def all(self) -> list[KnownData]:
        """Every dataset, the newest first; those that were forgotten last."""
        found = [one for path in self.home.data.iterdir() if (one := _read(path))]
        return sorted(found, key=lambda one: (one.is_forgotten, -one.made))

    def get(self, name: object) -> KnownData:
        """
        Raises:
            UserError: there is none of that name.
        """
        found = _read(self.folder(name))
        if found is None:
            raise UserError(f"there is no dataset {str(name)[:80]}")
        return found

    def folder(self, name: object) -> Path:
        """What the studio keeps of it."""
        return self.home.data / plain_name(name, "a request")

    def root(self, one: KnownData) -> Path:
        """Where its data lie.

        Raises:
            UserError: it is gone, or no longer a place that the studio may look into.
        """
        if one.root is None:
            return datasets_dir() / (_module(one.module).get("dataset") or "pages")
        return self.home.given_folder(one.root)

    def add(self, root: str, module: str = "") -> KnownData:
        """Makes a folder of this machine known; what is known of it already stays.

        Raises:
            UserError: the studio may not look into it.
        """
        place = self.home.given_folder(root).resolve()
        shown = self.home.shown(place)
        known = next((one for one in self.all() if one.root == shown), None)
        return self._remembered(known) if known else self._make(place.name, shown, module)

    def add_embedded(self, module: str) -> KnownData:
        """Makes the data known that are embedded with a module."""
        name = f"{_module(module).get('dataset') or 'pages'}-{module}"
        known = next((one for one in self.all() if one.root is None and one.module == module), None)
        return self._remembered(known) if known else self._make(name, None, module)

    def forget(self, name: str, is_forgotten: bool = True) -> KnownData:
        """Takes a dataset out of the lists, or back into them; its files and what is known of it stay."""
        return self._keep(replace(self.get(name), is_forgotten=is_forgotten))

    def _remembered(self, one: KnownData) -> KnownData:
        return self.forget(one.name, False) if one.is_forgotten else one

    def add_files(self, name: str) -> KnownData:
        """A new folder that files can be put into."""
        made = self._make(name, "", "")
        place = self.folder(made.name) / FILES
        place.mkdir()
        return self._keep(replace(made, root=self.home.shown(place), is_taken_in=True))

    def give(self, name: str, module: str) -> KnownData:
        """Says what a dataset is to be trained with."""
        return self._keep(replace(self.get(name), module=_module(module)["name"]))

    def leave_doubled_rows_out(self, name: str) -> int:
        """Has a copy of its tables take the place of its folder, in which no row stands twice; how many did.

        Raises:
            UserError: none does, or it is such a copy.
        """
        one, target = self.get(name), self.folder(name) / MENDED
        if one.source:
            raise UserError(f"{name} is a copy without such rows already")
        root = self.root(one)
        number = without_doubled_rows(root, target)
        self._keep(replace(one, root=self.home.shown(target), source=str(root)))
        return number

    def read_so(self, name: str, options: Mapping[str, str]) -> KnownData:
        """Says how a dataset is read and divided.

        Raises:
            UserError: the options are none, or not of a dataset.
        """
        one = replace(self.get(name), options={key: value for key, value in options.items() if value})
        known = {field["key"] for field in reading_options(one.module)}
        if other := next((key for key in one.options if key not in known), None):
            raise UserError(f"{other[:80]} says nothing of how data are read")
        if fault := forms.fault_of(self.overrides(one)):
            raise UserError(fault)
        return self._keep(one)

    def _make(self, name: str, root: str | None, module: str) -> KnownData:
        plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._-")[:LONGEST_NAME] or "data"
        taken = {path.name for path in self.home.data.iterdir()}
        plain = next(each for each in (plain, *(f"{plain}-{n}" for n in range(2, 10_000))) if each not in taken)
        self.folder(plain).mkdir()
        return self._keep(KnownData(plain, root, module and _module(module)["name"], time.time()))

    def _keep(self, one: KnownData) -> KnownData:
        write_json(self.folder(one.name) / DATASET_FILE, asdict(one))
        return one

    def overrides(self, one: KnownData) -> list[str]:
        """What a command is given to read the data as they are corrected.

        Raises:
            UserError: nobody said yet what they are for.
        """
        if not one.module:
            raise UserError(f"{one.name}: choose first what is to be learned from it")
        root = [] if one.root is None else [f"dataset.root={one.root}"]
        corrections = [f"dataset.corrections={path}" for path in self.corrections(one)]
        return [f"module={one.module}", *root, *corrections, *(f"{key}={value}" for key, value in one.options.items())]

    def corrections(self, one: KnownData) -> list[str]:
        """The file of corrections, as commands name it; none where nothing is corrected."""
        path = self.folder(one.name) / CORRECTIONS_FILE
        return [self.home.shown(path)] if path.is_file() else []

    def new_output(self, one: KnownData, what: str) -> str:
        """A folder for what a job finds out, as commands name it; what older ones left is tidied."""
        place = self.folder(one.name) / what
        for path in self.outputs(one, what)[KEPT - 1 :]:
            _shorten(path)
        return self.home.shown(place / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")

    def outputs(self, one: KnownData, what: str) -> list[Path]:
        """Folders of jobs of a kind, the newest first."""
        place = self.folder(one.name) / what
        return sorted(place.iterdir(), reverse=True) if place.is_dir() else []

    def latest(self, one: KnownData, what: str, file: str) -> Path | None:
        """The newest folder of such a job in which `file` was written; it is the last that the job writes."""
        return next((path for path in self.outputs(one, what) if (path / file).is_file()), None)

    def check(self, one: KnownData) -> Path | None:
        """The folder of the last check that came to an end."""
        return self.latest(one, CHECK, CHECK_FILE)

    def audit(self, one: KnownData) -> Path | None:
        """The folder of the last search for wrong labels."""
        return self.latest(one, AUDIT, SUSPECTS_FILE)

    def version(self, one: KnownData) -> dict[str, Any] | None:
        """What the last check found, in figures."""
        return next(_versions(self.outputs(one, CHECK)), None)

    def versions(self, one: KnownData) -> list[dict[str, Any]]:
        """What each check found, in figures, the newest first."""
        return list(_versions(self.outputs(one, CHECK)))


def reading_options(module: str) -> list[dict[str, Any]]:
    """Options that say how data are read and divided."""
    if not module:
        return []
    told = forms.form(module)
    fields = (one for one in (*told["first"], *told["rest"]) if one["key"].startswith("dataset."))
    return [one for one in fields if one["key"] not in OF_TRAINING]


def _versions(folders: list[Path]) -> Iterator[dict[str, Any]]:
    for path in folders:
        kept = read_json(path / VERSION_FILE, None) or _version(path)
        if kept:
            yield kept


def _version(path: Path) -> dict[str, Any] | None:
    check = read_json(path / CHECK_FILE, None)
    if not isinstance(check, dict):
        return None
    return {"at": (path / CHECK_FILE).stat().st_mtime, **{key: check.get(key) for key in VERSION_KEYS}}


def _shorten(path: Path) -> None:
    """Takes away what an old job left, but for its figures."""
    version = _version(path)
    if version is not None:
        write_json(path / VERSION_FILE, version)
    for each in path.iterdir() if path.is_dir() and not path.is_symlink() else ():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each, ignore_errors=True)
        elif each.name != VERSION_FILE:
            each.unlink(missing_ok=True)


def _read(folder: Path) -> KnownData | None:
    told = read_json(folder / DATASET_FILE, None)
    try:
        return KnownData(**told)
    except TypeError:
        return None


def _module(name: str) -> dict[str, Any]:
    """
    Raises:
        UserError: there is no such module.
    """
    found = next((one for one in forms.modules() if one["name"] == name), None)
    if found is None:
        raise UserError(f"there is no module {name[:80]}")
    return found
