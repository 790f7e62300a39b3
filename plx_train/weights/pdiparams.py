"""Reads exported models with numpy alone: ``.pdiparams`` beside ``.pdmodel`` (old) or ``.json`` (new)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.ground.parsed import parse_json
from plx_train.ground.protobuf import fields
from plx_train.runs.checkpoint import MOST_TENSOR_BYTES
from plx_train.weights.paddle_tensors import stored_tensors
from plx_train.weights.restricted_pickle import MALFORMED, restricted_load

# Numbers of fields in Paddle's framework.proto.
PROGRAM_BLOCKS, BLOCK_VARIABLES, VARIABLE_NAME, VARIABLE_PERSISTABLE = 1, 3, 1, 3
NOT_PARAMETERS = ("feed", "fetch")


def _names_of_program(content: bytes) -> list[str]:
    """Names of the parameters of an old ``.pdmodel``, in the order of the file of parameters."""
    block = next((value for number, value in fields(content) if number == PROGRAM_BLOCKS), b"")
    names = set()
    for number, value in fields(block):
        if number != BLOCK_VARIABLES:
            continue
        variable = dict(fields(value))
        name = str(variable[VARIABLE_NAME], "utf-8")
        if variable.get(VARIABLE_PERSISTABLE) and name not in NOT_PARAMETERS:
            names.add(name)
    return sorted(names)


def _names_of_graph(content: bytes) -> list[str]:
    """Names of the parameters of an ``inference.json``, in the order of the file of parameters."""
    operations = parse_json(content)["program"]["regions"][0]["blocks"][0]["ops"]
    parameters = [operation["A"] for operation in operations if operation["#"] == "p"]
    return sorted({item for attributes in parameters for item in attributes if isinstance(item, str)})


def _read_tensors(content: bytes, names: list[str]) -> dict[str, np.ndarray]:
    tensors = {}
    stored = stored_tensors(content)
    for name in names:
        tensor = next(stored, None)
        if tensor is None:
            raise ValueError("it ends too early")
        tensors[name] = tensor.array()
    if next(stored, None) is not None:
        raise ValueError("it holds more tensors than the graph beside it names")
    return tensors


def read_pdiparams(parameters: Path) -> dict[str, np.ndarray]:
    """Tensors of an exported model by the network's names, where the export recorded them, else by Paddle's.

    Args:
        parameters: the ``.pdiparams``; its graph lies beside it.

    Raises:
        WeightsError: a file is missing, damaged, or belongs to another export.
    """
    graph = _graph_beside(parameters)
    read_names = _names_of_graph if graph.suffix == ".json" else _names_of_program
    names = _guarded(graph, read_names)
    tensors = _guarded(parameters, lambda content: _read_tensors(content, names))
    information = parameters.with_name(parameters.name + ".info")
    if graph.suffix != ".json" and information.is_file():
        recorded = _guarded(information, lambda content: restricted_load(content, str(information)))
        if not isinstance(recorded, dict):
            raise WeightsError(f"{information} is damaged: fetch it again")
        return {_structured(recorded.get(name), name): tensor for name, tensor in tensors.items()}
    return tensors


def _structured(recorded: Any, name: str) -> str:
    return str(recorded.get("structured_name", name)) if isinstance(recorded, dict) else name


def _graph_beside(parameters: Path) -> Path:
    for suffix in (".json", ".pdmodel"):
        graph = parameters.with_suffix(suffix)
        if graph.is_file():
            return graph
    stem = parameters.stem
    raise WeightsError(f"{parameters} can't be read without {stem}.json or {stem}.pdmodel beside it")


def _guarded(path: Path, read: Any) -> Any:
    """`read` of the file's bytes, with the file's name in every error."""
    try:
        return read(read_limited(path, MOST_TENSOR_BYTES))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    except MALFORMED as error:
        reason = str(error) if type(error) is ValueError else "it is no Paddle export"
        raise WeightsError(f"{path} is damaged: {reason}") from None
