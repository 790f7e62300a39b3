"""Runs beside each other: what differs in their options, what they reached, and the same samples."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plx_train.config.values import flatten
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited
from plx_train.ground.foreign_yaml import parsed_yaml
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE, MOST_RECORD_BYTES, OVERLAYS, SPOOL_NAME
from plx_train.studio.curves import Curves
from plx_train.studio.home import Home

MOST_RUNS = 40
MOST_SAMPLES = 24
OF_EACH_RUN = ("output", "tracking.run_name", "resume")
"""Options that differ between all runs, and say nothing."""
LOSS = "train/loss"
RANK = re.compile(r"^worst_\d+_")
"""How the name of a picture begins, which differs between runs for the same sample."""


def compare(home: Home, curves: Curves, names: Sequence[str]) -> dict[str, Any]:
    """Everything that a page shows of runs together.

    Raises:
        UserError: a run is not there, or there are too many.
    """
    if len(names) > MOST_RUNS:
        raise UserError(f"{len(names)} runs are too many to be shown together: choose up to {MOST_RUNS}")
    folders = {name: home.run(name) for name in dict.fromkeys(names)}
    facts = {name: read_facts(folder) for name, folder in folders.items()}
    monitors = list(dict.fromkeys(one["monitor"] for one in facts.values() if one.get("monitor")))
    spools = {name: folder / SPOOL_NAME for name, folder in folders.items()}
    return {
        "runs": [_row(name, one) for name, one in facts.items()],
        "metrics": list(dict.fromkeys(key for one in facts.values() for key in one.get("metrics") or {})),
        "differences": _differences(folders),
        "charts": curves.compared(spools, [*monitors, LOSS]),
        "samples": _samples(folders),
    }


def _row(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    kept = {key: facts.get(key) for key in ("status", "monitor", "metrics", "seconds", "fingerprint", "labelled")}
    return {"name": name, **kept}


def _differences(folders: dict[str, Path]) -> list[dict[str, Any]]:
    """Options that are not the same in all runs."""
    options = {name: _options(folder) for name, folder in folders.items()}
    keys = dict.fromkeys(key for one in options.values() for key in one)
    rows = ((key, [one.get(key, "") for one in options.values()]) for key in keys if key not in OF_EACH_RUN)
    return [{"key": key, "values": values} for key, values in rows if len({*values}) > 1]


def _options(folder: Path) -> dict[str, str]:
    try:
        tree = parsed_yaml(read_limited(folder / CONFIG_FILE, MOST_RECORD_BYTES).decode("utf-8"))
    except (OSError, ValueError):
        return {}
    values = flatten(tree) if isinstance(tree, dict) else {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _samples(folders: dict[str, Path]) -> list[dict[str, Any]]:
    """Pictures of samples that several runs have among their worst, by what follows their rank."""
    found: dict[str, dict[str, str]] = {}
    for name, folder in folders.items():
        places = sorted((folder / OVERLAYS).glob("*.*")) if (folder / OVERLAYS).is_dir() else []
        for path in places:
            found.setdefault(RANK.sub("", path.stem), {})[name] = path.name
    shared = [{"sample": sample, "pictures": pictures} for sample, pictures in found.items()]
    shared.sort(key=lambda one: -len(one["pictures"]))
    return shared[:MOST_SAMPLES]
