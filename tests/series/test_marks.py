"""Numbers that mark missing values are found by what they are among, told with their key, and taken out by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.contract.dataset_options import DatasetOptions
from plx_train.ground.errors import UserError
from plx_train.series.read.given import series_given
from plx_train.series.read.marks import find_marks, without_marks
from plx_train.series.read.reader import Columns, read_series
from plx_train.series.read.roles import Roles
from plx_train.series.read.splits import read_split

RANDOM = np.random.default_rng(0)
WAVE = 100 + 10 * np.sin(np.arange(400) / 24 * 2 * np.pi) + RANDOM.normal(0, 1, 400)


@pytest.mark.parametrize("mark", [-200, -999, -9999, 999_999, 9.96921e36, 1e20, 1.7976931348623157e308, -1e30, 5000])
@pytest.mark.parametrize("share", [0.005, 0.3, 0.9])
def test_a_repeated_number_far_from_all_others_is_a_mark(mark: float, share: float) -> None:
    values = WAVE.copy()
    values[RANDOM.permutation(400)[: int(share * 400)]] = mark
    assert find_marks(values) == [(mark, int(share * 400))]


def test_several_marks_of_a_column_are_all_found() -> None:
    values = WAVE.copy()
    values[[1, 2, 3]], values[[5, 6]], values[[7, 8]] = -999, -9999, 9.96921e36
    values[9] = np.nan
    assert sorted(find_marks(values)) == [(-9999, 2), (-999, 3), (9.96921e36, 2)]


def test_usual_marks_near_large_values_are_told() -> None:
    values = RANDOM.uniform(647, 2040, 400)
    values[[3, 4]] = -200
    assert find_marks(values) == [(-200, 2)]


@pytest.mark.parametrize(
    "values",
    [
        WAVE,
        np.where(np.arange(400) % 50 == 0, 1.0, 0.0),
        np.minimum(WAVE, 104),
        np.where(WAVE > 105, 0, WAVE.round()),
        RANDOM.poisson(0.1, 400).astype(float),
        RANDOM.lognormal(0, 2, 400),
        RANDOM.integers(0, 5, 400) * 1000.0,
        np.append(WAVE, 5000),
        np.cumsum(RANDOM.normal(size=400)),
        np.full(400, 7.0),
        RANDOM.uniform(-1000, 1000, 400).round(),
        np.asarray([np.nan] * 10),
    ],
)
def test_what_is_measured_is_no_mark(values: np.ndarray) -> None:
    assert not find_marks(values)


def test_large_marks_are_taken_out_as_they_are_rounded() -> None:
    values = np.asarray([[1.0, -999], [9.969209968386869e36, 2], [-998.9, 3]])
    np.testing.assert_array_equal(without_marks(values, [9.96921e36, -999]), [[1, np.nan], [np.nan, 2], [-998.9, 3]])
    assert without_marks(values, [5.0]) is values


def write(path: Path, values: np.ndarray) -> None:
    path.write_text("t,a,b\n" + "".join(f"{row},{value!r},{row % 7}\n" for row, value in enumerate(values.tolist())))


def test_the_finding_names_the_share_and_the_key(tmp_path: Path) -> None:
    values = WAVE.copy()
    values[[50, 120]] = -200
    write(tmp_path / "t.csv", values)
    _, (finding,) = read_series(tmp_path / "t.csv", tmp_path, Columns("t"))
    assert (finding.line, finding.level, finding.code) == (52, "warning", "missing-marks")
    assert "column a: 2 of 400 rows (0.50%) are -200, far from all others" in finding.reason
    assert finding.reason.endswith("set dataset.missing=[-200]")


def test_the_key_makes_them_missing_values(tmp_path: Path) -> None:
    values = WAVE.copy()
    values[[50, 120]] = -200
    write(tmp_path / "t.csv", values)
    dataset = DatasetOptions(root=str(tmp_path), missing=[-200], fill="linear")
    split = read_split(dataset, "t.csv", Roles("t", None))
    assert [finding.code for finding in split.findings] == ["missing-values"] and split.missing == (-200,)
    assert split.series[0].values[50, 0] == pytest.approx((values[49] + values[51]) / 2)
    columns = Columns("t", ("a", "b"), missing=(-200.0,))
    table = np.stack([values, np.arange(400.0)], 1)
    for given in (tmp_path / "t.csv", (tmp_path / "t.csv").read_bytes(), table):
        assert np.flatnonzero(np.isnan(series_given(given, columns)[0].values[:, 0])).tolist() == [50, 120]


def test_numbers_beyond_32_bits_are_an_error_as_well(tmp_path: Path) -> None:
    values = WAVE.copy()
    values[[50, 120]] = 1.7976931348623157e308
    write(tmp_path / "t.csv", values)
    _, findings = read_series(tmp_path / "t.csv", tmp_path, Columns("t"))
    assert [(finding.level, finding.code) for finding in findings] == [
        ("error", "infinite-values"),
        ("warning", "missing-marks"),
    ]
    assert findings[1].reason.endswith("dataset.missing=[1.7976931348623157e+308]")


def test_static_columns_have_marks_and_flags_have_none(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{g},{row},{row},-999,{s}\n" for g, s in (("x", 5), ("y", -999)) for row in range(3)]
    path.write_text("g,t,a,f,s\n" + "".join(rows))
    columns = Columns("t", ("a", "f"), "g", ("s",), flags=("f",), missing=(-999.0, 1.0))
    series, findings = read_series(path, tmp_path, columns)
    assert [one.code for one in findings if one.level == "error"] == ["flag-not-0-or-1", "static-changes"]
    assert "'s' has no value in t.csv:y" in next(one for one in findings if one.code == "static-changes").reason
    np.testing.assert_array_equal(series[0].values, [[0, -999], [np.nan, -999], [2, -999]])
    frame = pd.read_csv(path)
    np.testing.assert_array_equal(series_given(frame[:3], columns)[0].values, series[0].values)
    with pytest.raises(UserError, match=r"static column 's' has no value in series:y: -999 marks"):
        series_given(frame, columns)
