"""Lines cut out of pages, also where pages are longer than OpenCV warps."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.pipelines.crops import crop_line


@pytest.mark.parametrize("long", [2000, 40000])
def test_a_line_along_the_whole_page_is_cut_out(long: int) -> None:
    page = np.full((200, long, 3), 255, np.uint8)
    page[80:120, 100 : long - 100] = 0
    crop = crop_line(page, np.asarray([[100, 80], [long - 100, 80], [long - 100, 120], [100, 120]]))
    height, width = crop.shape[:2]
    assert width < 32767 and abs(width / height - (long - 200) / 40) < 0.04 * width / height
    assert (crop[height // 2, width // 100 : -width // 100] < 30).all()
