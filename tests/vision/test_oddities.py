"""Findings of files with several pages, and of images of 16 bits that use few."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from plx_train.vision.oddities import bits_findings, largest_level, several_pages
from plx_train.vision.samples import LabelledImage


def test_pages_that_no_label_names_are_told(tmp_path):
    page = Image.new("L", (9, 7))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    page.save(tmp_path / "b.tif")
    (found,) = several_pages(LabelledImage(tmp_path / "a.tif", None, "train.txt:7"))
    assert (found.path, found.line, found.level, found.code) == ("train.txt", 7, "warning", "several-pages")
    assert "a.tif has 3 pages, and only the first is used" in found.reason
    assert several_pages(LabelledImage(tmp_path / "b.tif", None, "train.txt:8")) == []


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_largest_of_deep_levels_is_found(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.asarray([[7, 4000], [0, 12]], np.uint16)).save(path)
    assert largest_level(path) == 4000
    Image.new("RGB", (5, 5), (255, 0, 0)).save(path)
    assert largest_level(path) is None
    Image.new("RGB", (5, 5)).save(path, "JPEG")
    assert largest_level(path) is None


def test_few_bits_are_told_with_their_share():
    assert bits_findings("train.txt", []) == [] == bits_findings("train.txt", [65535, 20000])
    (found,) = bits_findings("train.txt", [4095, 3000])
    assert (found.code, found.level, found.line) == ("few-bits", "warning", 0)
    assert found.reason == "of 2 images of 16 bits 2 use 12 (100 %): they are read by the range that they use"
    few, dark = bits_findings("train.txt", [4095, 1000, 65000, 9000])
    assert "1 use 10 (25 %), 1 use 12 (25 %)" in few.reason and "not equally bright in all of them" in few.reason
    assert dark.code == "dark-range" and "1 of 4 images of 16 bits (25 %)" in dark.reason
