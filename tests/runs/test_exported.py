"""An exported folder as plain data."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from plx_train.ground.errors import UserError
from plx_train.runs.exported import (
    exported_in,
    file_hashes,
    inference_text,
    is_export,
    lineage,
    parameters_file,
    read_inference,
)

NAMES = st.lists(st.text(st.characters(), max_size=12), max_size=8)
CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xAD, 0xD800, 0xDFFF, 0xFFFE)))


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


@given(NAMES, st.text(st.characters(), max_size=200))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_as_it_was_written(names: list[str], text: str) -> None:
    content = {"PostProcess": {"label_list": names, "character_dict": list(text)}, "Global": {"model_name": text}}
    assert yaml.safe_load(inference_text(content).encode().decode()) == content


@pytest.mark.parametrize("character", CONTROLS)
def test_control_characters_survive_a_file(tmp_path: Path, character: str) -> None:
    content = {
        "PostProcess": {"label_list": [f"a{character}b", character, f"{character} a", f"{'word ' * 40}{character}"]}
    }
    (tmp_path / "inference.yml").write_text(inference_text(content), "utf-8")
    assert read_inference(tmp_path) == content
    assert yaml.safe_load((tmp_path / "inference.yml").open(encoding="utf-8")) == content, "as PaddleX reads it"


def test_ordinary_texts_are_written_as_ever() -> None:
    content = {
        "Global": {"model_name": "é"},
        "PostProcess": {"label_list": ["a b", "1", "中", "e\u0301", "'", "~", ""]},
    }
    assert inference_text(content) == yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, default_flow_style=None
    )
