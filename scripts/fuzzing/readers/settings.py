"""YAML beside models: ``inference.yml`` of every room, pipelines, frozen pipelines; and the choice of an engine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fuzzing.cases import Case
from fuzzing.reader import Reader

TOKENS = (
    *(
        b"Global:",
        b"PreProcess:",
        b"PostProcess:",
        b"transform_ops:",
        b"NormalizeImage:",
        b"ResizeImage:",
        b"model_name:",
        b"plx_train:",
    ),
    *(
        b"label_list:",
        b"character_dict:",
        b"model_dir: ../../guard",
        b"SubModules:",
        b"SubPipelines:",
        b"pipeline_name: OCR",
        b"null",
        b"~",
    ),
    *(
        b"!!python/object/apply:os.system ['touch ../guard/x']",
        b"&a",
        b"*a",
        b"<<:",
        b"- ",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\t",
        b".inf",
        b".nan",
    ),
    *(
        b"1e999",
        b"0x7fffffffffffffff",
        b"-1",
        b"100000000",
        b"Hpi",
        b"dynamic_shapes:",
        b"Reading:",
        b"Series:",
        b"Calibration:",
        b"'",
        b'"',
    ),
)


def _processors() -> dict[str, Any]:
    from plx_train.contract.rooms import load_room

    scaling = {"mean": (1.0,), "std": (2.0,), "time": "date", "frequency": "1h"}
    given: dict[str, dict[str, Any]] = {
        "image_cls": {"labels": ("a", "b"), "size": (16, 16), "resize_short": 20},
        "image_mlcls": {"labels": ("a", "b"), "size": (16, 16), "thresholds": (0.4, 0.6)},
        "image_anomaly": {"size": (32, 32), "threshold": 0.5},
        "image_feature": {"labels": ("a", "b"), "size": (16, 16), "threshold": 0.4},
        "object_det": {"labels": ("a", "b"), "size": (32, 32), "thresholds": (0.4, 0.6)},
        "semantic_seg": {"labels": ("a", "b"), "size": (32, 32)},
        "text_det": {"limit_side_len": 64},
        "text_rec": {"characters": ("a", "b", " "), "width": 48},
        "ts_anomaly": {**scaling, "context": 8, "stride": 4, "features": ("x",)},
        "ts_cls": {**scaling, "group": "id", "length": 9, "columns": ("x",), "labels": ("a", "b")},
        "ts_forecast": {
            **scaling,
            "context": 24,
            "horizon": 6,
            "targets": ("x",),
            "quantiles": (0.1, 0.5, 0.9),
            "seasonal_errors": (0.1,),
            "calendar": True,
        },
    }
    return {room: load_room(room).processor(**values) for room, values in given.items()}


def seeds(folder: Path) -> dict[str, Case]:
    """What each room ships, each pipeline's file, and a frozen pipeline."""
    from plx_train.contract.pipelines import pipeline_files
    from plx_train.runs.exported import inference_text

    names = {"text_det": "PP-OCRv4_mobile_det", "text_rec": "PP-OCRv4_mobile_rec", "ts_forecast": "DLinear"}
    found: dict[str, Case] = {}
    for room, processor in _processors().items():
        settings = processor.to_inference(names.get(room, "PP-LCNet_x1_0"))
        settings["Global"] = {"plx_train": {"module": room, "run": "r", "metrics": {"a": 0.5}}} | settings.get(
            "Global", {}
        )
        settings["Reading"] = {"background": "black"}
        case = {"inference.yml": inference_text(settings).encode(), "inference.json": b"{}", "inference.pdiparams": b""}
        case["engine.json"] = json.dumps({"graph": "0", "machine": {}, "quickest": {"1": "onnx"}}).encode()
        found[room] = case
        del settings["Global"]["plx_train"]
        found[f"{room} of PaddleX"] = {"inference.yml": inference_text(settings).encode()}
    for name, file in pipeline_files().items():
        text = yaml.safe_dump(dict(file.content), sort_keys=False).encode()
        found[f"pipeline {name}"] = {"pipeline.yaml": text}
    text = found["pipeline OCR"]["pipeline.yaml"]
    manifest = {"pipeline": "OCR", "models": {}, "sha256": {"pipeline.yaml": hashlib.sha256(text).hexdigest()}}
    found["frozen"] = {"pipeline.yaml": text, "manifest.json": json.dumps(manifest).encode()}
    return found


def run(folder: Path) -> str:
    """Understands the settings as predictors and pipelines do, before anything is loaded."""
    told = []
    for name, read in (("pipeline.yaml", _pipeline), ("manifest.json", _frozen), ("inference.yml", _inference)):
        if (folder / name).is_file():
            told.append(read(folder))
    return " | ".join(told)


def _pipeline(folder: Path) -> str:
    from plx_train.contract.pipelines import declaration_of
    from plx_train.ground.errors import UserError
    from plx_train.pipelines.config import engine_of, read_config, with_models
    from plx_train.pipelines.known import kind_of
    from plx_train.pipelines.load import check_typed_parameters, load_pipeline

    config = read_config(folder)
    declared = declaration_of(config)
    kind_of(config).parameter_types(config)
    engine_of(config)
    for key in ("TextDetection", "ImageClassification", "DocOrientationClassify"):
        try:
            with_models(config, {key: "missing"})
            check_typed_parameters(folder, {"topk": 3}, "serve.")
        except UserError:
            continue
    try:
        load_pipeline(_with_folders(config), models=dict.fromkeys(declared.parts, "missing"))
    except UserError as error:
        return str(error)[:50]
    return declared.where


def _with_folders(section: Any) -> Any:
    """The configuration with a folder for each model: what is published by a name would be fetched."""
    if isinstance(section, list):
        return [_with_folders(one) for one in section]
    if not isinstance(section, dict):
        return section
    filled = {key: _with_folders(value) for key, value in section.items()}
    return filled | {"model_dir": "missing"} if filled.get("model_name") and not filled.get("model_dir") else filled


def _frozen(folder: Path) -> str:
    from plx_train.ground.errors import UserError
    from plx_train.pipelines.freeze import verify

    try:
        verify(folder)
    except UserError as error:
        return str(error)[:50]
    return "frozen"


def _inference(folder: Path) -> str:
    from plx_train.export.choice import chosen_engine
    from plx_train.export.predictor import stacked
    from plx_train.export.static_model import processor_of, room_of
    from plx_train.runs.exported import lineage, read_inference

    inference = read_inference(folder)
    lineage(inference)
    processor = processor_of(inference)
    if (folder / "inference.json").is_file():
        chosen_engine(folder, 1)
    sample, _ = processor.preprocess(processor.example())
    size = sum(one.nbytes for one in stacked([sample]))
    if size > 1 << 30:
        raise MemoryError(f"an example becomes {size >> 20} MiB")
    section = inference.get("Global")
    processor.to_inference(str(section.get("model_name")) if isinstance(section, dict) else "x")
    return f"{room_of(inference)} {np.sign(size)}"


READER = Reader("yml", seeds, run, TOKENS, has_links=True)
