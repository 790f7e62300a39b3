"""One thread per test process, a cache of its own, and who may ask the package index."""

from __future__ import annotations

import os

# Before any import of numpy, cv2 or paddle, which read them once.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# What a profile would set before paddle is imported, which some tests do first.
from plx_train.machine.hardware import mkl_cpu_type  # noqa: E402

for _name, _value in {"MKL_DEBUG_CPU_TYPE": mkl_cpu_type(), "GLOG_minloglevel": "2"}.items():
    if _value:
        os.environ.setdefault(_name, _value)

from collections.abc import Iterator  # noqa: E402

import pytest  # noqa: E402

pytest.register_assert_rewrite("kit")

CACHE, STATE = "PLX_TRAIN_CACHE", "PLX_TRAIN_STATE"


LONG = ("trips", "distributed")
"""Folders of long tests: what begins last keeps one process busy while the others have nothing left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first; `network` ones are left out where PLX_OFFLINE=1, unless PLX_REQUIRE_NETWORK=1 wants them."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)
    if os.environ.get("PLX_OFFLINE") != "1" or os.environ.get("PLX_REQUIRE_NETWORK") == "1":
        return
    skip = pytest.mark.skip(reason="PLX_OFFLINE=1: needs the package index")
    for item in items:
        if item.get_closest_marker("network"):
            item.add_marker(skip)


@pytest.fixture(scope="module", autouse=True)
def _cache_of_the_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps tests out of the user's cache; a module marked `network` shares it, for the weights."""
    if request.node.get_closest_marker("network"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))
        patch.setenv(STATE, str(tmp_path_factory.mktemp("state")))
        yield


_users_cache = os.environ.get(CACHE)


@pytest.fixture(autouse=True)
def _cache_of_a_network_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives a single `network` test the user's cache back."""
    if not request.node.get_closest_marker("network"):
        return
    if _users_cache is None:
        monkeypatch.delenv(CACHE, raising=False)
    else:
        monkeypatch.setenv(CACHE, _users_cache)
