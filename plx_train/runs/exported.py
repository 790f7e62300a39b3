"""An exported folder as plain data: the names of its files, their hashes, and what ``inference.yml`` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from plx_train.ground.characters import is_control, is_invisible
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, sha256
from plx_train.ground.foreign_yaml import parsed_yaml
from plx_train.runs.folder import EXPORT, INFERENCE_FILE, MOST_RECORD_BYTES, ONNX_FILE, PARAMETERS_FILE, STEM


def is_export(folder: Path) -> bool:
    """Whether `folder` holds an exported graph with its ``inference.yml``."""
    has_graph = any((folder / f"{STEM}{suffix}").is_file() for suffix in (".json", ".pdmodel"))
    is_whole = has_graph and (folder / PARAMETERS_FILE).is_file()
    return (is_whole or is_onnx_only(folder)) and (folder / INFERENCE_FILE).is_file()


def exported_in(folder: Path) -> Path | None:
    """The exported folder that `folder` is, or holds as a run's folder; None where there is none."""
    return next((place for place in (folder, folder / EXPORT) if is_export(place)), None)


def is_onnx_only(folder: Path) -> bool:
    """Whether `folder` holds a graph that Paddle can't run, only ONNX Runtime and OpenVINO: an int8 export's."""
    has_graph = any((folder / f"{STEM}{suffix}").is_file() for suffix in (".json", ".pdmodel"))
    return not has_graph and (folder / ONNX_FILE).is_file()


def parameters_file(folder: Path) -> Path:
    """The file that holds the parameters."""
    return folder / (ONNX_FILE if is_onnx_only(folder) else PARAMETERS_FILE)


def graph_files(folder: Path) -> tuple[Path, Path]:
    """The graph's and the parameters' file.

    Raises:
        UserError: one of them is missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: give one that plx_train or PaddleX exported")
    if is_onnx_only(folder):
        raise UserError(
            f"{folder} holds {ONNX_FILE} alone, which Paddle can't run: take engine=onnx or engine=openvino"
        )
    graphs = [folder / f"{STEM}{suffix}" for suffix in (".json", ".pdmodel")]
    graph = next((path for path in graphs if path.is_file()), None)
    parameters = folder / PARAMETERS_FILE
    if graph is None or not parameters.is_file():
        raise UserError(
            f"{folder} is not an exported folder: it needs {STEM}.json (or {STEM}.pdmodel) and {PARAMETERS_FILE}"
        )
    return graph, parameters


def read_inference(folder: Path) -> dict[str, Any]:
    """The content of ``inference.yml``.

    Raises:
        UserError: it is missing or can't be read.
    """
    path = folder / INFERENCE_FILE
    try:
        content = parsed_yaml(read_limited(path, MOST_RECORD_BYTES).decode("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{folder} is not an exported folder: {path.name} is missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no settings")
    return content


def inference_text(settings: dict[str, Any]) -> str:
    """The text of an ``inference.yml`` which any YAML reader turns into `settings` again, character by character."""
    return yaml.dump(settings, Dumper=_ExactDumper, sort_keys=False, allow_unicode=True, default_flow_style=None)


class _ExactDumper(yaml.SafeDumper):
    """Writes texts with control or invisible characters by escapes.

    PyYAML writes U+0085, U+2028 and U+2029 as they are and reads them as breaks of lines, which become spaces.
    """

    def represent_exactly(self, text: str) -> yaml.ScalarNode:
        """A text in double quotes where it needs them, else in PyYAML's own style."""
        if any(is_control(each) or is_invisible(each) for each in text):
            return self.represent_scalar("tag:yaml.org,2002:str", text, style='"')
        return self.represent_str(text)


_ExactDumper.add_representer(str, _ExactDumper.represent_exactly)


def lineage(inference: dict[str, Any]) -> dict[str, Any]:
    """What ``inference.yml`` says about the model's origin, by plx_train; empty in others' exports."""
    section = inference.get("Global") or {}
    found = section.get("plx_train") if isinstance(section, dict) else None
    return found if isinstance(found, dict) else {}


def model_name(inference: dict[str, Any]) -> str:
    """The name that ``inference.yml`` gives the model; empty where it gives none."""
    section = inference.get("Global")
    return str(section.get("model_name", "")) if isinstance(section, dict) else ""


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of each ``inference.*`` in `folder` by name: graph, parameters, settings, ONNX.

    Raises:
        OSError: one can't be read.
        UserError: one is a link that leads out of the folder: what is copied or sent by its name is another file.
    """
    return {path.name: sha256(path) for path in files_named(folder, f"{STEM}.*")}


def files_named(folder: Path, pattern: str = "*") -> list[Path]:
    """The files of an exported folder by name, for who copies or sends them.

    Raises:
        UserError: one is a link that leads out of the folder.
    """
    paths = [path for path in sorted(folder.glob(pattern)) if path.is_file()]
    for path in paths:
        confined(folder, path.name, f"{folder}")
    return paths
