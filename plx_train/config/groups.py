"""The groups of presets under ``conf/``, and what each of their YAML files says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from plx_train.config.values import flatten, refuse
from plx_train.contract.rooms import foreign_folders
from plx_train.ground.errors import ConfigError, reason_of
from plx_train.ground.places import conf_dir, datasets_dir

GROUPS = {
    "module": "what is trained, with its recipe",
    "dataset": "on what; dataset.root=/my/data takes your own",
    "device": "where it is computed",
    "tracking": "where it is recorded",
    "sweep": "what chooses the values of -m",
    "experiment": "a module, a dataset and settings that belong together",
    "debug": "a trial of all parts",
}
"""What a preset of each group says."""
GLOBAL = "# @package _global_"
"""First line of a YAML file whose keys are those of the whole configuration, not of its group's section."""
EMBEDDED = re.compile(r"\$\{embedded:(\w+)\}")
SCHEMA = "schema"
"""Group from which a module's preset takes the options of its room."""


@dataclass(frozen=True)
class Preset:
    """An option of a group, which is one YAML file: ``module=text_det``."""

    group: str
    name: str
    path: Path

    @property
    def sentence(self) -> str:
        """What it is for: its first comment, which ``--help`` shows."""
        comments = [line[1:].strip() for line in self._text.splitlines() if line.startswith("#")]
        return next((line for line in comments if not line.startswith("@package")), "")

    @property
    def is_readable(self) -> bool:
        """Whether it is YAML; that it is not is told to whoever asks for it."""
        try:
            return isinstance(self.content, dict)
        except ConfigError:
            return False

    @property
    def package(self) -> str | None:
        """Where its keys stand, for Hydra; None: in its group's section."""
        return "_global_" if self._text.startswith(GLOBAL) else None

    @property
    def picks(self) -> dict[str, str]:
        """Which options of other groups it takes, by group."""
        found: dict[str, str] = {}
        for entry in self.content.get("defaults", []):
            if isinstance(entry, dict):
                found |= {place.removeprefix("override").strip(" /"): str(name) for place, name in entry.items()}
            elif entry != "_self_":
                group, _, name = entry.strip("/").partition("@")[0].rpartition("/")
                found[group] = name
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """What it sets, by dotted key."""
        tree = {key: value for key, value in self.content.items() if key != "defaults"}
        found = flatten(tree, "" if self._text.startswith(GLOBAL) else self.group)
        return {key: EMBEDDED.sub(_dataset, value) if isinstance(value, str) else value for key, value in found.items()}

    @cached_property
    def _text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the file says.

        Raises:
            ConfigError: it is no YAML.
        """
        try:
            return yaml.safe_load(self._text) or {}
        except yaml.YAMLError as error:
            raise ConfigError(f"{self.path} is no YAML: {reason_of(error)}") from None


def _dataset(found: re.Match[str]) -> str:
    return str(datasets_dir() / found[1])


def presets(group: str) -> dict[str, Preset]:
    """A group's presets by name; those of packages that bring rooms come after ours, and can't take their names."""
    folders = [conf_dir(), *(folder / "conf" for folder in foreign_folders())]
    found: dict[str, Preset] = {}
    for path in (path for folder in folders for path in sorted((folder / group).glob("*.yaml"))):
        found.setdefault(path.stem, Preset(group, path.stem, path))
    return found


def foreign_presets() -> list[Preset]:
    """The presets that packages with rooms bring, which lie outside the folder that Hydra looks into."""
    every = (one for group in GROUPS for one in presets(group).values())
    return [one for one in every if not one.path.is_relative_to(conf_dir()) and one.is_readable]


def preset(group: str, name: str) -> Preset:
    """
    Raises:
        ConfigError: the group has no preset of that name.
    """
    found = presets(group)
    if name not in found:
        refuse(f"{group}={name} does not exist", name, list(found))
    return found[name]


def group_options(group: str) -> dict[str, str]:
    """The sentence of each preset of a group by name."""
    return {name: one.sentence for name, one in presets(group).items()}
