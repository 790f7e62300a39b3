"""An index of features: what it holds, whose vectors it takes, and that faiss and numpy find the same."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from plx_train.ground.errors import UserError
from plx_train.index import search
from plx_train.index.feature_index import FeatureIndex, empty_index, read_index
from plx_train.index.flat_file import read_flat, write_flat
from plx_train.index.maker import Maker

MAKER, OTHER = Maker("a" * 64, "PP-ShiTuV2_rec", "run1"), Maker("b" * 64, "PP-ShiTuV2_rec")


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def filled(number: int = 6, dimensions: int = 4) -> FeatureIndex:
    vectors = unit(np.random.default_rng(0).normal(size=(number, dimensions)))
    return empty_index(MAKER).appended(vectors, [f"label {place // 2}" for place in range(number)])


def test_images_are_added_and_removed() -> None:
    index = filled()
    assert index.ids.tolist() == [0, 1, 2, 3, 4, 5] and len(index) == 6
    less = index.without(ids=[1], labels=["label 2"])
    assert less.ids.tolist() == [0, 2, 3] and less.labels == ("label 0", "label 1", "label 1")
    more = less.appended(index.vectors[:1], ["new"])
    assert more.ids.tolist() == [0, 2, 3, 4] and more.labels[-1] == "new"
    np.testing.assert_array_equal(more.vectors[:3], index.vectors[[0, 2, 3]])


def test_nothing_is_removed_where_a_name_is_unknown() -> None:
    with pytest.raises(UserError, match="9 is neither an id nor a label"):
        filled().without(ids=[1, 9])


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(UserError, match="vectors of 3 numbers don't fit an index of 4"):
        filled().appended(np.eye(3, dtype=np.float32), ["a", "b", "c"])


def test_an_index_that_was_emptied_takes_images_again() -> None:
    index = filled().without(labels=["label 0", "label 1", "label 2"])
    assert len(index) == 0
    assert index.appended(np.eye(3, dtype=np.float32), ["a", "b", "c"]).labels == ("a", "b", "c")


def test_another_models_vectors_are_refused() -> None:
    filled().refuse_other(Maker(MAKER.fingerprint, "renamed"), "there")
    with pytest.raises(UserError, match="built by the model PP-ShiTuV2_rec aaaaaaaaaaaa of run run1, not by"):
        filled().refuse_other(OTHER, "there")


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    index = filled().without(ids=[2])
    index.save(tmp_path)
    found = read_index(tmp_path)
    np.testing.assert_array_equal(found.vectors, index.vectors)
    assert (found.ids.tolist(), found.labels, found.maker) == (index.ids.tolist(), index.labels, MAKER)


def test_labels_come_back_as_they_were(tmp_path: Path) -> None:
    labels = ["007", "yes", "1e3", "Größe: 😀", "null", ' # "no"\n\x85\\', "2020-01-01"]
    empty_index(MAKER).appended(np.eye(7, dtype=np.float32), labels).save(tmp_path)
    assert read_index(tmp_path).labels == tuple(labels)
    told = yaml.safe_load((tmp_path / "id_map.yaml").read_text())
    assert told == {"id_map": dict(enumerate(labels)), "index_type": "Flat", "metric_type": "IP"}


def test_an_index_that_names_no_model_is_refused(tmp_path: Path) -> None:
    filled().save(tmp_path)
    (tmp_path / "index.json").unlink()
    with pytest.raises(UserError, match="which model made it as PaddleX's own do; build one"):
        read_index(tmp_path)


@pytest.mark.parametrize("spoilt", ["cut", "kind", "metric", "long"])
def test_a_spoilt_file_of_vectors_is_refused(spoilt: str, tmp_path: Path) -> None:
    path = tmp_path / "vector.index"
    write_flat(path, filled().vectors, filled().ids)
    content = bytearray(path.read_bytes())
    content = {
        "cut": content[:-3],
        "kind": b"IxHN" + content[4:],
        "metric": content[:33] + b"\x01" + content[34:],
        "long": content[:8] + b"\xff" * 7 + content[15:],
    }[spoilt]
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no flat index of inner products"):
        read_flat(path)


@pytest.mark.parametrize("maker", [{"name": "x"}, {"fingerprint": 7, "name": "x"}, ["x", "y"]])
def test_an_index_must_say_which_model_made_it(maker: Any, tmp_path: Path) -> None:
    filled().save(tmp_path)
    told = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(told | {"maker": maker}))
    with pytest.raises(UserError, match="can't be understood"):
        read_index(tmp_path)


@pytest.mark.parametrize("spoilt", ["vectors", "ids"])
def test_what_is_no_vector_is_refused_though_the_index_vouches_for_it(spoilt: str, tmp_path: Path) -> None:
    index = filled()
    vectors, ids = index.vectors.copy(), index.ids.copy()
    if spoilt == "vectors":
        vectors[0, 0] = np.nan
    else:
        ids[1] = ids[0]
    replace(index, vectors=vectors, ids=ids).save(tmp_path)
    with pytest.raises(UserError, match="holds no vectors of images, or ids twice"):
        read_index(tmp_path)


@pytest.mark.parametrize("spoilt", ["labels", "vectors"])
def test_a_spoilt_index_is_refused(spoilt: str, tmp_path: Path) -> None:
    filled().save(tmp_path)
    told = json.loads((tmp_path / "index.json").read_text())
    if spoilt == "labels":
        told["labels"].pop()
    else:
        write_flat(tmp_path / "vector.index", filled().vectors[::-1], filled().ids)
    (tmp_path / "index.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="was changed by something else"):
        read_index(tmp_path)


def test_the_nearest_are_those_of_all_comparisons() -> None:
    rng = np.random.default_rng(1)
    vectors, queries = unit(rng.normal(size=(300, 8))), unit(rng.normal(size=(5, 8)))
    vectors[7] = vectors[3]
    queries[0] = vectors[3]
    places, cosines = search.nearest(vectors, queries, 4)
    exact = queries.astype(np.float64) @ vectors.T
    assert places[0, :2].tolist() == [3, 7], "of equal ones the first"
    np.testing.assert_allclose(cosines, np.sort(exact, axis=1)[:, ::-1][:, :4], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(exact, places, 1), cosines, atol=1e-6)


def test_there_may_be_fewer_than_are_asked_for() -> None:
    places, cosines = search.nearest(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 5)
    assert places.tolist() == [[0, 1], [1, 0]] and cosines.shape == (2, 2)
    assert search.nearest(np.zeros((0, 1), np.float32), np.eye(2, dtype=np.float32), 5)[0].shape == (2, 0)


@pytest.mark.skipif(importlib.util.find_spec("faiss") is None, reason="faiss is not installed")
def test_faiss_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    vectors, queries = unit(rng.normal(size=(2000, 16))), unit(rng.normal(size=(50, 16)))
    by_numpy = search.nearest(vectors, queries, 5)
    monkeypatch.setattr(search, "FAISS_FROM", 1)
    for one, other in zip(by_numpy, search.nearest(vectors, queries, 5), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(importlib.util.find_spec("faiss") is None, reason="faiss is not installed")
def test_the_file_is_what_faiss_writes(tmp_path: Path) -> None:
    import faiss

    index, path = filled(), tmp_path / "ours.index"
    write_flat(path, index.vectors, index.ids)
    made = faiss.IndexIDMap2(faiss.index_factory(4, "Flat", faiss.METRIC_INNER_PRODUCT))
    made.add_with_ids(index.vectors, index.ids)
    faiss.write_index(made, str(tmp_path / "theirs.index"))
    assert path.read_bytes() == (tmp_path / "theirs.index").read_bytes()
