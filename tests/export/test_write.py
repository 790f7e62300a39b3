"""Export: the folder's format, its proof, and that nothing half-done lies under its name."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from kit.checked_rooms import built
from kit.tiny_detector import Pages, TinyDetector
from plx_train.export.parity import Tolerance, check_parity
from plx_train.export.static_model import StaticModel, interpolations
from plx_train.export.write import PARITY_FILE, export, write_export
from plx_train.ground.errors import ExportError, UserError
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.onednn import choice
from plx_train.registry.candidate import read_candidate
from plx_train.runs.exported import file_hashes, is_export

NAME = "PP-OCRv4_mobile_det"


@pytest.fixture(scope="module")
def module() -> TinyDetector:
    return TinyDetector()


def run_export(module: TinyDetector, folder: Path, **changes: Any) -> Any:
    processor = changes.pop("processor", module.processor)
    return export(module, processor, folder, NAME, {"weights": "none"}, Pages(module.processor), **changes)


def test_the_folder_holds_graph_parameters_settings_and_proof(module: TinyDetector, tmp_path: Path) -> None:
    exported = run_export(module, tmp_path / "export")

    assert exported.folder == tmp_path / "export"
    assert is_export(exported.folder)
    assert {path.name for path in exported.folder.iterdir()} >= {
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
        PARITY_FILE,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    settings = yaml.safe_load((exported.folder / "inference.yml").read_text())
    assert settings["Global"] == {"model_name": NAME, "plx_train": {"module": "text_det", "weights": "none"}}
    assert [next(iter(step)) for step in settings["PreProcess"]["transform_ops"]] == [
        "DecodeImage",
        "DetResizeForTest",
        "NormalizeImage",
        "ToCHWImage",
    ]


def test_the_proof_covers_outputs_metric_and_processing(module: TinyDetector, tmp_path: Path) -> None:
    report = run_export(module, tmp_path / "export").parity

    assert report.ok
    assert [engine.name for engine in report.engines] == ["native", "onednn"]
    assert all(engine.max_difference < 1e-4 for engine in report.engines)
    assert (report.expected, report.exported) == (1.0, 1.0)
    assert (report.num_compared, report.num_samples) == (3, 3)
    written = json.loads((tmp_path / "export" / PARITY_FILE).read_text())
    assert written["ok"] is True and written["sentence"] == report.sentence
    assert "equals the trained network" in report.sentence
    assert written["files"] == file_hashes(tmp_path / "export")
    assert set(written["files"]) == {"inference.json", "inference.pdiparams", "inference.yml"}


def test_the_proof_counts_for_its_own_files_only(module: TinyDetector, tmp_path: Path) -> None:
    first = run_export(module, tmp_path / "a").folder
    other = run_export(module, tmp_path / "b", processor=replace(module.processor, unclip_ratio=1.6)).folder
    assert read_candidate(first, None).parity_fault is None

    (first / PARITY_FILE).write_bytes((other / PARITY_FILE).read_bytes())

    fault = str(read_candidate(first, None).parity_fault)
    assert "made for other files" in fault and "inference.yml" in fault


def test_the_live_network_stays_as_it_was(tmp_path: Path) -> None:
    module = TinyDetector()
    module.network.train()
    before = {name: value.numpy() for name, value in module.network.state_dict().items()}
    forward = type(module.network).forward

    write_export(module, module.processor, tmp_path / "export", NAME, {})

    assert all(layer.training for layer in module.network.sublayers(include_self=True))
    assert module.network.forward.__func__ is forward
    after = {name: value.numpy() for name, value in module.network.state_dict().items()}
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_changed_weights_fail_the_proof(tmp_path: Path) -> None:
    module = TinyDetector()
    write_export(module, module.processor, tmp_path / "export", NAME, {})
    weight = module.network.conv.weight
    weight.set_value(weight.numpy() * 1.05)

    report = check_parity(module, module.processor, tmp_path / "export", Pages(module.processor))

    assert not report.ok
    assert any("outputs differ" in fault for fault in report.faults)


def test_the_network_is_compared_by_the_operations_that_are_exported(
    module: TinyDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_export(module, module.processor, tmp_path / "export", NAME, {})
    computed, forward = [], TinyDetector.forward

    def noted(self: TinyDetector, batch: dict[str, Any]) -> Any:
        computed.append(bool(choice._exchanged))
        return forward(self, batch)

    monkeypatch.setattr(TinyDetector, "forward", noted)
    try:
        if choice.choose_convolutions("auto", "fp32", True).backend == "native":
            pytest.skip("there is no oneDNN to train by here")
        report = check_parity(module, module.processor, tmp_path / "export", Pages(module.processor))
    finally:
        choice.restore_convolutions()

    assert report.ok and report.engines[0].max_difference <= 1e-6
    assert computed[: report.num_compared] == [False] * report.num_compared
    # The metric is that of the network as it was trained.
    assert set(computed[report.num_compared :]) == {True}


def test_values_that_are_not_numbers_fail_the_proof(tmp_path: Path) -> None:
    module = TinyDetector()
    module.network.conv.bias.set_value(np.full(1, np.nan, np.float32))

    with pytest.raises(ExportError, match="outputs differ by inf"):
        run_export(module, tmp_path / "export")


def test_other_processing_fails_the_proof(module: TinyDetector, tmp_path: Path) -> None:
    write_export(module, replace(module.processor, unclip_ratio=0.3), tmp_path / "export", NAME, {})

    report = check_parity(module, module.processor, tmp_path / "export", Pages(module.processor))

    assert report.exported < 0.5 < report.expected
    assert "hmean is" in report.sentence and "unclip_ratio (1.5 became 0.3)" in report.sentence


def test_a_wrong_expected_metric_fails_the_proof(module: TinyDetector, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"hmean is 1\.0000 instead of 0\.9900"):
        run_export(module, tmp_path / "export", expected=0.99)


def test_a_failed_proof_leaves_the_former_export_and_names_the_other(module: TinyDetector, tmp_path: Path) -> None:
    run_export(module, tmp_path / "export")
    former = (tmp_path / "export" / "inference.yml").read_bytes()

    with pytest.raises(ExportError, match=r"export\.failed"):
        run_export(module, tmp_path / "export", tolerance=Tolerance(native=-1.0, accelerated=-1.0))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "export.failed"]
    assert (tmp_path / "export" / "inference.yml").read_bytes() == former
    assert json.loads((tmp_path / "export.failed" / PARITY_FILE).read_text())["ok"] is False


def test_an_export_replaces_the_former_one(module: TinyDetector, tmp_path: Path) -> None:
    run_export(module, tmp_path / "export")
    (tmp_path / "export" / "stale").write_text("")

    run_export(module, tmp_path / "export", processor=replace(module.processor, unclip_ratio=1.4))

    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert not (tmp_path / "export" / "stale").exists()
    settings = yaml.safe_load((tmp_path / "export" / "inference.yml").read_text())
    assert settings["PostProcess"]["unclip_ratio"] == 1.4


def test_resizing_in_the_graph_is_refused(tmp_path: Path) -> None:
    module = TinyDetector(resizes=True)

    with pytest.raises(ExportError, match="nearest_interp"):
        run_export(module, tmp_path / "export")

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_paddlex_treats_otherwise_is_refused(module: TinyDetector, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"module\.model_name"):
        export(module, module.processor, tmp_path / "export", "MyNet", {}, Pages(module.processor))

    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_one_sentence(module: TinyDetector, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ExportError, match="can't be written"):
        run_export(module, tmp_path / "file" / "export")


def test_interpolations_are_found_only_among_operations(tmp_path: Path) -> None:
    graph = tmp_path / "inference.json"
    operations = [{"#": "1.conv2d", "A": [{"AT": {"D": "1.nearest_interp"}}]}]
    graph.write_text(json.dumps({"program": {"regions": [{"blocks": [{"ops": operations}]}]}}))
    assert interpolations(graph) == []

    nested = [{"#": "1.if", "regions": [{"blocks": [{"ops": [{"#": "1.bilinear_interp"}]}]}]}]
    graph.write_text(json.dumps({"program": {"regions": [{"blocks": [{"ops": nested}]}]}}))
    assert interpolations(graph) == ["bilinear_interp"]

    graph.write_text("{}")
    with pytest.raises(UserError, match="can't be read as a Paddle graph"):
        interpolations(graph)


def test_settings_survive_the_way_through_yaml(module: TinyDetector, tmp_path: Path) -> None:
    processor = TextDetProcessor(limit_side_len=640, thresh=0.27, box_thresh=0.55, unclip_ratio=1.3, box_type="poly")
    write_export(module, processor, tmp_path, NAME, {"note": "größer"})

    settings = yaml.safe_load((tmp_path / "inference.yml").read_text("utf-8"))

    assert TextDetProcessor.from_inference(settings) == processor
    assert settings["Global"]["plx_train"]["note"] == "größer"


def test_one_model_serves_several_threads(module: TinyDetector, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    write_export(module, module.processor, tmp_path, NAME, {})
    model = StaticModel(tmp_path, threads=1)
    inputs = [np.random.default_rng(seed).normal(size=(1, 3, 64, 96)).astype(np.float32) for seed in range(8)]

    alone = [model(x)[0] for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: model(x)[0], inputs))

    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_onnx_without_the_extra_names_the_command(
    module: TinyDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "paddle2onnx", None)
    monkeypatch.setattr("plx_train.export.onnx_model.sys", SimpleNamespace(version_info=(3, 12)))

    with pytest.raises(ExportError, match=r"pip install -e '\.\[onnx\]'"):
        run_export(module, tmp_path / "export", onnx=True)

    assert list(tmp_path.iterdir()) == []


def test_onnx_is_written_and_proven(module: TinyDetector, tmp_path: Path) -> None:
    pytest.importorskip("paddle2onnx")
    pytest.importorskip("onnxruntime")

    exported = run_export(module, tmp_path / "export", onnx=True)

    assert (exported.folder / "inference.onnx").is_file()
    assert [engine.name for engine in exported.parity.engines] == ["native", "onednn", "onnx"]


def test_a_network_of_several_branches_is_exported_merged(tmp_path: Path) -> None:
    import paddle

    paddle.seed(3)
    module = built("text_det", options={"scale": 0.25, "neck_channels": 32, "merged": False})
    module.network.train()
    # Without statistics of their own, merged and multi-branch batch norms would be equal by chance.
    module.network(paddle.randn([2, 3, 64, 64]))

    exported = export(module, module.processor, tmp_path / "export", NAME, {}, Pages(module.processor, 1))

    assert exported.parity.ok
    assert module.network.merged is False
    assert all(engine.max_difference < 1e-4 for engine in exported.parity.engines)
    graph = (tmp_path / "export" / "inference.json").read_text()
    assert graph.count("conv2d_transpose") >= 2
