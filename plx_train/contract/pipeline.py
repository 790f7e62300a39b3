"""What a pipeline's YAML says in its section ``plx_train``, which PaddleX passes over: models, parameters, endpoint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from plx_train.contract.rooms import room_names
from plx_train.ground.errors import ConfigError

SECTION = "plx_train"
KEYS = ("reads", "table", "latency_budget_ms", "parts", "pipelines", "parameters", "endpoint")
TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (float,),
    "boolean": (bool,),
    "string": (str,),
    "array": (list, tuple),
    "object": (dict,),
}
"""JSON Schema's types, as Python has them."""
LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


@dataclass(frozen=True)
class DeclaredPart:
    """A part of a pipeline, and the models that it takes.

    Attributes:
        key: under ``SubModules``, as PaddleX has it.
        module: the module type of its model.
        registered: names under which such models are registered; promotion finds the part by them.
        switch: the pipeline's key that switches the part on; None where the pipeline always has it.
    """

    key: str
    module: str
    registered: tuple[str, ...]
    switch: str | None


@dataclass(frozen=True)
class SubPipeline:
    """A pipeline that another has under ``SubPipelines`` where its key `switch` says so."""

    key: str
    pipeline: str
    switch: str


@dataclass(frozen=True)
class DeclaredParameter:
    """What a call of the pipeline may set.

    Attributes:
        name: PaddleX's, as Python writes it: ``cls_threshold``.
        types: one or several of JSON Schema's.
        limits: of numbers, by JSON Schema's names.
        choices: that a text may be; empty: any.
        setting: the field of the processor that it takes the place of, in a pipeline of one model.
    """

    name: str
    types: tuple[str, ...]
    limits: Mapping[str, float]
    choices: tuple[str, ...]
    setting: str

    @property
    def request_name(self) -> str:
        """The field of a request: ``clsThreshold``."""
        return re.sub(r"_([a-z])", lambda found: found[1].upper(), self.name)

    @property
    def python_types(self) -> tuple[type, ...]:
        """What Python calls `types`."""
        return tuple(kind for name in self.types for kind in TYPES[name])


@dataclass(frozen=True)
class DeclaredEndpoint:
    """How a pipeline is served.

    Attributes:
        path: as PaddleX's clients know it.
        answer: the kind of answer; `plx_train.serving.answers` has them.
        settings: what that kind leaves open, by name.
    """

    path: str
    answer: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Declaration:
    """All that a section ``plx_train`` says.

    Attributes:
        where: it stands, for messages.
        reads: ``image`` or ``series``, of a pipeline of one model; None: the pipeline has a class of its own.
        table: under which name a pipeline of series gives what it finds.
    """

    where: str
    reads: str | None = None
    table: str | None = None
    parts: Mapping[str, DeclaredPart] = field(default_factory=dict)
    pipelines: tuple[SubPipeline, ...] = ()
    parameters: Mapping[str, DeclaredParameter] = field(default_factory=dict)
    endpoint: DeclaredEndpoint | None = None


def declare(section: Mapping[str, Any], where: str) -> Declaration:
    """What `section` says.

    Raises:
        ConfigError: it can't be understood.
    """
    reader = _Reader(f"{where}: {SECTION}")
    known = reader.only(section, KEYS, "")
    given = reader.mappings(known, "parts")
    rooms = room_names() if given else []
    parts = {key: _part(reader, key, value, rooms) for key, value in given.items()}
    reads = reader.text(known, "reads")
    if reads and (len(parts) != 1 or any(part.switch for part in parts.values())):
        what = (
            "makes a pipeline of one model, so parts must name one that it always has, and no other: none would be used"
        )
        raise reader.fault("reads", what)
    subs = reader.mappings(known, "pipelines")
    reader.number(known, "latency_budget_ms")
    return Declaration(
        where=where,
        reads=reads,
        table=reader.text(known, "table"),
        parts=parts,
        pipelines=tuple(_sub_pipeline(reader, key, value) for key, value in subs.items()),
        parameters={key: _parameter(reader, key, value) for key, value in reader.mappings(known, "parameters").items()},
        endpoint=_endpoint(reader, known["endpoint"]) if known.get("endpoint") is not None else None,
    )


def _part(reader: _Reader, key: str, given: Mapping[str, Any], rooms: Collection[str]) -> DeclaredPart:
    place = f"parts.{key}"
    reader.only(given, ("module", "registered", "switch"), place)
    module = reader.needed(given, "module", place)
    if module not in rooms:
        raise reader.fault(f"{place}.module", f"names {module}, which is none of {', '.join(rooms)}")
    registered = given.get("registered", [module])
    if not isinstance(registered, list) or not all(isinstance(name, str) for name in registered):
        raise reader.fault(f"{place}.registered", "must be a list of names")
    return DeclaredPart(key, module, tuple(dict.fromkeys(registered)), reader.text(given, "switch", place))


def _sub_pipeline(reader: _Reader, key: str, given: Mapping[str, Any]) -> SubPipeline:
    place = f"pipelines.{key}"
    reader.only(given, ("pipeline", "switch"), place)
    return SubPipeline(key, reader.needed(given, "pipeline", place), reader.needed(given, "switch", place))


def _parameter(reader: _Reader, key: str, given: Mapping[str, Any]) -> DeclaredParameter:
    place = f"parameters.{key}"
    reader.only(given, ("type", "enum", "setting", *LIMITS), place)
    choices = given.get("enum", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        raise reader.fault(f"{place}.enum", "must be a list of texts")
    said = given.get("type", "string" if choices else None)
    types = tuple(said) if isinstance(said, list) else (said,)
    if not types or not all(isinstance(name, str) and name in TYPES for name in types):
        raise reader.fault(f"{place}.type", f"must be one or several of {', '.join(TYPES)}")
    limits = {name: reader.number(given, name, place) for name in LIMITS}
    kept = {name: value for name, value in limits.items() if value is not None}
    return DeclaredParameter(key, types, kept, tuple(choices), reader.text(given, "setting", place) or key)


def _endpoint(reader: _Reader, given: Any) -> DeclaredEndpoint:
    if not isinstance(given, dict):
        raise reader.fault("endpoint", "must hold path and answer")
    path, answer = reader.needed(given, "path", "endpoint"), reader.needed(given, "answer", "endpoint")
    if not re.fullmatch(r"(/[\w.~-]+)+", path, re.ASCII):
        raise reader.fault("endpoint.path", f"must be a path as in /ocr, not {path}")
    return DeclaredEndpoint(path, answer, {key: value for key, value in given.items() if key not in ("path", "answer")})


@dataclass(frozen=True)
class _Reader:
    """Values of a section, each of its type; `where` begins what is said of one that is not."""

    where: str

    def fault(self, key: str, what: str) -> ConfigError:
        return ConfigError(f"{self.where}.{key} {what}")

    def only(self, given: Any, known: Collection[str], place: str) -> Mapping[str, Any]:
        """`given`, which must be a mapping of these keys alone."""
        if not isinstance(given, Mapping):
            raise ConfigError(f"{self.where}{'.' if place else ''}{place} must hold {', '.join(known)}")
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
                raise self.fault(f"{place}.{key}" if place else str(key), f"is not known; {hint}")
        return given

    def mappings(self, given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = given.get(key) or {}
        if not isinstance(found, Mapping):
            raise self.fault(key, "must hold one section for each name")
        for name in found:
            if not isinstance(name, str):
                raise self.fault(key, f"has the name {name!r}, which is no text: put it in quotes")
        return found

    def text(self, given: Mapping[str, Any], key: str, place: str = "") -> str | None:
        found = given.get(key)
        if found is not None and not (isinstance(found, str) and found):
            raise self.fault(f"{place}.{key}" if place else key, f"must be a text, not {found!r}")
        return found

    def needed(self, given: Mapping[str, Any], key: str, place: str) -> str:
        found = self.text(given, key, place)
        if found is None:
            raise self.fault(place, f"lacks {key}")
        return found

    def number(self, given: Mapping[str, Any], key: str, place: str = "") -> float | None:
        found = given.get(key)
        if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
            raise self.fault(f"{place}.{key}" if place else key, f"must be a number, not {found!r}")
        return found
