"""A frozen pipeline's folder from somebody else: its models lie in it, and copies are made of its own files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from plx_train.doctor.bundle import write_bundle
from plx_train.ground.errors import UserError, WeightsError
from plx_train.pipelines.config import read_config
from plx_train.pipelines.freeze import _copy_model, verify
from plx_train.pipelines.load import load_pipeline
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.runs.exported import file_hashes


def frozen(folder: Path, model_dir: str) -> Path:
    (folder / "models" / "TextDetection").mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text('{"sha256": {}}')
    sub = {"pipeline_name": "OCR", "SubModules": {"TextDetection": {"model_dir": "models/TextDetection"}}}
    config = {"pipeline_name": "OCR", "SubModules": {"TextDetection": {"model_dir": model_dir}}, "SubPipelines": {}}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config | {"SubPipelines": {"Other": sub}}))
    return folder


@pytest.mark.parametrize("model_dir", ["../secret", "/etc", "models/../../secret", "models/link", "models:/text_det@x"])
def test_a_frozen_pipeline_names_no_model_elsewhere(model_dir: str, tmp_path: Path) -> None:
    folder = frozen(tmp_path / "frozen", model_dir)
    (folder / "models" / "link").symlink_to("/etc")
    if ":/" in model_dir:
        read_config(folder)  # of a registry that the user names
        return
    with pytest.raises(UserError, match="leads out of"):
        read_config(folder)


def test_models_of_its_own_and_a_yaml_of_the_users_are_taken(tmp_path: Path) -> None:
    folder = frozen(tmp_path / "frozen", "models/TextDetection")
    found = read_config(folder)["SubModules"]["TextDetection"]["model_dir"]
    assert found == str(folder / "models" / "TextDetection")
    frozen(folder, "/srv/models/x")
    (folder / "manifest.json").unlink()
    assert read_config(folder)["SubModules"]["TextDetection"]["model_dir"] == "/srv/models/x"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\\b", "e" * 300])
def test_a_manifest_names_files_of_its_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "frozen").mkdir()
    (tmp_path / "frozen" / "manifest.json").write_text(json.dumps({"sha256": {name: "0" * 64}}))
    with pytest.raises(UserError, match="names"):
        verify(tmp_path / "frozen")


def test_a_manifest_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="nested too deeply"):
        verify(tmp_path)


def test_a_name_that_no_file_system_takes_is_refused(tmp_path: Path) -> None:
    config = {"pipeline_name": "image_classification", "SubModules": {"ImageClassification": {"model_dir": "é" * 300}}}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    assert read_config(tmp_path)["SubModules"]["ImageClassification"]["model_dir"] == "é" * 300
    with pytest.raises(UserError, match="a name in it has 600 bytes"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "inner/x", ""])
def test_a_checkpoints_manifest_names_files_of_its_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "manifest.json").write_text(json.dumps({name: "0" * 64}))
    (tmp_path / "step" / "state.json").write_text("{}")
    with pytest.raises(WeightsError, match="no plain name"):
        load_checkpoint(tmp_path / "step")


def test_a_link_in_an_export_is_neither_sent_nor_copied(tmp_path: Path) -> None:
    export, secret = tmp_path / "export", tmp_path / "id_ed25519"
    export.mkdir()
    secret.write_text("PRIVATE KEY")
    (export / "inference.yml").write_text("a: 1")
    (export / "inference.json").symlink_to("inference.yml")
    assert set(file_hashes(export)) == {"inference.yml", "inference.json"}
    (export / "inference.pdiparams").symlink_to(secret)
    with pytest.raises(UserError, match=r"inference\.pdiparams', which leads out of"):
        file_hashes(export)
    with pytest.raises(UserError, match="leads out of"):
        _copy_model(export, tmp_path / "copy")


def test_a_bundle_for_a_report_holds_no_file_that_a_link_leads_to(tmp_path: Path) -> None:
    run, secret = tmp_path / "run", tmp_path / "id_ed25519"
    run.mkdir()
    secret.write_text("PRIVATE KEY")
    (run / "config.yaml").write_text("seed: 1")
    (run / "run.log").symlink_to(secret)
    assert "run/run.log" not in write_bundle(tmp_path / "bundle.zip", {}, [], run)
