"""Validation that repeats training is found: shared times, copied rows, and an order that looks ahead."""

from __future__ import annotations

import time

import numpy as np
import pytest

from plx_train.contract.check import Finding
from plx_train.series.frame import Series
from plx_train.series.leakage import leakage_findings

HOUR = 3600 * 10**9


def series(
    values: np.ndarray, start: int = 0, group: str | None = None, label: str | None = None, is_datetime: bool = True
) -> Series:
    values = (values[:, None] if values.ndim == 1 else values).astype(np.float64)
    times = np.arange(start, start + len(values)) * (HOUR if is_datetime else 1)
    columns = tuple("abcdef"[: values.shape[1]])
    name = "val.csv" if group is None else f"val.csv:{group}"
    return Series(name, "val.csv:2", times, is_datetime, columns, values, label=label, group=group)


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in findings]


@pytest.fixture
def walk() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1000, 2)).cumsum(0).round(2)


def test_what_comes_later_is_clean(walk: np.ndarray) -> None:
    assert not leakage_findings([series(walk[:700])], [series(walk[700:], 700)])


def test_the_same_file_twice_is_an_error(walk: np.ndarray) -> None:
    (finding,) = leakage_findings([series(walk)], [series(walk)])
    assert codes([finding]) == [("error", "rows-in-both")] and (finding.path, finding.line) == ("val.csv", 2)
    assert "1000 of 1000 rows, from 1970-01-01 on" in finding.reason


def test_half_of_validation_trained_on_is_a_warning(walk: np.ndarray) -> None:
    findings = leakage_findings([series(walk[:700])], [series(walk[600:900], 600)])
    assert codes(findings) == [("warning", "rows-in-both")] and "100 of 300 rows" in findings[0].reason
    assert codes(leakage_findings([series(walk[:700])], [series(walk[500:800], 500)])) == [("error", "rows-in-both")]


def test_the_context_of_the_first_window_may_be_trained_on(walk: np.ndarray) -> None:
    train, val = [series(walk[:700])], [series(walk[604:900], 604)]
    assert not leakage_findings(train, val, context=96)
    assert codes(leakage_findings(train, val, context=95)) == [("warning", "rows-in-both")]
    assert not leakage_findings(train, [series(walk[690:705], 690)], context=96)
    # What goes on from training has its context there: none of its own rows is left out.
    copied = np.concatenate([walk[100:200], walk[700:800]])
    assert codes(leakage_findings(train, [series(copied, 700)], context=150)) == [("warning", "rows-copied")]
    whole = leakage_findings(train, [series(walk[:700])], context=96)
    assert codes(whole) == [("error", "rows-in-both")] and "604 of 700 rows" in whole[0].reason


def test_the_same_times_with_other_values_are_a_warning(walk: np.ndarray) -> None:
    assert codes(leakage_findings([series(walk[:500])], [series(walk[500:])])) == [("warning", "times-in-both")]
    # Integers count rows: that both begin at 0 says nothing.
    assert not leakage_findings([series(walk[:500], is_datetime=False)], [series(walk[500:], is_datetime=False)])


def test_groups_are_compared_with_their_own(walk: np.ndarray) -> None:
    train = [series(walk[:300], 0, "a"), series(walk[300:600], 300, "b")]
    assert not leakage_findings(train, [series(walk[600:800], 300, "a"), series(walk[800:], 600, "b")])
    found = leakage_findings(train, [series(walk[600:800], 300, "b")])
    assert codes(found) == [("warning", "times-in-both")] and found[0].reason.startswith("val.csv:b: 200 times")


def test_validation_before_training_is_warned_of(walk: np.ndarray) -> None:
    found = leakage_findings([series(walk[300:], 300)], [series(walk[:300])])
    assert codes(found) == [("warning", "validation-earlier")]


def test_dates_are_not_compared_with_integers(walk: np.ndarray) -> None:
    found = leakage_findings([series(walk[:500])], [series(walk[500:], is_datetime=False)])
    assert codes(found) == [("error", "times-differ-in-kind")]


@pytest.mark.parametrize(("num_copied", "level"), [(15, None), (16, "warning"), (100, "warning"), (201, "error")])
def test_rows_copied_to_other_times_are_found(walk: np.ndarray, num_copied: int, level: str | None) -> None:
    val = walk[600:].copy()
    val[50 : 50 + num_copied] = walk[100 : 100 + num_copied]
    found = leakage_findings([series(walk[:600])], [series(val, 2000)])
    assert [finding.level for finding in found] == ([level] if level else [])
    if level:
        assert found[0].code == "rows-copied" and f"{num_copied / 400:.0%} of the rows" in found[0].reason


def test_nights_and_standstills_are_no_copies(walk: np.ndarray) -> None:
    train, val = walk[:500].copy(), walk[500:].copy()
    train[100:300], val[100:300] = 0, 0
    assert not leakage_findings([series(train)], [series(val, 2000)])


def test_rows_of_few_kinds_have_to_agree_for_longer() -> None:
    generator = np.random.default_rng(0)
    counts = generator.choice([0, 1], size=(40_000, 1), p=[0.3, 0.7])
    assert not leakage_findings([series(counts[:30_000])], [series(counts[30_000:], 60_000)])
    val = counts[30_000:].copy()
    val[1000:1500] = counts[2000:2500]
    assert codes(leakage_findings([series(counts[:30_000])], [series(val, 60_000)])) == [("warning", "rows-copied")]


def test_one_class_series_copied_among_many_is_a_warning(walk: np.ndarray) -> None:
    parts = walk.reshape(50, 20, 2)
    train = [series(part, group=f"t{place}", label="x") for place, part in enumerate(parts[:40])]
    val = [series(part, group=f"v{place}", label="x") for place, part in enumerate([*parts[40:], parts[3]])]
    (finding,) = leakage_findings(train, val)
    assert codes([finding]) == [("warning", "rows-copied")] and finding.reason.startswith("val.csv:v10: 100%")
    assert {*codes(leakage_findings(train, val[-1:]))} == {("error", "rows-copied")}


def test_short_series_are_compared_whole() -> None:
    long, short = np.arange(100.0) ** 1.5, np.asarray([1.0, 7, 3, 9, 2, 6])
    train = [series(long, group="t"), series(short, group="u")]
    assert codes(leakage_findings(train, [series(short, group="v", label="x")])) == [("error", "rows-copied")]
    # A part of a longer series, and three rows, agree by chance.
    assert not leakage_findings(train, [series(long[10:16], group="v", label="x")])
    assert not leakage_findings([series(short[:3], group="t")], [series(short[:3], group="v", label="x")])


def test_nothing_to_compare_is_nothing_found(walk: np.ndarray) -> None:
    empty = series(walk[:0])
    assert not leakage_findings([], [series(walk)]) and not leakage_findings([series(walk)], [])
    assert not leakage_findings([empty], [empty])


def test_minus_zero_is_zero() -> None:
    values = np.arange(400.0) % 37 - 18
    other = np.where(values == 0, -0.0, values)
    assert codes(leakage_findings([series(values)], [series(other, 2000)])) == [("error", "rows-copied")]


def test_many_findings_are_counted(walk: np.ndarray) -> None:
    groups = [series(walk, group=str(place)) for place in range(30)]
    found = leakage_findings(groups, groups)
    assert len(found) == 5 and found[-1].reason.endswith("(and 25 more of this kind)")


def test_thousands_of_short_series_take_seconds_not_minutes() -> None:
    parts = np.random.default_rng(0).normal(size=(6000, 30))
    named = [series(part, group=str(place), label="x") for place, part in enumerate(parts)]
    began = time.perf_counter()
    assert not leakage_findings(named[:4500], named[4500:])
    assert time.perf_counter() - began < 10
