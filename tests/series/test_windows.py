"""Windows are counted without a list, cut as views and batched by one copy; each holds the rows it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plx_train.series.windows import Window, WindowBlock, WindowIndex, too_short_text

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=6)


def by_hand(lengths: list[int], length: int, stride: int) -> list[Window]:
    return [
        Window(series, start) for series, rows in enumerate(lengths) for start in range(0, rows - length + 1, stride)
    ]


@settings(max_examples=150, deadline=None)
@given(LENGTHS, st.integers(1, 12), st.integers(1, 7))
def test_windows_are_those_of_a_plain_loop(lengths: list[int], length: int, stride: int) -> None:
    index, wanted = WindowIndex(lengths, length, stride), by_hand(lengths, length, stride)
    assert len(index) == len(wanted)
    assert [index[number] for number in range(len(index))] == wanted
    if wanted:
        assert index[-1] == wanted[-1]
        series, starts = index.lookup(np.arange(len(wanted)))
        assert list(map(Window, series.tolist(), starts.tolist())) == wanted


@settings(max_examples=100, deadline=None)
@given(LENGTHS, st.integers(1, 3), st.integers(1, 12), st.integers(1, 7), st.randoms(use_true_random=False))
def test_a_batch_holds_the_rows_of_its_windows(lengths: list[int], channels: int, length: int, stride: int,
                                               random: np.random.Generator) -> None:  # fmt: skip
    arrays = [np.arange(rows * channels, dtype=np.float32).reshape(rows, channels) + 1000 * place
              for place, rows in enumerate(lengths)]  # fmt: skip
    block, wanted = WindowBlock(arrays, length, stride), by_hand(lengths, length, stride)
    numbers = [random.randrange(len(wanted)) for _ in range(5)] if wanted else []
    batch = block(np.asarray(numbers, np.int64))
    assert batch.shape == (len(numbers), length, channels) and batch.dtype == np.float32
    for rows, number in zip(batch, numbers, strict=True):
        window = wanted[number]
        np.testing.assert_array_equal(rows, arrays[window.series][window.start : window.start + length])


def test_windows_by_hand() -> None:
    index = WindowIndex([5, 2, 4], 3, 2)
    assert [index[number] for number in range(len(index))] == [Window(0, 0), Window(0, 2), Window(2, 0)]
    with pytest.raises(IndexError, match="window 3 of 3"):
        index[3]


def test_one_array_is_used_as_it_is_and_several_are_joined_once() -> None:
    one = np.zeros((50, 3), np.float32)
    assert WindowBlock([one], 7).values is one
    several = WindowBlock([one, one[:20]], 7)
    assert several.values.nbytes == one.nbytes + one[:20].nbytes
    assert all(np.shares_memory(part, several.values) for part in several.parts)
    assert [len(part) for part in several.parts] == [50, 20]


def test_a_batch_is_a_copy_and_whole_memory() -> None:
    block = WindowBlock([np.zeros((50, 3), np.float32)], 7)
    batch = block(np.asarray([0, 1]))
    batch[:] = 1
    assert batch.flags.c_contiguous and block.values.sum() == 0


def test_windows_never_reach_into_the_next_series() -> None:
    block = WindowBlock([np.zeros((5, 1)), np.ones((5, 1))], 4)
    assert sorted(batch.mean() for batch in block(np.arange(len(block)))) == [0, 0, 1, 1]


@pytest.mark.parametrize("numbers", [[4], [-1], [0, 99]])
def test_a_window_that_is_not_there_is_refused(numbers: list[int]) -> None:
    with pytest.raises(IndexError):
        WindowBlock([np.zeros((7, 2))], 4)(np.asarray(numbers))
    with pytest.raises(IndexError):
        WindowBlock([np.zeros((2, 2))], 4)(np.asarray([0]))


def test_windows_have_rows() -> None:
    for length, stride in ((0, 1), (3, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            WindowIndex([5], length, stride)


def test_too_short_series_are_told_with_the_option_to_lower() -> None:
    assert too_short_text(["a.csv"], [90], 96, 24) == (
        "a.csv has 90 rows, a window needs 120 (module.context=96 + module.horizon=24): "
        "lower module.context to 66 at most"
    )
    assert too_short_text(["a", "b"], [10, 20], 96, 24).endswith("lower module.horizon")
    assert too_short_text(["a", "b"], [10, 20], 96).startswith("b has 20 rows, the longest of 2 series, a window needs")
    assert too_short_text(["a"], [20], 0, 24).endswith("lower module.horizon")
    assert "no series" in too_short_text([], [], 96)
