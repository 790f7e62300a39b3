"""Whether a sweep's runs to come would see the data that its runs so far have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plx_train.config.compose import compose_run
from plx_train.config.options import RunOptions
from plx_train.ground.errors import UserError
from plx_train.runs.facts import read_facts
from plx_train.sweep.identity import ROOT
from plx_train.sweep.live import job_folder
from plx_train.sweep.order import Ordered
from plx_train.sweep.study import JOBS, Study, values_of

FingerprintOf = Callable[[RunOptions], str]
"""Reads the dataset of a run's options and gives its fingerprint."""


def other_data(study: Study, ordered: Ordered, fingerprint_of: FingerprintOf) -> list[str]:
    """Phrases on data that are not what the sweep's runs recorded; each dataset is read once.

    Raises:
        UserError: the data can't be read.
    """
    identity = study.identity()
    former = identity.fixed.get(ROOT) if identity else None
    recorded, here = _recorded(study), ordered.composed.options.dataset.root
    if not recorded and former not in (None, here) and any(trial.values for trial in study.trials()):
        # Runs on another machine, or none that are left.
        return [f"dataset.root={here} (was {former})"]
    found = []
    for before, values in recorded.items():
        options = compose_run(ordered.space.overrides(values)).options
        now, here = fingerprint_of(options), options.dataset.root
        if now == before:
            continue
        if former is not None and former != here:
            found.append(f"dataset.root={here} holds other data (was {former})")
        else:
            found.append(f"the data at {here} have changed since (fingerprint {before[:12]}, now {now[:12]})")
    return found


def _recorded(study: Study) -> dict[str, dict[str, Any]]:
    """Values of a trial whose run saw data of a fingerprint, by that."""
    found: dict[str, dict[str, Any]] = {}
    for trial in study.trials():
        for facts in _facts(trial, study.folder):
            if facts.get("fingerprint"):
                found.setdefault(str(facts["fingerprint"]), values_of(trial))
    return found


def _facts(trial: Any, sweep: Path) -> Iterator[dict[str, Any]]:
    for job in trial.user_attrs.get(JOBS, []):
        try:
            yield read_facts(job_folder(sweep, job["folder"]))
        except UserError:
            # It had not come so far, or lies on another machine.
            continue
