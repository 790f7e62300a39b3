"""PaddleX's label files of pages: where texts are wanted, they are cut out."""

from __future__ import annotations

import json
from pathlib import Path

from kit.exporters import page, quad
from plx_train.config.compose import compose_run
from plx_train.data.formats.page_lines import are_pages
from plx_train.workflow.prepare import Prepared, prepare


def marked(text: str, points: object = None) -> str:
    return json.dumps([{"transcription": text, "points": points or quad(0)}])


def prepared_of(root: Path, folder: Path, *options: str) -> tuple[Prepared, dict[str, str]]:
    """The dataset as text recognition reads it, and the label files that were written."""
    given = compose_run(["module=text_rec", f"dataset.root={root}", *options]).options
    prepared = prepare(given, folder)
    return prepared, {path.name: path.read_text() for path in (folder / "label_files").glob("*.txt")}


def pages(root: Path) -> Path:
    """Three pages to train on, one of them for validation too, as text detection has them."""
    for name in ("a", "b", "c"):
        page(root / f"{name}.png", [f"text {name}"])
    (root / "train.txt").write_text(f"a.png\t{marked('text a')}\nb.png\t{marked('###')}\n")
    (root / "val.txt").write_text(f"./c.png\t{marked('text c')}\n")
    return root


def test_texts_are_cut_out_of_pages(tmp_path: Path) -> None:
    root = pages(tmp_path / "set")
    prepared, written = prepared_of(root, tmp_path / "run")
    assert not [one for one in prepared.findings if one.level == "error"]
    assert written == {"train.txt": "images/a_000.png\ttext a\n", "val.txt": "images/c_000.png\ttext c\n"}


def test_crops_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0.png\ttext\n1.png\t[{ is how an object begins\n")
    assert not are_pages(tmp_path / "train.txt")


def test_faults_of_pages_and_pages_that_are_left_out(tmp_path: Path) -> None:
    root = pages(tmp_path / "set")
    far = [[x + 9000, y] for x, y in quad(0)]
    rows = {
        "a.png": marked("text a"),
        "../b.png": marked("x"),
        "b.png": "[{",
        "gone.png": marked("x"),
        "c.png": marked("far", far),
        "bare": "",
    }
    (root / "train.txt").write_text(
        "".join(f"{name}\t{said}\n" if said else f"{name}\n" for name, said in rows.items())
    )
    prepared, written = prepared_of(root, tmp_path / "run")
    assert {(one.path, one.line, one.code) for one in prepared.findings if one.level == "error"} == {
        ("train.txt", 2, "no-tab"),
        ("train.txt", 3, "bad-json"),
        ("train.txt", 4, "image-missing"),
        ("train.txt", 5, "points-outside"),
        ("train.txt", 6, "no-tab"),
    }
    assert written["train.txt"] == "images/a_000.png\ttext a\n"
    (root / "train.txt").write_text(
        "".join(f"{name}\t{said}\n" for name, said in rows.items() if name[0] not in ".c" and said)
    )
    entries = [{"image": name, "leave_out": True} for name in ("b.png", "gone.png")]
    (tmp_path / "mended.json").write_text(json.dumps({"version": 1, "corrections": entries}))
    prepared, _ = prepared_of(root, tmp_path / "again", f"dataset.corrections={tmp_path / 'mended.json'}")
    assert not prepared.findings
