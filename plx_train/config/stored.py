"""The typed options in Hydra's store."""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import OmegaConf

from plx_train.config.groups import SCHEMA, foreign_presets
from plx_train.config.options import RunOptions
from plx_train.contract.rooms import usable_options


class _Node(ConfigNode):
    """Options of a dataclass, which are read when they are asked for: a command composes with those of one room."""

    def __init__(self, name: str, kind: type, group: str | None) -> None:
        self._kind, self._content = kind, None
        self.name, self.group, self.package, self.provider = name, group, None, None

    @property  # type: ignore[override]
    def node(self) -> Any:
        if self._content is None:
            self._content = OmegaConf.structured(self._kind)
        return self._content

    @node.setter
    def node(self, content: Any) -> None:
        self._content = content


def register_schemas() -> None:
    """Puts the typed options into Hydra's store; adding a room needs no line here."""
    store = ConfigStore.instance()
    _put(store.repo, _Node("run_options.yaml", RunOptions, None))
    rooms = store.repo.setdefault(SCHEMA, {})
    for name, kind in usable_options().items():
        _put(rooms, _Node(f"{name}.yaml", kind, SCHEMA))
    for one in foreign_presets():
        store.store(group=one.group, name=one.name, node=OmegaConf.create(one.content), package=one.package)


def _put(there: dict[str, Any], node: _Node) -> None:
    found = there.get(node.name)
    if not isinstance(found, _Node) or found._kind is not node._kind:
        there[node.name] = node
