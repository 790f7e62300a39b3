"""An exported folder as plain data."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.runs.exported import exported_in, file_hashes, is_export, lineage, parameters_file, read_inference


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"content: {name}\n")
    return folder


def test_a_folder_of_paddles_and_one_of_onnx_alone(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", "inference.json", "inference.pdiparams", "inference.yml")
    older = make(tmp_path / "older", "inference.pdmodel", "inference.pdiparams", "inference.yml")
    int8 = make(tmp_path / "int8", "inference.onnx", "inference.yml")
    half = make(tmp_path / "half", "inference.json", "inference.yml")
    bare = make(tmp_path / "bare", "inference.json", "inference.pdiparams")

    assert [is_export(folder) for folder in (whole, older, int8, half, bare)] == [True, True, True, False, False]
    assert parameters_file(whole).name == "inference.pdiparams"
    assert parameters_file(int8).name == "inference.onnx"


def test_by_itself_or_in_the_folder_of_its_run(tmp_path: Path) -> None:
    export = make(tmp_path / "run" / "export", "inference.json", "inference.pdiparams", "inference.yml")
    assert exported_in(export) == exported_in(tmp_path / "run") == export
    assert exported_in(tmp_path) is None


def test_hashes_are_of_what_makes_up_the_model(tmp_path: Path) -> None:
    folder = make(tmp_path / "export", "inference.yml", "parity.json")
    assert file_hashes(folder) == {"inference.yml": hashlib.sha256(b"content: inference.yml\n").hexdigest()}


def test_what_inference_yml_says(tmp_path: Path) -> None:
    folder = make(tmp_path / "export", "inference.yml")
    assert read_inference(folder) == {"content": "inference.yml"}
    assert lineage({"Global": {"plx_train": {"module": "text_det"}}}) == {"module": "text_det"}
    assert lineage({"Global": None}) == lineage({}) == {}


@pytest.mark.parametrize(
    ("text", "said"), [(None, "is missing"), ("a: [", "can't be read"), ("- a list", "holds no settings")]
)
def test_one_that_cannot_be_read(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "inference.yml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_inference(tmp_path)
