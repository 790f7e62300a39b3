"""Columns are scaled as scikit-learn scales them, and PaddleX finds a scaler it can load."""

from __future__ import annotations

import pickletools
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.series import scale
from plx_train.series.scale import Scaler, write_scaler_pkl


def test_two_columns_by_hand() -> None:
    scaler = Scaler.fit([np.asarray([[1.0, 5.0], [3.0, 5.0]]), np.asarray([[5.0, np.nan], [7.0, 5.0]])])
    assert scaler.mean == (4.0, 5.0) and scaler.std == (5**0.5, 1.0) and scaler.num_rows == 4
    scaled = scaler.transform(np.asarray([[4.0, 5.0], [4 + 5**0.5, 6.0]]))
    np.testing.assert_allclose(scaled, [[0, 0], [1, 1]], atol=1e-15)
    np.testing.assert_allclose(scaler.inverse(scaled), [[4, 5], [4 + 5**0.5, 6]])


@pytest.mark.parametrize(("offset", "spread"), [(0, 1), (1e9, 1e-3), (-3e-7, 1e-9), (1e15, 0), (0, 0), (5e5, 1e-12)])
def test_it_is_scikit_learns(offset: float, spread: float) -> None:
    from sklearn.preprocessing import StandardScaler

    values = offset + spread * np.random.default_rng(0).normal(size=(1000, 3))
    own, theirs = Scaler.fit([values]), StandardScaler().fit(values)
    np.testing.assert_allclose(own.mean, theirs.mean_, rtol=1e-12, atol=1e-12 * max(abs(offset), spread))
    np.testing.assert_allclose(own.std, theirs.scale_, rtol=1e-5)


def test_the_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(1000, 2)) * [1, 1e5] + [1e6, 0]
    whole = Scaler.fit([values])
    monkeypatch.setattr(scale, "ROWS_AT_ONCE", 37)
    np.testing.assert_allclose(Scaler.fit([values[:600], values[600:]]).std, whole.std, rtol=1e-12)


def test_float32_stays_so_and_integers_become_numbers() -> None:
    scaler = Scaler((1.0,), (2.0,))
    assert scaler.transform(np.ones((3, 1), np.float32)).dtype == np.float32
    assert scaler.inverse(np.ones((3, 1), np.int64)).dtype == np.float64
    with pytest.raises(ValueError, match="one array"):
        Scaler.fit([])


def test_a_column_without_values_is_left_as_it_is() -> None:
    scaler = Scaler.fit([np.full((3, 1), np.nan)])
    assert (scaler.mean, scaler.std) == ((0.0,), (1.0,))


def test_the_pickle_is_read_as_paddlex_reads_it(tmp_path: Path) -> None:
    import joblib
    from sklearn.preprocessing import StandardScaler

    values = np.random.default_rng(0).normal(3, 2, (500, 2))
    frame = pd.DataFrame(values, columns=["load", "price"])
    write_scaler_pkl(tmp_path / "new" / "scaler.pkl", Scaler.fit([values]), ["load", "price"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn warns of names that are not those it was fitted with
        found = joblib.load(tmp_path / "new" / "scaler.pkl")
        assert isinstance(found, StandardScaler)
        scaled, back = found.transform(frame), found.inverse_transform(found.transform(frame))
    theirs = StandardScaler().fit(frame)
    np.testing.assert_allclose(scaled, theirs.transform(frame), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(back, values, rtol=1e-12)
    assert found.n_samples_seen_ == 500 and found.n_features_in_ == 2
    assert vars(found).keys() == vars(theirs).keys()
    with pytest.raises(ValueError, match="feature names"):
        found.transform(frame[["price", "load"]])


def test_the_pickle_names_nothing_but_scikit_learn_and_numpy(tmp_path: Path) -> None:
    write_scaler_pkl(tmp_path / "scaler.pkl", Scaler((1.0, 2.0), (3.0, 4.0), 9), ["a", "b"])
    content = (tmp_path / "scaler.pkl").read_bytes()
    names = {value for code, value, _ in pickletools.genops(content) if code.name == "GLOBAL"}
    assert {code.name for code, _, _ in pickletools.genops(content)}.isdisjoint({"STACK_GLOBAL", "INST", "REDUCE_EX"})
    arrays = {"numpy.core.multiarray _reconstruct", "numpy.core.multiarray scalar", "numpy ndarray", "numpy dtype"}
    assert names == {"sklearn.preprocessing._data StandardScaler", "_codecs encode"} | arrays
    for word in (b"plx_train", b"posix", b"builtins", b"eval", b"system"):
        assert word not in content


def test_nobody_here_reads_a_pickle() -> None:
    package = Path(scale.__file__).parents[1]
    sources = [path.read_text("utf-8") for path in (package / "series").glob("*.py")]
    sources += [path.read_text("utf-8") for room in package.glob("modules/ts_*") for path in room.glob("*.py")]
    assert len(sources) > 20
    assert not [word for text in sources for word in ("joblib.load", "pickle.load", "read_pickle") if word in text]
