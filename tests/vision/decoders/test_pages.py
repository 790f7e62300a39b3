"""One's own files that hang or crash their reader: they are named, and the others are read."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from kit.hostile_files import PLAIN, TILED, encoded, jpeg_2000_that_lies, pdf_of_pages, pdf_that_hangs
from kit.processes import until
from plx_train.contract.processor import FilePage
from plx_train.pipelines.inputs import read_pages
from plx_train.vision.decoders import process, warm
from plx_train.vision.pages import file_pages


def outcomes(path: Path) -> list[Any]:
    return [page.content.shape if isinstance(page, FilePage) else str(page) for page in file_pages(path)]


def test_a_pdf_that_hangs_is_named_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.VARIABLE, "2")
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN))
    (tmp_path / "b.pdf").write_bytes(pdf_that_hangs(PLAIN, TILED, TILED, PLAIN))
    (tmp_path / "c.pdf").write_bytes(pdf_of_pages(PLAIN, PLAIN))
    found = list(read_pages(tmp_path))
    assert [getattr(page, "result_name", None) for page in found] == ["a_0", "b_0", None, "c_0", "c_1"]
    told = "b.pdf: pages 2 to 4 of 4 can't be read: it was not decoded within 2 s (PLX_PAGE_SECONDS)"
    assert str(found[2]) == f"{tmp_path}/{told}"


def test_the_process_is_kept_for_the_next_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN))
    (tmp_path / "b.bmp").write_bytes(encoded("BMP"))
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)]
    (kept,) = warm._idle
    assert outcomes(tmp_path / "b.bmp") == [(64, 64, 3)]
    assert warm._idle == [kept]
    assert kept.num_files >= 2


def test_two_files_can_be_open_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN, PLAIN))
    pairs = list(zip(file_pages(tmp_path / "a.pdf"), file_pages(tmp_path / "a.pdf"), strict=True))
    assert [(type(one), type(other)) for one, other in pairs] == [(FilePage, FilePage)] * 2
    assert len(warm._idle) == 1


def test_a_reader_that_crashes_is_told_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN, PLAIN, PLAIN))
    pages = file_pages(tmp_path / "a.pdf")
    assert isinstance(next(pages), FilePage)
    assert not warm._idle
    (child,) = children()
    os.kill(child, signal.SIGSEGV)
    told = "pages 2 to 3 of 3 can't be read: the reader of its format failed on it (SIGSEGV)"
    assert [str(page) for page in pages] == [f"{tmp_path}/a.pdf: {told}"]
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)] * 3


def children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(one) for one in listed if b"decoders.worker" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_damaged_files_of_other_formats_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.jp2").write_bytes(jpeg_2000_that_lies())
    (tmp_path / "b.tif").write_bytes(encoded("TIFF")[:60])
    (tmp_path / "c.bmp").write_bytes(b"")
    for name in ("a.jp2", "b.tif", "c.bmp", "none.bmp", "none.pdf"):
        (told,) = outcomes(tmp_path / name)
        assert str(told).startswith(str(tmp_path / name))


def test_seconds_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN))
    for value in ("soon", "0", "-1", "nan"):
        monkeypatch.setenv(warm.VARIABLE, value)
        told = f"PLX_PAGE_SECONDS={value} must be a number of seconds above 0"
        assert outcomes(tmp_path / "a.pdf") == [told]


def test_a_kept_process_that_was_killed_costs_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN))
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)]
    (kept,) = warm._idle
    os.kill(kept.process_id, signal.SIGKILL)
    until(lambda: not kept.is_alive, "the process does not end")
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)]


def test_a_process_gives_way_after_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm._end_all()
    monkeypatch.setattr(process, "MOST_FILES", 2)
    (tmp_path / "a.pdf").write_bytes(pdf_of_pages(PLAIN))
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)] and len(warm._idle) == 1
    assert outcomes(tmp_path / "a.pdf") == [(400, 400, 3)] and not warm._idle
