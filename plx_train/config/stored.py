"""The typed options in Hydra's store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import OmegaConf

from plx_train.config.groups import SCHEMA, foreign_presets
from plx_train.config.options import RunOptions
from plx_train.contract.rooms import options_class, room_names


class _Node(ConfigNode):
    """Options of a dataclass, which are looked for when they are asked for: a command composes with those of one room.

    Args:
        kind_of: gives the dataclass, which may be another one later.
    """

    def __init__(self, name: str, kind_of: Callable[[], type], group: str | None) -> None:
        self._kind_of, self._kind, self._content = kind_of, None, None
        self.name, self.group, self.package, self.provider = name, group, None, None

    @property  # type: ignore[override]
    def node(self) -> Any:
        kind: Any = self._kind_of()
        if kind is not self._kind:
            self._kind, self._content = kind, OmegaConf.structured(kind)
        return self._content

    @node.setter
    def node(self, content: Any) -> None:
        self._content = content


def register_schemas() -> None:
    """Puts the typed options into Hydra's store; adding a room needs no line here."""
    store = ConfigStore.instance()
    store.repo.setdefault("run_options.yaml", _Node("run_options.yaml", lambda: RunOptions, None))
    rooms = store.repo.setdefault(SCHEMA, {})
    for name in room_names():
        rooms.setdefault(f"{name}.yaml", _Node(f"{name}.yaml", partial(options_class, name), SCHEMA))
    for one in foreign_presets():
        store.store(group=one.group, name=one.name, node=OmegaConf.create(one.content), package=one.package)
