"""Parameters that a pipeline's configuration keeps: where each stands in PaddleX's schema."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import check_parameters
from plx_train.pipelines.known import kind_of


def kept_parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration says of each parameter that it can keep; None where it leaves it to the model."""
    places = kind_of(config).parameter_places(config)
    return {name: config["SubModules"].get(part, {}).get(key) for name, (part, key) in places.items()}


def with_parameters(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`config` with other parameters.

    Raises:
        ConfigError: the pipeline has no such parameter, or one of another type, or none that its file can keep.
    """
    changed = copy.deepcopy(dict(config))
    kind = kind_of(config)
    check_parameters(config["pipeline_name"], kind.parameter_types(config), given)
    places = kind.parameter_places(config)
    for name, value in given.items():
        if name not in places:
            kept = ", ".join(places) or "none"
            raise ConfigError(f"{name} is said by requests alone: the file of a pipeline keeps {kept}")
        part, key = places[name]
        changed["SubModules"].setdefault(part, {})[key] = value
    return changed
