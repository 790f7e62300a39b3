"""What users type against what there is: groups, their presets, and keys."""

from __future__ import annotations

from collections.abc import Iterable

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from plx_train.config.groups import GROUPS, SCHEMA, preset, presets
from plx_train.config.texts import PARAMETER, short_keys
from plx_train.config.values import flatten, refuse
from plx_train.contract.pipelines import pipeline_files
from plx_train.contract.rooms import options_class
from plx_train.ground.errors import ConfigError


def check_groups(parsed: Iterable[Override]) -> None:
    """
    Raises:
        UserError: the first preset that its group lacks, or that can't be read, or whose room can't.
    """
    for item in parsed:
        group = item.key_or_group
        if group not in GROUPS or item.is_delete():
            continue
        value = item.value()
        if value is None:
            raise ConfigError(f"{group}=null is no preset: leave it out, or give one of {', '.join(presets(group))}")
        room = preset(group, value).picks.get(SCHEMA) if isinstance(value, str) else None
        if room:
            options_class(room)


def check_keys(parsed: Iterable[Override], base: DictConfig) -> None:
    """
    Args:
        base: the configuration without the overrides of single values.

    Raises:
        ConfigError: the first key that does not exist.
    """
    known = sorted({*_known_keys(base), *short_keys()})
    for item in parsed:
        key = item.key_or_group
        if key in GROUPS or key.startswith("hydra") or _is_free_key(key, base):
            continue
        if key not in known:
            if key in _pipeline_parameters():
                raise ConfigError(f"key '{key}' does not exist; did you mean '{PARAMETER}{key}'?")
            refuse(f"key '{key}' does not exist", key, known)


def _pipeline_parameters() -> set[str]:
    """What calls of the known pipelines may set."""
    return {name for file in pipeline_files().values() for name in file.declaration.parameters}


def open_free_key(text: str, base: DictConfig) -> str:
    """An override as Hydra takes it, which wants ``++`` before a key that is not there yet."""
    return f"++{text}" if _is_free_key(text.partition("=")[0], base) else text


def _known_keys(base: DictConfig) -> list[str]:
    plain = OmegaConf.to_container(base, resolve=False)
    keys = set()
    for key in flatten(plain):
        parts = key.split(".")
        keys |= {".".join(parts[: length + 1]) for length in range(len(parts))}
    return sorted(keys)


def _is_free_key(key: str, base: DictConfig) -> bool:
    """A mapping whose keys users choose, such as device.env or optimizer.lr_scale, or a key inside one."""
    places = [OmegaConf.select(base, place) for place in (key, key.rpartition(".")[0]) if place]
    return any(isinstance(place, DictConfig) and place._metadata.object_type is dict for place in places)
