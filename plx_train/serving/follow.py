"""Takes over what an alias points at, while requests go on: loaded, warmed, tried, and only then exchanged."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from plx_train.serving.batcher import Batcher
from plx_train.serving.daemons import in_daemon
from plx_train.serving.endpoints import Endpoint
from plx_train.serving.metrics import Metrics
from plx_train.serving.protocol import encoded
from plx_train.serving.served import ServedData, ServedPipeline

logger = logging.getLogger(__name__)
ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0

Versions = dict[str, str | None]
"""Version by part of the pipeline."""


@dataclass(frozen=True)
class NewVersions:
    """Where new versions come from.

    Attributes:
        load: makes the pipeline anew, with what its aliases point at now.
        current_version: takes a model's name and an alias; None if there is no such alias.
        poll_seconds: between looks.
        sample: what a new version is tried on, as `predict_many` takes it; None: of the pipeline's own making.
    """

    load: Callable[[], ServedPipeline]
    current_version: Callable[[str, str], str | None]
    poll_seconds: float
    sample: Any = None


@dataclass
class _Refused:
    """Versions that did not work, and when they are tried again: what failed may have been the network."""

    versions: Versions = field(default_factory=dict)
    times: int = 0
    retry_at: float = 0.0


class Follower:
    """Watches the aliases in use."""

    def __init__(self, batcher: Batcher, source: NewVersions, endpoint: Endpoint, metrics: Metrics) -> None:
        self._batcher = batcher
        self._source = source
        self._endpoint = endpoint
        self._metrics = metrics
        self._refused = _Refused()
        self._complaint = ""

    async def run(self) -> None:
        """Looks for new versions until it is cancelled."""
        while True:
            await asyncio.sleep(self._source.poll_seconds)
            try:
                await self.look()
            except Exception:
                # Serving goes on whatever happens here.
                logger.exception("following the registry failed")

    async def look(self) -> bool:
        """Takes over new versions if there are any that work; whether it did."""
        used = self._batcher.pipeline
        try:
            wanted = await in_daemon("plx-follow", partial(wanted_versions, used, self._source.current_version))
        except Exception as error:
            self._metrics.swaps.labels("unknown").inc()
            self._complain(f"the registry does not answer, the versions in use stay: {error}")
            return False
        self._complaint = ""
        if all(origins(used)[part].version == version for part, version in wanted.items()):
            return False
        if wanted == self._refused.versions and time.monotonic() < self._refused.retry_at:
            return False
        try:
            fresh = await in_daemon("plx-follow", partial(self._loaded, used))
        except Exception as error:
            self._refuse(wanted, error)
            return False
        self._batcher.pipeline = fresh
        self._metrics.show_models(fresh)
        self._metrics.swaps.labels("accepted").inc()
        self._refused = _Refused()
        logger.info("now serving %s", described(fresh))
        return True

    def _loaded(self, used: ServedPipeline) -> ServedPipeline:
        fresh = self._source.load()
        check(fresh, used, self._endpoint, self._source.sample, self._batcher.max_batch)
        return fresh

    def _refuse(self, wanted: Versions, error: Exception) -> None:
        times = self._refused.times + 1 if wanted == self._refused.versions else 1
        wait = min(FIRST_RETRY_SECONDS * 2 ** (times - 1), LONGEST_RETRY_SECONDS)
        self._refused = _Refused(wanted, times, time.monotonic() + wait)
        self._metrics.swaps.labels("refused").inc()
        named = ", ".join(f"{part} {version}" for part, version in wanted.items())
        logger.error("new version refused, the old one stays (%s): %s: %s", named, type(error).__name__, error)

    def _complain(self, message: str) -> None:
        if message != self._complaint:
            logger.warning(message)
        self._complaint = message


def origins(pipeline: ServedPipeline) -> Mapping[str, ServedData]:
    """Where models and data come from, by part and by the configuration's key."""
    return {**pipeline.models, **pipeline.data}


def followed(pipeline: ServedPipeline) -> dict[str, tuple[str, str]]:
    """(registered name, alias) by part, for those that were given by an alias."""
    found = {part: ALIAS.fullmatch(origin.reference) for part, origin in origins(pipeline).items()}
    return {part: (match[1], match[2]) for part, match in found.items() if match}


def wanted_versions(pipeline: ServedPipeline, current_version: Callable[[str, str], str | None]) -> Versions:
    """What the aliases point at; an alias that is gone leaves the version in use."""
    return {
        part: current_version(name, alias) or origins(pipeline)[part].version
        for part, (name, alias) in followed(pipeline).items()
    }


def described(pipeline: ServedPipeline) -> str:
    """The models and data with their versions in a line."""
    models = [f"{part}: {model.name} {model.version or model.reference}" for part, model in pipeline.models.items()]
    return ", ".join([*models, *(f"{key}: {data.reference}{_version(data)}" for key, data in pipeline.data.items())])


def _version(data: ServedData) -> str:
    return f" {data.version}" if data.version else ""


def warm(pipeline: ServedPipeline, item: Any, max_batch: int) -> list[Any]:
    """The results of a full batch; what is slow at the first time, with one input or with many, has been done then.

    Raises:
        ValueError: there are not as many results as inputs.
    """
    results: list[Any] = []
    for size in sorted({1, max_batch}):
        results = list(pipeline.predict_many([item] * size))
        if len(results) != size:
            raise ValueError(f"it gives {len(results)} results for {size} inputs")
    return results


def check(fresh: ServedPipeline, used: ServedPipeline, endpoint: Endpoint, sample: Any, max_batch: int) -> None:
    """Warms a pipeline and tries it the way requests use it.

    Raises:
        ValueError: it answers otherwise than the one in use would.
        Exception: whatever it fails with.
    """
    item = used.sample() if sample is None else sample
    expected = used.predict_many([item])[0].json["res"]
    results = warm(fresh, item, max_batch)
    encoded(endpoint.build([item], results[:1], endpoint.info([item]), True))
    _compare(results[0].json["res"], expected)


def _compare(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if name not in found:
            raise ValueError(f"its results lack {name}")
        if isinstance(value, list) and value and not found[name]:
            raise ValueError(f"it finds no {name} in the sample, where the version in use finds {len(value)}")
    if not _is_finite(found):
        raise ValueError("it gives numbers that are not finite")


def _is_finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
