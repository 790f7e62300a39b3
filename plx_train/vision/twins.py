"""Equal pictures in a dataset: one policy of findings for all rooms of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from plx_train.contract.check import Finding, Level
from plx_train.data.leaks import trained_on_findings
from plx_train.vision.samples import LabelledImage

Hashes = Mapping[str, str | None]
"""The content of each image by its name in the dataset; None where it can't be read."""


def finding(sample: LabelledImage[Any], level: Level, code: str, reason: str) -> Finding:
    """A finding of the sample's place in its label file."""
    path, _, line = sample.where.rpartition(":")
    return Finding(path, int(line), level, code, reason)


class TwinRules(Protocol):
    """What a room says of equal pictures; see `ImageCheck`."""

    truth: str
    tells_equal_pictures: bool

    def same_truth(self, first: Any, second: Any) -> bool: ...


def twin_findings(
    samples: Sequence[LabelledImage[Any]], names: Sequence[str], hashes: Hashes, rules: TwinRules
) -> list[Finding]:
    """The same picture more than once in one split.

    With another truth each time it can't be learned: an error. With the same truth it only counts twice: a warning.
    """
    findings: list[Finding] = []
    seen: dict[str, tuple[LabelledImage[Any], str]] = {}
    for sample, name in zip(samples, names, strict=True):
        content = hashes[name]
        if content is None:
            continue
        first, first_name = seen.setdefault(content, (sample, name))
        if first is sample:
            continue
        is_same_file = first_name == name
        reason = f"{name} is in {first.where} already" if is_same_file else (
            f"{name} is the same picture as {first_name} of {first.where}"
        )  # fmt: skip
        if not rules.same_truth(first.truth, sample.truth):
            findings.append(finding(sample, "error", "other-truth", f"{reason}, with another {rules.truth}"))
        elif is_same_file or rules.tells_equal_pictures:
            code = "image-twice" if is_same_file else "same-picture"
            findings.append(finding(sample, "warning", code, reason))
    return findings


def leak_findings(
    train: tuple[Sequence[LabelledImage[Any]], Sequence[str]],
    val: tuple[Sequence[LabelledImage[Any]], Sequence[str]],
    hashes: Hashes,
) -> list[Finding]:
    """Pictures of validation that are trained on: its figures would be too good.

    The same file is an error. Equal pictures of different files are a warning each, since small ones can be equal by
    chance, and an error together where they are more than a few.

    Args:
        train, val: samples and their images' names.
    """
    trained = {hashes[name]: sample for sample, name in zip(*train, strict=True) if hashes[name]}
    files = {sample.image: sample for sample in train[0]}
    findings: list[Finding] = []
    equal = 0
    for sample, name in zip(*val, strict=True):
        twin = trained.get(hashes[name])
        if twin is None:
            continue
        is_same_file = sample.image in files
        twin = files.get(sample.image, twin)
        equal += not is_same_file
        level: Level = "error" if is_same_file else "warning"
        findings.append(finding(sample, level, "train-and-val", f"the picture {name} is in {twin.where} as well"))
    file = val[0][0].where.rpartition(":")[0] if val[0] else ""
    return findings + trained_on_findings(file, equal, len(val[0]), "pictures", ", under other names")
