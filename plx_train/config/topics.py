"""What words behind ``--help`` ask for: a module's options, a preset, a section, a key or a mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plx_train.config.groups import GROUPS, SCHEMA, group_options, preset, presets
from plx_train.config.options import MODES
from plx_train.config.schema import MODULE, option_at, options_of_run
from plx_train.config.texts import key_of, short_keys
from plx_train.config.values import nearest, refuse
from plx_train.contract.option import Option, Trait, options_of
from plx_train.contract.rooms import options_class, room_names
from plx_train.ground.errors import ConfigError

MODE, WHAT_IS_DONE = "mode", "what is done"


@dataclass(frozen=True)
class Topic:
    """Something to be explained.

    Attributes:
        title: as it is typed; empty for options alone.
        sentence: what it is for.
        options: those it is about, by key.
        values: what presets set in place of options' own defaults, by key.
        others: what it sets beside its options, by key or group.
        presets: sentences of the presets that can be picked, by name.
        room: whose options they are, where they are a module's.
    """

    title: str = ""
    sentence: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, str] = field(default_factory=dict)
    room: str | None = None


def topics_of(words: Sequence[str]) -> list[Topic]:
    """What the words of a command ask for, in their order.

    Raises:
        ConfigError: there is nothing of a word's name.
    """
    pairs = [_in_full(word) for word in words]
    picked = [preset(key, value) for key, value in pairs if key in GROUPS and value in presets(key)]
    values = {key: value for one in picked for key, value in one.settings.items()}
    modules = [value for key, value in pairs if key == MODULE and value]
    modules += [one.picks[MODULE] for one in picked if MODULE in one.picks]
    rooms = [_room_of(name) for name in modules] or room_names()
    return [topic for key, value in pairs for topic in _topics_of(key, value, rooms, values)]


def _in_full(word: str) -> tuple[str, str]:
    """Key and value of a word; a mode or a module may be named alone."""
    key, value = key_of(word), word.partition("=")[2]
    if not value and key in MODES and not _below(options_of_run(), key):
        return MODE, key
    if not value and key in presets(MODULE):
        return MODULE, key
    return key if _below(options_of_run(), key) else short_keys().get(key, key), value


def _topics_of(key: str, value: str, rooms: Sequence[str], values: Mapping[str, Any]) -> list[Topic]:
    if key == MODE:
        return [_mode(value, values) if value else Topic(f"{MODE}=", WHAT_IS_DONE, presets=MODES)]
    if key in GROUPS and value:
        return [_preset(key, value)]
    if key in GROUPS:
        return [Topic(f"{key}=", GROUPS[key], _below(options_of_run(), key), values, presets=group_options(key))]
    return _options(key, rooms, values) or _unknown(key, rooms)


def _preset(group: str, name: str) -> Topic:
    room = _room_of(name) if group == MODULE else None
    options = _of_room(room) if room else _below(options_of_run(), group)
    if name not in presets(group) and room:
        return Topic(f"{group}={name}", "", options, room=room)
    one = preset(group, name)
    picks = {other: picked for other, picked in one.picks.items() if other != SCHEMA}
    others = {key: value for key, value in (picks | one.settings).items() if key not in options}
    return Topic(f"{group}={name}", one.sentence, options, one.settings, others, room=room)


def _room_of(name: str) -> str:
    """The room of a module's preset; a room without one is its own."""
    if name in presets(MODULE):
        return presets(MODULE)[name].picks[SCHEMA]
    if name not in room_names():
        refuse(f"{MODULE}={name} does not exist", name, list(presets(MODULE)))
    return name


def _mode(name: str, values: Mapping[str, Any]) -> Topic:
    if name not in MODES:
        refuse(f"{MODE}={name} does not exist", name, list(MODES))
    return Topic(f"{MODE}={name}", MODES[name], _below(options_of_run(), name), values)


def _options(key: str, rooms: Sequence[str], values: Mapping[str, Any]) -> list[Topic]:
    """The option of that key, the mapping that holds it, or the section of that name; of each room that has it."""
    if key.partition(".")[0] == MODULE:
        found = {room: _below(_of_room(room), key) for room in rooms}
        return [Topic(f"{MODULE}={room}", "", below, values, room=room) for room, below in found.items() if below]
    below = _below(options_of_run(), key)
    return [Topic(options=below, values=values)] if below else []


def _below(options: Mapping[str, Option], key: str) -> dict[str, Option]:
    found = {name: one for name, one in options.items() if name == key or name.startswith(f"{key}.")}
    holder = option_at(options, key)
    return found or ({holder.key: holder} if holder and holder.is_mapping else {})


def _of_room(room: str) -> dict[str, Option]:
    options = options_of(options_class(room), MODULE)
    return {key: one for key, one in options.items() if Trait.INTERNAL not in one.traits}


def _unknown(key: str, rooms: Sequence[str]) -> list[Topic]:
    near = nearest(key, sorted(_names(rooms)))
    hint = f"did you mean '{near}'?" if near else "--help alone shows what there is"
    raise ConfigError(f"there is no help on '{key}'; {hint}")


def _names(rooms: Sequence[str]) -> Iterator[str]:
    """All that can be asked for."""
    yield from (*GROUPS, *presets(MODULE), *MODES, *short_keys())
    for key in (*options_of_run(), *(key for room in rooms for key in _of_room(room))):
        parts = key.split(".")
        yield from (".".join(parts[: length + 1]) for length in range(len(parts)))
