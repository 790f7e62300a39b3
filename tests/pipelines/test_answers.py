"""Everything asked for is in the answer or named: no result takes another's place, one bad file ends nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plx_train
from plx_train.ground.errors import ConfigError, UnreadInputs, UserError
from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.naming import Origin, claim
from plx_train.pipelines.result import PipelineResult


class MeanGrey(Pipeline):
    """Tells the mean grey of a page, and fails on black ones."""

    NAME = "mean_grey"
    PARAMETERS = {"most": int}  # noqa: RUF012
    AT_ONCE = 3

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        if params.get("most") == 7:
            raise ConfigError("most=7 is not possible")
        return [self._result(page) for page in pages]

    def _result(self, page: Page) -> PipelineResult:
        grey = round(page.image.mean())
        if grey == 0:
            raise UserError(f"{page.path}: the page is black")
        findings = {"input_path": page.path, "page_index": page.index, "grey": grey}
        return PipelineResult(findings, page.result_name, lambda: {"res_img": page.image}, str(grey))


@pytest.fixture
def pipeline() -> Pipeline:
    return plx_train.pipeline({"pipeline_name": "mean_grey"})


def grey(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (value,) * 3).save(path, {".JPG": "JPEG"}.get(path.suffix))
    return path


def texts(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in sorted(folder.rglob("*.txt"))}


def save(results: Iterator[PipelineResult], folder: Path) -> dict[str, str]:
    for result in results:
        result.save_all(folder)
    for end in ("*.json", "*.jpg"):
        assert len(list(folder.rglob(end))) == len(texts(folder))
    return texts(folder)


def test_files_that_differ_in_suffix_or_case_only_keep_their_suffix(pipeline: Pipeline, tmp_path: Path) -> None:
    names = ("scan.png", "scan.bmp", "scan.JPG", "Scan.png", "alone.png", "a/scan.png")
    for value, name in enumerate(names):
        grey(tmp_path / "in" / name, 10 + 10 * value)
    found = save(pipeline.predict(tmp_path / "in"), tmp_path / "out")
    assert len({name.casefold() for name in found}) == len(names)
    assert sorted(found.values()) == ["10", "20", "30", "40", "50", "60"]
    assert found["alone_res.txt"] == "50" and found["a/scan_res.txt"] == "60" and found["scan.bmp_res.txt"] == "20"


def test_the_same_again_takes_its_own_place(pipeline: Pipeline, tmp_path: Path) -> None:
    for name in ("scan.png", "scan.bmp", "Scan.bmp"):
        grey(tmp_path / "in" / name, 50)
    first = save(pipeline.predict(tmp_path / "in"), tmp_path / "out")
    assert len(first) == 3
    assert save(pipeline.predict(tmp_path / "in"), tmp_path / "out") == first


@pytest.mark.parametrize("lazily", [False, True])
def test_equal_names_of_a_list_and_arrays_have_files_of_their_own(
    pipeline: Pipeline, tmp_path: Path, lazily: bool
) -> None:
    paths = [grey(tmp_path / folder / "p.png", value) for folder, value in (("x", 10), ("y", 20), ("z", 30))]
    array = np.full((4, 4, 3), 40, np.uint8)
    given = [*paths, [array], [array + 10], grey(tmp_path / "image_0.png", 60)]
    found = save(pipeline.predict(iter(given) if lazily else given), tmp_path / "out")
    assert found["p_res.txt"] == "10" and found["p.png_res.txt"] == "20"
    assert sorted(found.values()) == ["10", "20", "30", "40", "50", "60"]


def test_calls_one_after_the_other_and_pages_against_files(pipeline: Pipeline, tmp_path: Path) -> None:
    pages = [Image.new("RGB", (20, 20), (value,) * 3) for value in (10, 20)]
    pages[0].save(tmp_path / "doc.tif", save_all=True, append_images=pages[1:])
    for path in (tmp_path / "doc.tif", grey(tmp_path / "doc_1.png", 30), grey(tmp_path / "b" / "doc_1.png", 40)):
        save(pipeline.predict(path), tmp_path / "out")
    assert texts(tmp_path / "out") == {
        "doc_0_res.txt": "10", "doc_1_res.txt": "20", "doc_1.png_res.txt": "30", "doc_1.png_2_res.txt": "40",
    }  # fmt: skip


def test_results_of_an_earlier_process_stay(pipeline: Pipeline, tmp_path: Path) -> None:
    one, other = grey(tmp_path / "x" / "p.png", 10), grey(tmp_path / "y" / "p.png", 20)
    save(pipeline.predict(one), tmp_path / "made")
    out = tmp_path / "out"
    (tmp_path / "made").rename(out)  # of which this process knows nothing
    assert save(pipeline.predict(other), out) == {"p_res.txt": "10", "p.png_res.txt": "20"}
    assert save(pipeline.predict(one), out) == {"p_res.txt": "10", "p.png_res.txt": "20"}


def test_a_name_that_was_deleted_is_free_again(pipeline: Pipeline, tmp_path: Path) -> None:
    array = np.full((4, 4, 3), 40, np.uint8)
    for _ in range(2):
        (result,) = pipeline.predict(array)
        assert result.save_to_json(tmp_path).name == "image_res.json"
        (tmp_path / "image_res.json").unlink()


def test_threads_that_save_at_once_take_no_others_place(pipeline: Pipeline, tmp_path: Path) -> None:
    results = [next(pipeline.predict(np.full((4, 4, 3), 1 + value, np.uint8))) for value in range(20)]
    threads = [threading.Thread(target=result.save_to_text, args=(tmp_path,)) for result in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, texts(tmp_path).values())) == list(range(1, 21))


def test_names_too_long_to_add_to_are_shortened(pipeline: Pipeline, tmp_path: Path) -> None:
    for value, end in ((10, "a"), (20, "b")):
        grey(tmp_path / "in" / f"{'ü' * 120}{end}.png", value)
    assert sorted(save(pipeline.predict(tmp_path / "in"), tmp_path / "out").values()) == ["10", "20"]


def test_a_name_that_is_no_utf8_is_written(pipeline: Pipeline, tmp_path: Path) -> None:
    grey(tmp_path / "in" / "bad\udce9.png", 10)
    assert list(save(pipeline.predict(tmp_path / "in"), tmp_path / "out").values()) == ["10"]
    (file,) = (tmp_path / "out").glob("*.json")
    assert json.loads(file.read_text())["input_path"].endswith("bad\udce9.png")


@pytest.mark.parametrize("name", ["v1.0", "2024.11.28", "run.json", "x.png"])
def test_an_existing_folder_is_a_folder_whatever_its_name(pipeline: Pipeline, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (result,) = pipeline.predict(grey(tmp_path / "scan.jpeg", 90))
    result.save_all(tmp_path / name)
    result.save_to_img(tmp_path / name)
    names = {file.name for file in (tmp_path / name).iterdir()}
    assert names == {"scan_res.json", "scan_res.txt", "scan_res_img.jpg"}
    result.save_all(tmp_path / "new" / name)
    assert {file.name for file in (tmp_path / "new" / name).iterdir()} == names


def test_a_file_is_still_a_file(pipeline: Pipeline, tmp_path: Path) -> None:
    (result,) = pipeline.predict(grey(tmp_path / "scan.png", 90))
    assert result.save_to_json(tmp_path / "one.json") == tmp_path / "one.json"
    assert result.save_to_img(tmp_path / "one.PNG") == [tmp_path / "one.PNG"]


def bad_folder(folder: Path) -> Path:
    for name, value in (("a.png", 10), ("c.png", 30), ("black.png", 0)):
        grey(folder / name, value)
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "._a.png").write_bytes(b"\0\5\26\7Mac OS X")
    (folder / "album.png").mkdir()
    (folder / "dead.png").symlink_to(folder / "gone.png")
    return folder


BAD = {"b.png", "._a.png", "album.png", "dead.png", "black.png"}


def test_bad_files_are_named_after_all_others_were_given(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = bad_folder(tmp_path / "in")
    results, given = [], pipeline.predict(folder)
    with pytest.raises(UnreadInputs, match="5 inputs can't be read") as caught:
        results += given
    assert [result["grey"] for result in results] == [10, 30]
    assert all(any(name in str(error) for error in caught.value.errors) for name in BAD)


def test_bad_files_are_handed_over_where_that_is_asked_for(pipeline: Pipeline, tmp_path: Path) -> None:
    faults: list[UserError] = []
    assert len(list(pipeline.predict(bad_folder(tmp_path / "in"), on_error=faults.append))) == 2
    assert len(faults) == 5
    faults.clear()
    mixed = [tmp_path / "none.png", 7, np.zeros((3, 3)), np.full((3, 3, 3), 9, np.uint8)]
    assert [result["grey"] for result in pipeline.predict(mixed, on_error=faults.append)] == [9]
    assert len(faults) == 3


def test_what_concerns_every_file_is_told_at_once(pipeline: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="most=7"):
        list(pipeline.predict(bad_folder(tmp_path / "in"), on_error=lambda _: None, most=7))
    with pytest.raises(ConfigError, match="did you mean most"):
        pipeline.predict(tmp_path, mots=1)


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".pdf"])
def test_all_pages_of_a_file_are_read(pipeline: Pipeline, tmp_path: Path, suffix: str) -> None:
    if suffix == ".pdf":
        pytest.importorskip("pypdfium2")
    pages = [Image.new("RGB", (64, 64), (value,) * 3) for value in (40, 120, 200)]
    options = {"lossless": True} if suffix == ".webp" else {}
    pages[0].save(tmp_path / f"doc{suffix}", save_all=True, append_images=pages[1:], **options)
    found = list(pipeline.predict(tmp_path / f"doc{suffix}"))
    assert [(result["page_index"], abs(result["grey"] - value) < 3) for result, value in
            zip(found, (40, 120, 200), strict=True)] == [(0, True), (1, True), (2, True)]  # fmt: skip
    assert list(save(iter(found), tmp_path / "out")) == [f"doc_{index}_res.txt" for index in range(3)]


def test_a_tiff_that_is_cut_says_which_pages_are_missing(pipeline: Pipeline, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(1, 255, (3, 90, 90, 3)).astype(np.uint8)
    pages = [Image.fromarray(one) for one in noise]
    pages[0].save(tmp_path / "doc.gif", save_all=True, append_images=pages[1:])
    content = (tmp_path / "doc.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(content[: int(len(content) * 0.6)])
    faults: list[UserError] = []
    found = list(pipeline.predict(tmp_path / "cut.gif", on_error=faults.append))
    assert len(found) < 3 and len(faults) == 1 and "cut.gif" in str(faults[0])


def test_a_tiff_whose_second_page_is_damaged_gives_the_others(pipeline: Pipeline, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((90, 90, 3), value, np.uint8)) for value in (40, 120, 200)]
    pages[0].save(tmp_path / "doc.tif", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    with Image.open(tmp_path / "doc.tif") as document:
        document.seek(1)
        (start,), (length,) = document.tag_v2[273], document.tag_v2[279]  # type: ignore[attr-defined]
    content = bytearray((tmp_path / "doc.tif").read_bytes())
    content[start : start + length] = bytes(length)
    (tmp_path / "doc.tif").write_bytes(content)
    faults: list[UserError] = []
    found = list(pipeline.predict(tmp_path / "doc.tif", on_error=faults.append))
    assert [result["grey"] for result in found] == [40, 200]
    assert [str(fault).partition(" can't")[0] for fault in faults] == [f"{tmp_path / 'doc.tif'}: page 2 of 3"]


def test_errors_that_are_kept_hold_nothing_that_was_read(pipeline: Pipeline, tmp_path: Path) -> None:
    faults: list[UserError] = []
    list(pipeline.predict(bad_folder(tmp_path / "in"), on_error=faults.append))
    assert faults and all(fault.__traceback__ is None and fault.__context__ is None for fault in faults)


def test_many_arrays_find_their_names_quickly(pipeline: Pipeline, tmp_path: Path) -> None:
    results = list(pipeline.predict([np.full((2, 2, 3), 5, np.uint8)] * 3))
    seconds = []
    for count in (150, 600):
        began = time.perf_counter()
        for number in range(count):
            claim(tmp_path / str(count), "image", Origin(None, "", (), number), None)
        seconds.append(time.perf_counter() - began)
    assert len(results) == 3
    # Four times as many take four times as long, not sixteen.
    assert seconds[1] < 9 * seconds[0]
