"""What the check of a dataset says of its pool: what can't be learned from, is known already, or is of another kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plx_train.contract.check import CheckReport, Finding
from plx_train.ground.errors import ConfigError, UserError
from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.check import percentiles
from plx_train.vision.image import ImageError, image_size
from plx_train.workflow.basis import schedule_of
from plx_train.workflow.dataset import RunData
from plx_train.workflow.pool_look import (
    AGAIN,
    LABELLED,
    OF_TEST,
    OF_VALIDATION,
    UNREADABLE,
    WORDS,
    PoolLook,
    look_at_pool,
)
from plx_train.workflow.session import Session

POOL = "pool"
CODES = {
    OF_VALIDATION: "pool-in-val",
    OF_TEST: "pool-in-test",
    LABELLED: "pool-labelled",
    AGAIN: "pool-same-picture",
}
MOST_TIMES = 2.0
"""Times that an image's sides may be longer than those of all labelled ones, or shorter."""


def with_pool(session: Session, data: RunData, report: CheckReport) -> CheckReport:
    """The report with what is found in the pool that the options name.

    Raises:
        ConfigError: the module learns from labels alone, or nothing of the options names a pool.
    """
    options = session.options
    schedule_of(options)
    splits = data.split(options)
    try:
        look = look_at_pool(options, data, splits, (session.output,))
    except ConfigError:
        raise
    except UserError as error:
        return _told(report, [Finding(str(options.dataset.pool), 0, "error", "pool-empty", str(error))], {})
    sizes = _sizes(look.kept)
    labelled = _sizes([*splits.train, *splits.holdout])
    findings = [*_unreadable(look), *_known(look), *_of_other_size(look, sizes, labelled)]
    if not any(reason in ("", AGAIN) for reason in look.reasons):
        findings.insert(0, Finding(str(look.root), 0, "error", "pool-empty", f"nothing is left to learn: {look}"))
    heights, widths = sizes.T
    statistics = {
        "images": len(look.samples),
        "left_for_learning": len(look.kept) + look.counts[AGAIN],
        "height": percentiles(heights),
        "width": percentiles(widths),
    }
    return _told(report, findings, {name: value for name, value in statistics.items() if value != {}})


def _told(report: CheckReport, findings: Sequence[Finding], statistics: dict[str, Any]) -> CheckReport:
    return replace(
        report,
        findings=(*report.findings, *findings),
        statistics=report.statistics | ({POOL: statistics} if statistics else {}),
    )


def _unreadable(look: PoolLook) -> Iterator[Finding]:
    for sample, reason in zip(look.samples, look.reasons, strict=True):
        if reason == UNREADABLE:
            words = f"{_why(sample)}: it is left out"
            yield Finding(str(sample.image), 0, "warning", "pool-unreadable", words)


def _why(sample: Any) -> str:
    try:
        sample.part(sample.read())
    except ImageError as error:
        return error.reason
    except TooManyPixels as error:
        return str(error)
    return "it could not be read at first"


def _known(look: PoolLook) -> Iterator[Finding]:
    """A warning for each kind of known images that some of the pool show too."""
    for reason, code in CODES.items():
        names = [one.image.name for one, own in zip(look.samples, look.reasons, strict=True) if own == reason]
        if names:
            end = ", and count twice" if reason == AGAIN else ", and are left out"
            words = f"{len(names)} of {len(look.samples)} images {WORDS[reason]}{end}; the first is {names[0]}"
            yield Finding(str(look.root), 0, "warning", code, words)


def _of_other_size(look: PoolLook, sizes: np.ndarray, labelled: np.ndarray) -> Iterator[Finding]:
    if not len(labelled) or not len(sizes):
        return
    low, high = labelled.min(axis=0) / MOST_TIMES, labelled.max(axis=0) * MOST_TIMES
    odd = np.flatnonzero(((sizes < low) | (sizes > high)).any(axis=1))
    if len(odd):
        (height, width), name = sizes[odd[0]].astype(int), look.kept[odd[0]].image.name
        own = " x ".join(f"{int(each.min())} to {int(each.max())}" for each in labelled.T)
        words = (
            f"{len(odd)} of {len(look.samples)} images are more than {MOST_TIMES:g} times as high or wide as any "
            f"labelled one ({own}), or less than half; the first is {name} ({height} x {width})"
        )
        yield Finding(str(look.root), 0, "warning", "pool-other-size", words)


def _sizes(samples: Sequence[Any]) -> np.ndarray:
    """Heights and widths of images that can be read, float64 (N, 2)."""
    return np.asarray([image_size(sample.image) for sample in samples], np.float64).reshape(-1, 2)
