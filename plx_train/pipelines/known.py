"""Finds the class of a pipeline: those of this package by their files, and the caller's own that are imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import plx_train.pipelines
from plx_train.contract.pipeline import SECTION
from plx_train.contract.pipelines import declaration_of, pipeline_files
from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.single import SingleModel


def kind_of(config: Mapping[str, Any]) -> type[Pipeline]:
    """The class that a configuration asks for: one with its name, or of one model, by what it reads.

    Raises:
        ConfigError: there is none.
    """
    kinds = list(_subclasses())
    name = config["pipeline_name"]
    named = {kind.NAME: kind for kind in kinds if kind.NAME}
    if name in named:
        return named[name]
    declared = declaration_of(config)
    if declared.reads is None:
        known = ", ".join(sorted({*named, *pipeline_files()}))
        raise ConfigError(
            f"pipeline_name: {name} is none that is known here ({known}); import the class of your own before, or say "
            f"in its section {SECTION} what its model reads"
        )
    by_input = {kind.READS: kind for kind in kinds if issubclass(kind, SingleModel) and vars(kind).get("READS")}
    if declared.reads not in by_input:
        raise ConfigError(f"{declared.where}: {SECTION}.reads is {' or '.join(sorted(by_input))}, not {declared.reads}")
    return by_input[declared.reads]


def _subclasses() -> Iterator[type[Pipeline]]:
    for found in pkgutil.iter_modules(plx_train.pipelines.__path__):
        importlib.import_module(f"plx_train.pipelines.{found.name}")
    waiting: list[type[Pipeline]] = [Pipeline]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind
