"""The dataset check: each fault has its code, its file and line, and its sentence."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.checked_rooms import checked
from kit.places import ROOT
from plx_train.contract.check import CheckReport, Finding
from plx_train.contract.rooms import load_room
from plx_train.data.findings import report_lines, report_table
from plx_train.data.fingerprint import fingerprint, load_report, save_report
from plx_train.data.splits import document_of, holdout_split
from plx_train.modules.text_det.labels import read_lines
from plx_train.vision import samples as samples_module
from plx_train.vision.image import read_image

POINTS = [[10, 10], [90, 10], [90, 30], [10, 30]]
LABEL = {"transcription": "word", "points": POINTS}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(folder))
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for index in range(4):
        image = np.random.default_rng(index).integers(0, 256, (60, 100, 3), np.uint8)
        cv2.imwrite(str(folder / "images" / f"{index}.png"), image)
    (folder / "train.txt").write_text(line("images/0.png") + line("images/1.png"))
    (folder / "val.txt").write_text(line("images/2.png"))
    return folder


def line(name: str, labels=None) -> str:
    return f"{name}\t{json.dumps([LABEL] if labels is None else labels)}\n"


def run(root: Path):
    return checked("text_det", root)


def found(root: Path) -> list[tuple[str, str, str]]:
    """(where, level, code) of every finding."""
    return [(str(item).split(": ")[0], item.level, item.code) for item in run(root).report.findings]


def label(**changes):
    return [{**LABEL, **changes}]


def moved(x: float, y: float = 0.0):
    return [[px + x, py + y] for px, py in POINTS]


BROKEN_LINES = [
    (
        "images/1.png [{}]\n",
        "error",
        "no-tab",
        "a space stands where the tab between image path and labels should be",
    ),
    ("images/1.png\n", "error", "no-tab", "there is no tab between image path and labels"),
    ("   \n", "warning", "blank-line", "the line is blank"),
    (f"\t{json.dumps([LABEL])}\n", "error", "no-image-path", "there is no image path before the tab"),
    (
        'images/1.png\t[{"a" 1}]\n',
        "error",
        "bad-json",
        "not JSON: Expecting ':' delimiter at character 7 after the tab",
    ),
    ("images/1.png\t\n", "error", "bad-json", "not JSON: Expecting value at character 1"),
    ("images/1.png\t" + "[" * 100_000 + "\n", "error", "bad-json", "not usable JSON"),
    ('images/1.png\t{"points": []}\n', "error", "not-a-list", "the labels are an object, not a list"),
    ("images/1.png\t[]\n", "warning", "no-labels", "the page has no text"),
    (line("images/1.png", ["word"]), "error", "label-not-object", "label 1 is a string, not an object"),
    (
        line("images/1.png", [LABEL, {"points": POINTS}]),
        "error",
        "missing-key",
        'label 2 has no "transcription"',
    ),
    (line("images/1.png", [{"transcription": "a"}]), "error", "missing-key", 'label 1 has no "points"'),
    (
        line("images/1.png", label(transcription=3)),
        "error",
        "text-not-string",
        "of label 1 is a number, not a string",
    ),
    (
        line("images/1.png", label(points=POINTS[:3])),
        "error",
        "too-few-points",
        'label 1 ("word") has 3 points',
    ),
    (line("images/1.png", label(points=[])), "error", "too-few-points", "has 0 points, 4 or more are needed"),
    (
        line("images/1.png", label(points=[1, 2, 3, 4])),
        "error",
        "points-not-pairs",
        "are not a list of [x, y]",
    ),
    (line("images/1.png", label(points="10")), "error", "points-not-pairs", "are not a list of [x, y]"),
    (
        line("images/1.png", label(points=[["1", 2]] * 4)),
        "error",
        "points-not-numbers",
        "are not all numbers",
    ),
    (
        line("images/1.png", label(points=[[True, 2]] * 4)),
        "error",
        "points-not-numbers",
        "are not all numbers",
    ),
    (
        line("images/1.png", label(points=[[float("nan"), 2]] * 4)),
        "error",
        "points-not-finite",
        "hold NaN or infinity",
    ),
    (
        line("images/1.png", label(points=[[10**400, 2]] * 4)),
        "error",
        "points-outside",
        "millions of pixels away",
    ),
    (
        line("images/1.png", label(points=moved(40))),
        "error",
        "points-outside",
        'that of "word" by 30: was the image resized',
    ),
    (
        line("images/1.png", label(points=moved(-11))),
        "warning",
        "points-outside",
        "stick out of the image a little",
    ),
    (
        line("images/1.png", label(points=moved(40), transcription="###")),
        "warning",
        "points-outside",
        "are ignored",
    ),
    (
        line("images/1.png", [*label(points=[[1, 1]] * 4), LABEL]),
        "warning",
        "empty-polygon",
        'the polygon of "word" is below 1',
    ),
    (
        line("images/1.png", [*label(points=[POINTS[i] for i in (0, 2, 1, 3)]), LABEL]),
        "warning",
        "self-intersecting",
        'the polygon of "word" is crossed by the own outline',
    ),
    (
        line("images/1.png", [LABEL, LABEL]),
        "warning",
        "twin-polygon",
        'first that of "word", are there more than once',
    ),
    (line("images/9.png"), "error", "image-missing", "9.png: there is no such image"),
    (line("images/empty.png"), "error", "image-empty", "0 bytes"),
    (line("images/broken.png"), "error", "image-undecodable", "the image is damaged or cut off"),
    (line("images/text.png"), "error", "image-undecodable", "not an image of a known format"),
    (line("images"), "error", "image-unreadable", "can't be read"),
    (
        line("../secret.png"),
        "error",
        "path-outside-root",
        "the image path ../secret.png leaves the dataset's folder",
    ),
    (line("images/../../secret.png"), "error", "path-outside-root", "leaves the dataset's folder"),
    (line("/etc/passwd"), "error", "path-outside-root", "/etc/passwd is absolute"),
    (line("C:\\data\\a.png"), "error", "path-outside-root", "is absolute"),
    (line("\\\\server\\a.png"), "error", "path-outside-root", "is absolute"),
    (line("images/link.png"), "error", "path-outside-root", "leaves the dataset's folder"),
    (line("images/loop.png"), "error", "image-", ""),
    (line("images/\0.png"), "error", "image-path-invalid", "zero character"),
    (line("images/" + "a" * 5000), "error", "image-", ""),
    (line("images\\1.png"), "warning", "backslash-path", "backslashes in the image path images\\1.png"),
    (line("images/0.png"), "warning", "image-twice", "images/0.png is in train.txt:1 already"),
    (
        line("images/0.png", [LABEL, {**LABEL, "points": moved(2)}]),
        "error",
        "other-truth",
        "images/0.png is in train.txt:1 already, with another labelling",
    ),
    (
        line("images/copy.png"),
        "warning",
        "same-picture",
        "is the same picture as images/0.png of train.txt:1",
    ),
    (
        line("images/copy.png", [LABEL, {**LABEL, "points": moved(2)}]),
        "error",
        "other-truth",
        "is the same picture as images/0.png of train.txt:1, with another labelling",
    ),
]


@pytest.mark.parametrize(("text", "level", "code", "reason"), BROKEN_LINES)
def test_a_broken_line_is_told_with_its_line(root, text, level, code, reason):
    images = root / "images"
    (images / "empty.png").touch()
    (images / "text.png").write_text("no picture")
    (images / "broken.png").write_bytes((images / "0.png").read_bytes()[:2000])
    (images / "link.png").symlink_to(root.parent / "secret.png")
    (images / "loop.png").symlink_to(images / "loop.png")
    shutil.copy(images / "0.png", images / "copy.png")
    shutil.copy(images / "0.png", root.parent / "secret.png")
    (root / "train.txt").write_text(line("images/0.png") + text + line("images/3.png"))
    outcome = run(root)
    (finding,) = outcome.report.findings
    assert str(finding).startswith("train.txt:2: ")
    assert (finding.level, finding.code[: len(code)]) == (level, code)
    assert reason in finding.reason and "\n" not in finding.reason
    assert outcome.report.ok == (level == "warning")
    is_page = level == "warning" and code != "blank-line"
    assert [page.where for page in outcome.train] == [
        "train.txt:1",
        *["train.txt:2"] * is_page,
        "train.txt:3",
    ]
    assert outcome.train[0].image == root / "images" / "0.png"


def test_files_outside_the_root_are_never_opened(root, monkeypatch):
    secret = root.parent / "secret.png"
    shutil.copy(root / "images" / "0.png", secret)
    (root / "images" / "link.png").symlink_to(secret)
    opened = []
    monkeypatch.setattr(samples_module, "read_image", lambda path: opened.append(path) or read_image(path))
    (root / "train.txt").write_text(line("../secret.png") + line("images/link.png") + line(str(secret)))
    assert [code for *_, code in found(root)] == ["path-outside-root"] * 3
    assert opened == [root / "images" / "2.png"]


def test_every_fault_is_told_at_once(root):
    (root / "train.txt").write_text(
        "no tab\n" + line("images/9.png", ["x"]) + line("images/0.png") + line("images/1.png", label(points=moved(50)))
    )
    (root / "val.txt").write_text(line("images/0.png") + "images/2.png\t{\n")
    assert found(root) == [
        ("train.txt:1", "error", "no-tab"),
        ("train.txt:2", "error", "label-not-object"),
        ("train.txt:2", "error", "image-missing"),
        ("train.txt:4", "error", "points-outside"),
        ("val.txt:1", "error", "train-and-val"),
        ("val.txt:2", "error", "bad-json"),
    ]


def test_the_same_picture_in_both_splits_is_found_under_another_name(root):
    shutil.copy(root / "images" / "1.png", root / "images" / "other.png")
    (root / "val.txt").write_text(line("images/2.png") + line("images/other.png"))
    outcome = run(root)
    assert [(str(item), item.level) for item in outcome.report.findings] == [
        ("val.txt:2: the picture images/other.png is in train.txt:2 as well", "warning")
    ]
    assert len(outcome.val) == 2, "one may be equal by chance"


def test_windows_files_are_read_and_noted(root):
    text = "\ufeff" + (root / "train.txt").read_text().replace("\n", "\r\n")
    (root / "train.txt").write_bytes(text.encode())
    outcome = run(root)
    assert [(item.line, item.level, item.code) for item in outcome.report.findings] == [
        (1, "warning", "byte-order-mark"),
        (1, "warning", "crlf"),
    ]
    assert len(outcome.train) == 2


def test_control_characters_of_transcriptions_are_told_and_do_no_harm(root):
    odd = [{**LABEL, "transcription": "a\x85b"}, {**LABEL, "transcription": "\ud800", "points": moved(5, 25)}]
    (root / "train.txt").write_text(line("images/0.png") + line("images/1.png", odd))
    assert found(root) == [("train.txt:2", "warning", "control-character")]
    told = report_lines(run(root).report)
    assert "U+0085 (NEXT LINE) 1×, U+D800 (half of a surrogate pair) 1×" in told[1]
    assert "\n".join(told).encode()


def test_other_encodings_are_told_by_line_and_byte(root):
    (root / "train.txt").write_bytes(line("images/0.png").encode() + "images/é.png\t[]\n".encode("latin-1"))
    assert [str(item) for item in run(root).report.findings] == [
        "train.txt:2: byte 8 of the line is not UTF-8: save the file in that encoding; "
        "it is probably in WINDOWS-1252: iconv -f WINDOWS-1252 -t UTF-8 train.txt > utf8.txt"
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_label_file(root, content):
    (root / "val.txt").write_bytes(content)
    assert ("val.txt", "error", "label-file-empty") in found(root)


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (lambda root: shutil.rmtree(root), "root-missing", "does not exist"),
        (lambda root: (shutil.rmtree(root), root.touch()), "root-missing", "is a file, not a folder"),
        (lambda root: (root / "val.txt").unlink(), "label-file-missing", "there is no val.txt in"),
        (
            lambda root: (root / "val.txt").rename(root / "test.txt"),
            "label-file-missing",
            "test.txt, train.txt",
        ),
        (
            lambda root: [(root / name).rename(root / "images" / name) for name in ("train.txt", "val.txt")],
            "label-file-missing",
            "so set dataset.root=",
        ),
        (
            lambda root: [(root / name).rename(root / "Label.txt") for name in ("train.txt", "val.txt")],
            "label-file-missing",
            "PPOCRLabel",
        ),
    ],
)
def test_a_wrong_root_shows_what_is_expected(root, change, code, reason):
    change(root)
    outcome = run(root)
    first = outcome.report.findings[0]
    assert first.code == code and reason in first.reason
    assert f"expected is {root}/ with images/*.jpg, train.txt and val.txt" in first.reason
    assert not outcome.report.ok and outcome.train == outcome.val == []


def test_one_file_for_both_splits(root):
    report = checked("text_det", root, "train.txt", "train.txt").report
    assert [item.code for item in report.findings] == ["same-label-file"]


def test_text_too_small_after_the_resize_of_evaluation(root):
    cv2.imwrite(str(root / "images" / "0.png"), np.zeros((3000, 4000, 3), np.uint8))
    assert found(root) == [
        ("train.txt", "warning", "text-too-small"),
        ("train.txt:1", "warning", "page-text-too-small"),
    ]
    statistics = run(root).report.statistics["train"]
    assert statistics["share_small"] == 0.5
    assert statistics["text_height"]["max"] == 20
    assert statistics["text_height_at_evaluation"]["min"] == pytest.approx(20 * 704 / 3000, abs=0.01)
    sharper = checked("text_det", root, limit_side_len=4000)
    assert not sharper.report.findings


def test_polygons_of_more_points_and_nested_label_files(root):
    (root / "labels").mkdir()
    seal = [[10, 10], [50, 5], [90, 10], [90, 30], [50, 25], [10, 30]]
    (root / "labels" / "a.txt").write_text(line("images/0.png", label(points=seal)) + "broken\n")
    found = checked("text_det", root, "labels/a.txt")
    assert [str(item) for item in found.report.errors] == [
        "labels/a.txt:2: there is no tab between image path and labels"
    ]
    assert found.train[0].truth[0].points.shape == (6, 2)


def test_a_label_is_read_as_it_stands(root):
    (root / "train.txt").write_text(line("images/0.png") + line("images/1.png", [LABEL, 3]))
    pages, findings = read_lines(root / "train.txt", root)
    assert [page.where for page in pages] == ["train.txt:1", "train.txt:2"] and len(findings) == 1
    text = pages[0].truth[0]
    assert (text.text, text.ignore, text.points.tolist()) == ("word", False, POINTS)


def test_ignored_texts(root):
    (root / "val.txt").write_text(line("images/2.png", label(transcription="*") + label(points=moved(1, 1))))
    assert [item.ignore for item in run(root).val[0].truth] == [True, False]


def test_report_as_json_text_and_table(root):
    (root / "train.txt").write_text("no tab\n" * 30 + line("images/0.png"))
    report = run(root).report
    values = json.loads(json.dumps(report.to_json()))
    assert (values["ok"], values["num_errors"], values["codes"]) == (False, 30, {"no-tab": 30})
    assert CheckReport.from_json(values) == report
    lines = report_lines(report, max_findings=2)
    assert lines[0].endswith("30 errors, 0 warnings") and "… and 28 more findings" in lines
    assert "error: train.txt:2: there is no tab between image path and labels" in lines
    assert any(text.split() == ["pages", "1", "1"] for text in lines)
    from rich.console import Console

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(report_table(report, max_findings=2))
    shown = console.export_text()
    assert "train.txt:2" in shown and "28 more" in shown and "share small" in shown


def test_the_outcome_is_kept_until_content_or_settings_change(root, monkeypatch):
    opened = []
    monkeypatch.setattr(samples_module, "read_image", lambda path: opened.append(path.name) or read_image(path))
    first = run(root)
    assert sorted(opened) == ["0.png", "1.png", "2.png"]
    again = run(root)
    assert len(opened) == 3 and again.report == first.report
    assert [page.where for page in again.train] == [page.where for page in first.train]
    checked("text_det", root, limit_side_len=640)
    assert len(opened) == 6
    cv2.imwrite(str(root / "images" / "1.png"), np.zeros((60, 100, 3), np.uint8))
    assert run(root).report.fingerprint != first.report.fingerprint and len(opened) == 9


@pytest.mark.parametrize("damage", ["unwritable", "garbage"])
def test_a_broken_cache_is_no_hindrance(root, cache, damage):
    expected = run(root).report
    if damage == "unwritable":
        shutil.rmtree(cache)
        cache.write_text("a file where the folder should be")
    else:
        for path in cache.rglob("*.json"):
            path.write_text('{"key": [')
    assert run(root).report == expected


def test_fingerprint_is_of_content_and_names(root):
    names = ["train.txt", "images/0.png", "images/none.png"]
    first = fingerprint(root, names)
    assert first.hashes["images/none.png"] is None
    assert fingerprint(root, names[::-1] + names[:1]).value == first.value
    copy = shutil.copytree(root, root.parent / "copy")
    assert fingerprint(copy, names).value == first.value
    (copy / "images" / "0.png").rename(copy / "images" / "none.png")
    assert fingerprint(copy, names).value != first.value


def test_files_are_hashed_once_unless_they_are_fresh(root, cache):
    path = root / "train.txt"
    before = fingerprint(root, ["train.txt"]).value
    text = path.read_text().replace("word", "Word")
    path.write_text(text)  # as long as before, and perhaps within the clock's grain
    assert fingerprint(root, ["train.txt"]).value != before
    os.utime(path, ns=(10**18, 10**18))
    settled = fingerprint(root, ["train.txt"]).value
    path.write_text(text.replace("Word", "WORD"))
    os.utime(path, ns=(10**18, 10**18))
    assert fingerprint(root, ["train.txt"]).value == settled  # the known limit
    shutil.rmtree(cache)
    assert fingerprint(root, ["train.txt"]).value != settled


def test_reports_are_kept_by_their_whole_key():
    save_report({"fingerprint": "a", "version": 1}, {"ok": True})
    assert load_report({"version": 1, "fingerprint": "a"}) == {"ok": True}
    assert load_report({"version": 2, "fingerprint": "a"}) is None


def test_sample_pictures(root, tmp_path):
    room, pages = load_room("text_det"), run(root).train
    paths = room.draw_samples(pages, tmp_path / "samples")
    assert [path.name for path in paths] == ["0_0.jpg", "1_1.jpg"]
    assert not np.array_equal(read_image(paths[0]), read_image(pages[0].image))
    assert room.draw_samples([], tmp_path) == []
    assert len(room.draw_samples(pages * 20, tmp_path / "many")) == room.num_pictures


def test_findings_say_where():
    assert str(Finding("val.txt", 3, "error", "no-tab", "x")) == "val.txt:3: x"
    assert str(Finding("val.txt", 0, "error", "no-tab", "x")) == "val.txt: x"


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("images/guide-fr_0012.jpg", "images/guide-fr"),
        ("a/b c 3.png", "a/b c"),
        ("0001.jpg", ""),
        ("guide/0001.jpg", "guide/"),
        ("scan.v2-7.tif", "scan.v2"),
    ],
)
def test_document_of(name, document):
    assert document_of(name) == document


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from("abcdefg"), max_size=60), st.floats(0.01, 0.95), st.integers(0, 5))
def test_holdout_properties(documents, share, seed):
    names = [f"{document}_{index}.jpg" for index, document in enumerate(documents)]
    kept, held = holdout_split(names, share, seed)
    assert sorted(kept + held) == list(range(len(names)))
    assert (kept, held) == holdout_split(names, share, seed)
    if len(names) >= 2:
        assert kept and held
    target = min(max(round(share * len(names)), 1), max(len(names) - 1, 0))
    largest = max(Counter(documents).values(), default=0)
    assert abs(len(held) - target) <= largest
    groups = [{documents[index] for index in part} for part in (kept, held)]
    if len(set(documents)) >= 3 and largest < 2 * target and largest < len(names) - largest:
        assert not groups[0] & groups[1]


def test_holdout_without_documents_draws_pages():
    kept, held = holdout_split([f"{index}.jpg" for index in range(20)], 0.15, 1)
    assert len(held) == 3 and len(kept) == 17
    assert holdout_split(["a.jpg", "b.jpg"], 0.0, 1) == ([0, 1], [])
    assert holdout_split(["a.jpg"], 0.5, 1) == ([0], [])


EMBEDDED = ROOT / "datasets" / "pages"


@pytest.mark.parametrize("suffix", ["", "_lines"])
def test_the_embedded_pages_are_flawless(suffix):
    found = checked("text_det", EMBEDDED, f"train{suffix}.txt", f"val{suffix}.txt")
    assert found.report.findings == ()
    assert (len(found.train), len(found.val)) == (44, 20)
    documents = [{document_of(page.image.name) for page in pages} for pages in (found.train, found.val)]
    assert (len(documents[0]), len(documents[1])) == (6, 2) and not documents[0] & documents[1]
    for seed in range(5):
        kept, held = holdout_split([page.image.name for page in found.train], 0.15, seed)
        assert 0.1 < len(held) / 44 < 0.25
        names = [{document_of(found.train[index].image.name) for index in part} for part in (kept, held)]
        assert not names[0] & names[1]


def test_the_embedded_pages_are_small_and_all_used():
    files = [path for path in EMBEDDED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12_000_000
    used = {
        line.split("\t")[0] for name in ("train.txt", "val.txt") for line in (EMBEDDED / name).open(encoding="utf-8")
    }
    assert used == {path.relative_to(EMBEDDED).as_posix() for path in files if path.suffix == ".jpg"}
