"""The check of text recognition: each fault has its code, its file and line, and its sentence; and dictionaries."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf

from kit.checked_rooms import checked, fitted
from kit.exporters import labelme, shape
from kit.text_lines import draw_text, make_lines
from plx_train.config.compose import compose_run, composed_from
from plx_train.contract.check import Checked
from plx_train.contract.processor import READING
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import ConfigError, DataError, UserError, WeightsError
from plx_train.modules.text_rec.dictionary import dictionary_from, dictionary_of, listed
from plx_train.modules.text_rec.processor import TextRecProcessor
from plx_train.runs.exported import inference_text
from plx_train.vision.labels.dictionary import read_dictionary
from plx_train.workflow.dataset import Finished, check

ABC = TextRecProcessor(("a", "b", "c"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    return make_lines(tmp_path / "data")


def run(root: Path, max_unknown: float = 0.02, processor: TextRecProcessor = ABC, **files: str) -> Checked[Any]:
    return checked("text_rec", root, processor=processor, max_unknown_share=max_unknown, **files)


def found(outcome: Checked[Any]) -> list[tuple[str, int, str, str]]:
    return [(item.path, item.line, item.level, item.code) for item in outcome.report.findings]


def append(root: Path, line: str | bytes, file: str = "train.txt") -> None:
    data = line if isinstance(line, bytes) else line.encode()
    (root / file).write_bytes((root / file).read_bytes() + data)


def test_a_good_dataset_has_no_finding_and_figures_of_its_texts(root: Path) -> None:
    outcome = run(root)
    assert found(outcome) == [] and outcome.report.ok
    assert (len(outcome.train), len(outcome.val)) == (8, 3)
    statistics = outcome.report.statistics["train"]
    assert (statistics["crops"], statistics["different_characters"], statistics["texts_with_space"]) == (8, 4, 3)
    assert run(root).report.to_json() == outcome.report.to_json()  # the kept one


IMAGE = "images/train_0000.png"
BROKEN_LINES = [
    (f"{IMAGE} ab\n", "error", "no-tab", "no tab between image path and text"),
    (f"{IMAGE}\n", "error", "no-tab", "no tab"),
    ("  \n", "warning", "blank-line", "blank"),
    ("\tab\n", "error", "no-image-path", "no image path before the tab"),
    (f"{IMAGE}\t\n", "error", "empty-text", "leave crops without text out"),
    (f"{IMAGE}\ta\tb\n", "error", "tab-in-text", "a second tab"),
    (
        f'{IMAGE}\t[{{"transcription": "a", "points": []}}]\n',
        "error",
        "boxes-for-text",
        "a label file of text detection",
    ),
    (f'["{IMAGE}", "b.png"]\tab\n', "error", "image-list", "a line of its own"),
    (f"/{IMAGE}\tab\n", "error", "path-outside-root", "absolute"),
    ("../secret.png\tab\n", "error", "path-outside-root", "leaves the dataset's folder"),
    ("a\0b.png\tab\n", "error", "image-path-invalid", "zero character"),
    (b"images/\xff.png\tab\n", "error", "not-utf8", "byte 8 of the line is not UTF-8"),
    ("images/none.png\tab\n", "error", "image-missing", "none.png: there is no such image"),
    ("images/empty.png\tab\n", "error", "image-empty", "0 bytes"),
    ("images/text.png\tab\n", "error", "image-undecodable", "not an image of a known format"),
    ("images/upright.png\tab\n", "warning", "upright", "higher than wide"),
    ("images/short.png\t" + "ab" * 40 + "\n", "warning", "text-too-long", "too narrow for its 80 characters"),
    (f"{IMAGE}\tab\n", "warning", "image-twice", "is in train.txt:1 already"),
    (f"{IMAGE}\tba\n", "error", "other-truth", "is in train.txt:1 already, with another text"),
    (
        "images/copy.png\tba\n",
        "error",
        "other-truth",
        f"is the same picture as {IMAGE} of train.txt:1, with another text",
    ),
]


@pytest.mark.parametrize(("line", "level", "code", "reason"), BROKEN_LINES)
def test_each_fault_of_a_line_is_told_with_its_line(
    root: Path, line: str | bytes, level: str, code: str, reason: str
) -> None:
    (root / "images/empty.png").touch()
    (root / "images/text.png").write_text("no image")
    cv2.imwrite(str(root / "images/upright.png"), np.zeros((90, 20, 3), np.uint8))
    cv2.imwrite(str(root / "images/short.png"), draw_text("ab"))
    shutil.copy(root / IMAGE, root / "images/copy.png")
    append(root, line)
    outcome = run(root)
    assert ("train.txt", 9, level, code) in found(outcome), found(outcome)
    assert any(item.code == code and reason in item.reason for item in outcome.report.findings)
    if level == "error":
        assert len(outcome.train) == 8, "the faulty crop is left out"


ODD_LINES = [
    (f"{IMAGE}\ta\x85b\n", "control-character", "U+0085 (NEXT LINE) 1×", "a\x85b"),
    (f"{IMAGE}\ta\u2028b\n", "control-character", "U+2028 (LINE SEPARATOR) 1×", "a\u2028b"),
    (f"{IMAGE}\ta\rb\n", "lone-cr", "1 lines hold a CR that no LF follows", "a\rb"),
    (f"{IMAGE}\ta\u200bb\n", "invisible-character", "U+200B (ZERO WIDTH SPACE) 1×", "a\u200bb"),
    (f"{IMAGE}\t\ufeffab\x85\n", "outer-space", "U+FEFF (ZERO WIDTH NO-BREAK SPACE), U+0085 (NEXT LINE)", "ab"),
    (f"{IMAGE}\tab \n", "outer-space", "space before or after the text", "ab"),
]


@pytest.mark.parametrize(("line", "code", "reason", "truth"), ODD_LINES)
def test_what_nobody_sees_is_told_and_the_rest_goes_on(
    root: Path, tmp_path: Path, line: str, code: str, reason: str, truth: str
) -> None:
    (root / "train.txt").write_bytes(b"".join((root / "train.txt").read_bytes().splitlines(keepends=True)[1:]))
    append(root, line)
    outcome = run(root, max_unknown=1.0)
    assert ("train.txt", 8, "warning", code) in found(outcome), found(outcome)
    assert any(item.code == code and reason in item.reason for item in outcome.report.findings)
    assert outcome.report.ok

    processor = fitted("text_rec", root, dict="auto")
    learned = run(root, processor=processor).train
    assert truth in [crop.truth for crop in learned]
    shipped = processor.to_inference("PP-OCRv4_mobile_rec")
    assert TextRecProcessor.from_inference(yaml.safe_load(inference_text(shipped))) == processor
    assert load_room("text_rec").draw_samples(learned, tmp_path / "drawn")


def test_two_forms_of_a_character_are_told(root: Path) -> None:
    append(root, "images/train_0000.png\tcafé\nimages/train_0001.png\tcafe\u0301\n")
    report = run(root, max_unknown=1.0).report
    finding = next(item for item in report.findings if item.code == "mixed-forms")
    assert finding.line == 10 and "é as U+00E9 and as U+0065 U+0301" in finding.reason


def test_auto_without_a_usable_line_tells_why(root: Path) -> None:
    (root / "train.txt").write_text("images/train_0000.png ab\n")
    (root / "val.txt").write_text("")
    outcome = checked("text_rec", root, dict="auto")
    assert [(item.path, item.code) for item in outcome.report.errors] == [
        ("train.txt", "no-tab"),
        ("val.txt", "label-file-empty"),
    ]
    assert checked("text_rec", root / "none", dict="auto").report.errors[0].code == "root-missing"


def test_odd_characters_of_a_dictionary_file_are_told(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes("a\nb\n\x85\n\u200b\nc\n".encode())
    findings = checked("text_rec", root, dict=str(path)).report.findings
    assert [(item.path, item.line, item.level, item.code) for item in findings] == [
        (str(path), 3, "warning", "control-character"),
        (str(path), 4, "warning", "invisible-character"),
    ]


def test_dictionaries_of_other_systems_are_taken_or_told(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes(b"a\rb\r")
    assert read_dictionary(path) == ("a", "b")
    path.write_bytes("a\nb\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"UTF-16LE, iconv -f UTF-16LE -t UTF-8 d\.txt"):
        read_dictionary(path)
    path.write_text("a\ne\u0301\n")
    with pytest.raises(DataError, match=r"holds 2 characters.*which are one in Unicode's form NFC"):
        read_dictionary(path)


def test_what_parts_a_line_wrongly_is_named(root: Path) -> None:
    append(root, f"{IMAGE},ab\n{IMAGE} ab\n{IMAGE};ab\n")
    reasons = [item.reason for item in run(root).report.errors]
    assert [reason.rpartition(": ")[2] for reason in reasons] == [
        f"{what} stands there" for what in ("a comma", "a space", "a semicolon")
    ]


def test_a_missing_image_says_where_it_was_looked_for(root: Path) -> None:
    append(root, "images/TRAIN_0000.PNG\tab\n")

    def reason() -> str:
        return next(item.reason for item in run(root).report.errors if item.line == 9)

    place = f"{root}/images/TRAIN_0000.PNG: there is no such image"
    assert reason().startswith(f"{place}; did you mean {IMAGE} (")
    (root / IMAGE).rename(root / "images/moved.gif")
    assert reason() == place, "not the kept one"


def test_a_dead_link_is_no_mystery(root: Path) -> None:
    (root / IMAGE).unlink()
    (root / IMAGE).symlink_to(root / "images/gone.png")
    assert "it is a link to" in run(root).report.errors[0].reason


def test_faults_of_a_whole_file(root: Path) -> None:
    data = (root / "val.txt").read_bytes()
    (root / "val.txt").write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    append(root, b"images\\val_0000.png\t ab \r\n", "val.txt")
    codes = {code for path, _, _, code in found(run(root)) if path == "val.txt"}
    assert codes == {"byte-order-mark", "crlf", "backslash-path", "outer-space", "image-twice"}
    assert [crop.truth for crop in run(root).val] == ["ab", "b a", "cab", "ab"]

    (root / "val.txt").write_text("")
    assert ("val.txt", 0, "error", "label-file-empty") in found(run(root))
    (root / "val.txt").unlink()
    assert found(run(root)) == [("val.txt", 0, "error", "label-file-missing")]
    assert found(run(root / "nowhere"))[0][3] == "root-missing"
    assert found(run(root, val="train.txt")) == [("train.txt", 0, "error", "same-label-file")]


def test_a_crop_in_both_splits_is_an_error_and_equal_pictures_a_warning(root: Path) -> None:
    append(root, f"{IMAGE}\tab\n", "val.txt")
    (root / "images/copy.png").write_bytes((root / "images/train_0002.png").read_bytes())
    append(root, "images/copy.png\tcab\n", "val.txt")
    assert [item for item in found(run(root)) if item[3] == "train-and-val"] == [
        ("val.txt", 4, "error", "train-and-val"),
        ("val.txt", 5, "warning", "train-and-val"),
    ]


def test_words_printed_alike_are_no_news(root: Path) -> None:
    shutil.copy(root / IMAGE, root / "images/copy.png")
    append(root, "images/copy.png\tab\n")
    outcome = run(root)
    assert found(outcome) == [] and len(outcome.train) == 9


def test_low_crops_are_told(root: Path) -> None:
    for index in range(4):
        cv2.imwrite(str(root / f"images/train_{index:04d}.png"), draw_text("ab")[:8])
    assert "crops-too-small" in {code for *_, code in found(run(root))}


def test_characters_outside_the_dictionary_are_listed_with_counts(root: Path) -> None:
    processor = TextRecProcessor(("a", "b"))
    outcome = run(root, processor=processor)
    finding = next(item for item in outcome.report.errors if item.path == "train.txt")
    assert finding.code == "unknown-characters"
    # cab, abc abc, c, acb, a c
    assert "1 characters in 5 of 8 texts (62.5%)" in finding.reason and "'c' (U+0063) 6×" in finding.reason
    assert "module.dict=auto" in finding.reason and "the first is in line 3" in finding.reason

    outcome = run(root, 0.7, processor)
    assert outcome.report.ok and outcome.report.warnings
    assert len(outcome.train) == 3, "what can't be learned is not trained on"
    assert len(outcome.val) == 3, "but counts in validation"


def test_long_lists_are_cut() -> None:
    text = listed((chr(0x4E00 + place), 1) for place in range(50))
    assert text.count("×") == 40 and text.endswith("and 10 more")


def test_samples_are_drawn(root: Path, tmp_path: Path) -> None:
    paths = load_room("text_rec").draw_samples(run(root).train, tmp_path / "drawn")
    assert len(paths) == 8 and all(path.is_file() for path in paths)


def test_auto_takes_the_characters_of_the_labels_without_the_space(root: Path) -> None:
    assert fitted("text_rec", root, dict="auto", width=400) == TextRecProcessor(("a", "b", "c"), 400)


def test_a_file_gives_the_dictionary(root: Path, tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes("\ufeffx\r\ny\r\n\u3000\r\n".encode())
    assert fitted("text_rec", root, dict=str(tmp_path / "d.txt")).characters == ("x", "y", "\u3000")


def test_without_weights_there_is_no_dictionary_of_theirs(root: Path) -> None:
    with pytest.raises(UserError, match=r"module\.dict=weights needs weights: set module\.dict=auto"):
        fitted("text_rec", root)


def exported(folder: Path, background: str = "white") -> Path:
    """What is asked of an export that knows p and q, save its graph."""
    folder.mkdir()
    (folder / "inference.json").write_text("{}")
    (folder / "inference.pdiparams").touch()
    written = TextRecProcessor(("p", "q"), 480).to_inference("PP-OCRv4_mobile_rec") | {
        READING: {"background": background}
    }
    (folder / "inference.yml").write_text(yaml.safe_dump(written))
    return folder


def test_weights_bring_their_dictionary_and_not_their_width(root: Path, tmp_path: Path) -> None:
    weights = str(exported(tmp_path / "export"))
    assert fitted("text_rec", root, weights) == TextRecProcessor(("p", "q"), 320)


def test_a_finished_model_keeps_its_own_dictionary(root: Path, tmp_path: Path) -> None:
    given = compose_run(["module=text_rec", "module.dict=auto", f"dataset.root={root}"]).options
    processor, outcome = check(given, tmp_path, Finished(exported(tmp_path / "export")))
    assert processor == TextRecProcessor(("p", "q"), 480)
    assert {item.code for item in outcome.report.errors} == {"unknown-characters"}


@pytest.mark.parametrize(("background", "level"), [("black", 0), ("white", 255)])
def test_texts_are_cut_for_a_finished_model_on_its_own_background(tmp_path: Path, background: str, level: int) -> None:
    root, folder = tmp_path / "pages", exported(tmp_path / "export", background)
    for name in "ab":
        root.mkdir(exist_ok=True)
        cv2.imwrite(str(root / f"{name}.png"), np.full((60, 200, 4), (0, 0, 9, 0), np.uint8))
        labelme(root / f"{name}.json", f"{name}.png", shapes=[shape("p", [[10, 10], [90, 10], [90, 40], [10, 40]])])
    given = compose_run(["module=text_rec", f"dataset.root={root}", "dataset.background=grey"]).options
    check(given, tmp_path / "out", Finished(folder))
    crops = [cv2.imread(str(path)) for path in (tmp_path / "out" / "label_files" / "images").iterdir()]
    assert len(crops) == 2 and all((crop == level).all() for crop in crops)


def test_a_finished_model_hides_no_fault_of_the_folder(root: Path, tmp_path: Path) -> None:
    (root / "val.txt").unlink()
    given = compose_run(["module=text_rec", f"dataset.root={root}", "dataset.split=none"]).options
    _, outcome = check(given, tmp_path, Finished(exported(tmp_path / "export")))
    assert [item.code for item in outcome.report.errors] == ["label-file-missing"]


def test_a_run_recorded_with_its_characters_is_composed_without(root: Path) -> None:
    recorded = OmegaConf.create(compose_run(["module=text_rec", "module.dict=auto", f"dataset.root={root}"]).yaml)
    recorded.module.characters = ["a", "b"]
    assert not hasattr(composed_from(recorded, ()).options.module, "characters")
    recorded.module.charakters = ["a"]
    with pytest.raises(ConfigError, match="charakters"):
        composed_from(recorded, ())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\nbc\n", ":2: the line holds 2 characters"),
        (b"a\n\nb\n", ":2: the line is blank"),
        (b"a\nb\na\n", ":3: 'a' is in line 1 already"),
        (b"a\n\xff\n", "is not UTF-8 at byte 3"),
    ],
)
def test_a_faulty_dictionary_is_told_with_its_line(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "d.txt").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_dictionary(tmp_path / "d.txt")


def test_missing_dictionaries(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        read_dictionary(tmp_path / "none.txt")
    with pytest.raises(WeightsError, match=r"don't say which characters.*module\.dict="):
        dictionary_of(tmp_path)
    with pytest.raises(DataError, match="no label holds a character"):
        dictionary_from([" ", ""])
