"""Runs whose store is hidden behind a captive portal that comes and goes; see chaos.py."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from kit.bad_answers import BAD_ANSWERS
from kit.faulty_proxy import FaultyProxy
from kit.mlflow_server import mlflow_server

LONGEST_SPELL_SECONDS = 6.0
Start = Callable[[str, str], "subprocess.Popen[bytes]"]
"""Starts a run by its name, recorded at an address."""
Wanted = Callable[[str, str], "dict[str, list[tuple[int, float]]]"]
"""Points of a run in the store at an address, by metric."""


def behind_a_portal(folder: Path, number: int, seed: int, start: Start, wanted: Wanted) -> list[str]:
    """Trains `number` runs at once, the portal now open, now shut, sends what is left, and compares.

    Returns:
        Sentences on all that is not as in a run that nothing disturbed.
    """
    from plx_train.tracking import resolve_uri
    from plx_train.tracking.store import open_client

    store = folder / "portal"
    store.mkdir(parents=True, exist_ok=True)
    uri = resolve_uri(None, store)
    open_client(uri)
    names = [f"behind_portal_{place}" for place in range(number)]
    with mlflow_server(uri, store) as port:
        proxy = FaultyProxy(port)
        undisturbed = start("behind_none", proxy.uri).wait()
        faults = [f"behind_none: exit code {undisturbed}"] if undisturbed else []
        processes = [start(name, proxy.uri) for name in names]
        spells = _come_and_go(proxy, processes, random.Random(f"portal {seed}"))
        faults += [f"{name}: exit code {one.wait()}" for name, one in zip(names, processes, strict=True) if one.wait()]
        proxy.fault = None
        left = [_left(folder / name, proxy.uri) for name in names]
        expected = wanted("behind_none", uri)
        for name in names:
            found = wanted(name, uri)
            keys = sorted(expected.keys() | found.keys())
            faults += [f"{name}: {key} differs" for key in keys if expected.get(key) != found.get(key)]
        proxy.close()
    told = f"{number} runs behind a portal that stood before the store {spells} times in {proxy.requests} requests"
    print(f"{told}; records that were sent afterwards: {sum(left)}", flush=True)
    return faults


def _come_and_go(proxy: FaultyProxy, processes: list[subprocess.Popen[bytes]], generator: random.Random) -> int:
    """How often the portal came until all runs had ended; it stands there at the end."""
    spells = 0
    names = [name for name in BAD_ANSWERS if name != "endless"]
    while any(process.poll() is None for process in processes):
        is_there = proxy.fault is None
        proxy.fault = BAD_ANSWERS[generator.choice(names)] if is_there else None
        spells += is_there
        end = time.monotonic() + generator.uniform(0.2, LONGEST_SPELL_SECONDS)
        while time.monotonic() < end and any(process.poll() is None for process in processes):
            time.sleep(0.02)
    return spells


def _left(output: Path, uri: str) -> int:
    """Records of a run that its end had left, which are sent now."""
    from plx_train.runs.folder import SPOOL_NAME
    from plx_train.tracking import replay, unsent

    before = unsent(output / SPOOL_NAME)
    left = replay(output / SPOOL_NAME, uri).left
    if left:
        raise SystemExit(f"{output}: {left} records can't be sent")
    return before
