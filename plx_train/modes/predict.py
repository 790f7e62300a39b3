"""mode=predict: predictions as JSON and overlays for an image or a folder."""

from __future__ import annotations

import json
from pathlib import Path

from plx_train.api import RunResult
from plx_train.config import Composed, resolve_path
from plx_train.device import check_device, prepare_environment
from plx_train.errors import ConfigError, UserError
from plx_train.image import read_image, write_image
from plx_train.modes.pipelines import predict as predict_pages
from plx_train.modes.prepare import open_session
from plx_train.modes.source import Source, find_source

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/predictions.json`` and ``<output>/overlays/``; the exit code is 1 if an image can't be read."""
    options = composed.options
    if not options.input:
        raise ConfigError("mode=predict needs input=<image or folder>")
    if options.pipeline:
        return predict_pages(composed)
    check_device(options.device)
    source = find_source(options)
    images = find_images(resolve_path(options.input))
    session = open_session(composed)
    prepare_environment(options.device)
    from plx_train.device import open_device
    from plx_train.predictor import Predictor

    predictor = Predictor(exported_folder(source), open_device(options.device).name)
    overlays = session.output / "overlays"
    overlays.mkdir(exist_ok=True)
    predictions, failed = {}, 0
    for name, path in images.items():
        try:
            image = read_image(path)
        except UserError as error:
            session.console.error(str(error))
            failed += 1
            continue
        prediction = predictor.predict(image)
        predictions[name] = prediction.to_json()
        write_image((overlays / name).with_suffix(".jpg"), predictor.overlay(image, prediction))
    (session.output / "predictions.json").write_text(json.dumps(predictions, indent=1, ensure_ascii=False), "utf-8")
    rows = [("images", str(len(predictions))), ("not readable", str(failed)),
            ("predictions", str(session.output / "predictions.json")), ("overlays", str(overlays))]  # fmt: skip
    session.console.summary("predict", rows)
    return RunResult("predict", session.output, {"images": float(len(predictions))}, exit_code=1 if failed else 0)


def find_images(path: Path) -> dict[str, Path]:
    """Images by a name relative to `path`: the file itself, or all images of a folder and its subfolders.

    Raises:
        UserError: there is none.
    """
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise UserError(f"input={path} does not exist")
    found = sorted(item for item in path.rglob("*") if item.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise UserError(f"input={path} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return {item.relative_to(path).as_posix(): item for item in found}


def exported_folder(source: Source) -> Path:
    """The exported folder of a run.

    Raises:
        UserError: it was not exported.
    """
    if source.export:
        return source.export
    folder = source.run / "export" if source.run else None
    if folder is None or not (folder / "inference.yml").is_file():
        raise UserError(f"{source.checkpoint} was not exported: run mode=export run={source.run or source.checkpoint}")
    return folder
