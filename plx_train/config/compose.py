"""Composes a run's options with Hydra and turns every mistake into one sentence, without importing paddle."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from plx_train.config.faults import explained, one_sentence, unreadable
from plx_train.config.groups import GROUPS, foreign_presets, preset
from plx_train.config.keys import check_groups, check_keys, open_free_key
from plx_train.config.mappings import entries_of, is_entry, put
from plx_train.config.options import ColumnsOptions, RunOptions
from plx_train.config.schema import options_with_module
from plx_train.config.stored import register_schemas
from plx_train.config.texts import PARAMETER, as_typed_in_full, key_of
from plx_train.config.values import check_choices, check_values, flatten
from plx_train.config.written import all_literal, literal
from plx_train.contract.rooms import load_room, options_class, room_names
from plx_train.ground.credentials import put_away, put_away_in
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.ground.places import conf_dir, datasets_dir

NAMED_SETTINGS = ("experiment", "debug")
"""Groups whose presets say how long a run is as if it were typed; what a module's recipe says is a default."""
MOST_KEPT = 32


@dataclass(frozen=True)
class Composed:
    """A run's options, typed, with the YAML that reproduces them."""

    options: RunOptions
    yaml: str
    overrides: tuple[str, ...]
    flat: dict[str, Any]
    """Every leaf by dotted key."""


def compose_run(overrides: Sequence[str], is_recorded: bool = False) -> Composed:
    """The typed options of ``key=value`` overrides in Hydra's syntax.

    Args:
        is_recorded: a former run began with them; its version may have had other bounds for values.

    Raises:
        ConfigError: the first mistake, in one sentence.
    """
    register_schemas()
    names_sweep = any(text in overrides for text in ("mode=promote", "mode=sweep_report"))
    overrides = [as_typed_in_full(as_public(text), names_sweep) for text in overrides]
    entries = [one for text in overrides if is_entry(text) for one in entries_of(text)]
    parsed = _parse([text for text in overrides if not is_entry(text)])
    check_groups(parsed)
    for item in parsed:
        if item.is_sweep_override():
            raise ConfigError(f"{item.key_or_group} has several values: add -m for one run with each")
    GlobalHydra.instance().clear()
    _register_resolver()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        base = _presets([str(item.input_line) for item in parsed if _is_preset(item)])
        check_keys(parsed, base)
        config = _overridden(base, parsed)
    given = {key_of(text) for text in overrides}.union(*map(_keys_in, parsed))
    with explained(overrides):
        put(config, entries)
        _forget_embedded(config, base, given)
        _fill_time(config, parsed, given)
    return _typed(config, overrides, is_recorded)


def as_public(text: str) -> str:
    """An override without passwords in it, which are put away; one with ``${`` in it stays as it was typed."""
    text = put_away_in(text)
    if "://" not in text or "\\" not in text or is_entry(text):
        return text
    try:
        (item,) = _parse([text])
        value = item.value()
    except (ConfigError, ValueError):  # told where it is composed
        return text
    if not isinstance(value, str) or "${" in value or put_away(value) == value:
        return text
    escaped = re.sub(r"([\\']+)", lambda found: found[1].replace("\\", "\\\\").replace("'", "\\'"), put_away(value))
    return f"{text.partition('=')[0]}='{escaped}'"


def _is_preset(item: Override) -> bool:
    """Whether it takes one of a group's presets, or none, as ``dataset={root: …}`` does not."""
    return item.key_or_group in GROUPS and not isinstance(item.value(), dict)


def _keys_in(item: Override) -> set[str]:
    """The keys whose values stand in an override of a section: ``trainer={max_time: 5m}``."""
    value = item.value()
    return set(flatten(value, item.key_or_group)) if isinstance(value, dict) else set()


def _forget_embedded(config: DictConfig, base: DictConfig, given: set[str]) -> None:
    """Takes the embedded dataset's name and columns off data that were put in its place."""
    if OmegaConf.is_missing(config.dataset, "root") or OmegaConf.is_missing(base.dataset, "root"):
        return
    if config.dataset.root == base.dataset.root or not Path(base.dataset.root).is_relative_to(datasets_dir()):
        return
    if "dataset.name" not in given:
        config.dataset.name = literal(resolve_path(config.dataset.root).name)
    if "dataset.columns" not in given:
        for name, value in asdict(ColumnsOptions()).items():
            if f"dataset.columns.{name}" not in given:
                OmegaConf.update(config, f"dataset.columns.{name}", value)


def _fill_time(config: DictConfig, parsed: Sequence[Override], given: set[str]) -> None:
    """Takes a recipe's number of epochs off a run that is given its time.

    Given counts what was typed, and what stands in an experiment or a trial that the command names.

    Raises:
        ConfigError: nothing says how long the run is.
    """
    trainer = config.trainer
    named = [(one.key_or_group, one.value()) for one in parsed if not one.is_delete()]
    presets = [preset(group, name) for group, name in named if group in NAMED_SETTINGS and isinstance(name, str)]
    given = given.union(*(one.settings for one in presets))
    is_by_time = "trainer.max_time" in given and trainer.max_time is not None and trainer.max_steps is None
    if is_by_time and "trainer.epochs" not in given:
        trainer.epochs = None
    if trainer.epochs is None and trainer.max_steps is None and trainer.max_time is None:
        raise ConfigError("trainer.epochs=null: give trainer.max_time or trainer.max_steps, or how many epochs")


def _register_resolver() -> None:
    OmegaConf.register_new_resolver("embedded", lambda name: str(datasets_dir() / name), replace=True)


_composed: dict[str, DictConfig] = {}
"""Configurations of presets alone: a command composes the same ones twice, a sweep does for each of its trials."""


def _presets(lines: Sequence[str]) -> DictConfig:
    """The configuration of presets alone, which nobody may change."""
    key = repr((lines, str(conf_dir()), room_names(), foreign_presets()))
    found = _composed.get(key)
    # A room's options may be another class by now.
    if found is None or OmegaConf.get_type(found, "module") is not options_class(str(found.module.name)):
        if len(_composed) >= MOST_KEPT:
            _composed.clear()
        found = _composed[key] = _of_presets(lines)
        OmegaConf.set_readonly(found, True)
    return found


def _of_presets(lines: Sequence[str]) -> DictConfig:
    """What Hydra composes, by its own lines, without its own configuration, which is most of what it composes."""
    with explained(lines):
        loader: Any = GlobalHydra.instance().config_loader()
        parsed, repository = loader._parse_overrides_and_create_caching_repo("config", list(lines))
        chosen = create_defaults_list(repository, "config", parsed, prepend_hydra=False, skip_missing=False)
        config: DictConfig = loader._compose_config_from_defaults_list(chosen.defaults, repository)
        OmegaConf.set_struct(config, True)
        ConfigLoaderImpl._apply_overrides_to_config(chosen.config_overrides, config)
    return config


def _compose(overrides: Sequence[str]) -> DictConfig:
    with explained(overrides):
        return compose(config_name="config", overrides=list(overrides))


def _overridden(base: DictConfig, parsed: Sequence[Override]) -> DictConfig:
    """The configuration of presets with single values set, by the lines that Hydra runs once presets are composed.

    To have it compose them once more would take a tenth of a second; what is said to Hydra itself has it do so.
    """
    lines = [open_free_key(str(item.input_line), base) for item in parsed if not _is_preset(item)]
    if any(item.key_or_group.startswith("hydra") for item in parsed):
        return _compose([*(str(item.input_line) for item in parsed if _is_preset(item)), *lines])
    config = copy.deepcopy(base)
    OmegaConf.set_readonly(config, None)
    with explained(lines):
        ConfigLoaderImpl._apply_overrides_to_config(_parse(lines), config)
    return config


def composed_from(recorded: DictConfig, overrides: Sequence[str]) -> Composed:
    """The options of a configuration that was composed before; what it lacks has its default.

    Values stay that were possible when it was composed: what a command line says anew has been looked at already.

    Raises:
        ConfigError: it holds a key or a value that this version does not know.
    """
    try:
        config = OmegaConf.structured(RunOptions)
        config.module = OmegaConf.structured(options_class(str(recorded.module.name)))
        merged = OmegaConf.merge(config, _without_retired(recorded))
    except (OmegaConfBaseException, UserError) as error:
        raise ConfigError(f"a recorded configuration can't be used: {one_sentence(error)}") from None
    assert isinstance(merged, DictConfig)
    return _typed(merged, [put_away_in(text) for text in overrides], is_recorded=True)


def _without_retired(recorded: DictConfig) -> DictConfig:
    """A recorded configuration without what its room's options held in former versions, and data say now."""
    retired = load_room(str(recorded.module.name)).retired_options
    kept = copy.deepcopy(recorded)
    for key in retired & set(kept.module):
        del kept.module[key]
    return kept


def _typed(config: DictConfig, overrides: Sequence[str], is_recorded: bool) -> Composed:
    with explained():
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise ConfigError(f"{missing[0]} has no value: give {missing[0]}=…")
        # Recorded absolute, so that a run can be evaluated from any folder.
        root = resolve_path(config.dataset.root) if config.dataset.root else ""
        config.dataset.root = literal(str(root))
        _put_away_passwords(config)
        plain = OmegaConf.to_container(config, resolve=True)
        options = OmegaConf.to_object(config)
    assert isinstance(options, RunOptions)
    if type(options.module) is not options_class(options.module.name):
        raise ConfigError(f"module.name={options.module.name} names another module: give module=… and leave it out")
    _check_pipeline(options)
    flat = flatten(plain)
    check = check_choices if is_recorded else check_values
    check(options_with_module(options.module), flat)
    return Composed(options, OmegaConf.to_yaml(OmegaConf.create(all_literal(plain))), tuple(overrides), flat)


def _put_away_passwords(config: DictConfig) -> None:
    """Takes them out of addresses that presets and former versions' records name."""
    for key in ("tracking.uri", "sweep.storage"):
        address = OmegaConf.select(config, key)
        public = put_away(address) if address else None
        if public != address:
            OmegaConf.update(config, key, literal(str(public)))


def _check_pipeline(options: RunOptions) -> None:
    for name in options.pipeline_parameters:
        if options.mode not in ("predict", "serve"):
            raise ConfigError(f"{PARAMETER}{name} is for mode=predict and mode=serve, not for mode={options.mode}")
        if not options.pipeline:
            raise ConfigError(f"{PARAMETER}{name} is of no pipeline: name one, as in pipeline=OCR")


def _parse(overrides: Sequence[str]) -> list[Override]:
    parsed = []
    for text in overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except HydraException:
            raise ConfigError(unreadable(text)) from None
    return parsed


def default_values(options: Composed) -> dict[str, Any]:
    """The leaves of the same module, dataset and device without any other override, to show what was changed."""
    groups = [text for text in options.overrides if key_of(text) in GROUPS]
    return compose_run(groups).flat
