"""The gate before every engine: a graph's bytes are read once, held against the allow-list, and handed on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from plx_train.export.graphs.facts import GraphFacts, MalformedGraph, RefusedGraph
from plx_train.export.graphs.onnx_graph import read_onnx
from plx_train.export.graphs.pir import read_pir
from plx_train.export.graphs.program import read_program
from plx_train.ground.characters import legible
from plx_train.ground.errors import UserError
from plx_train.ground.files import open_regular, read_limited
from plx_train.runs.exported import graph_files
from plx_train.runs.folder import STEM
from plx_train.weights.paddle_tensors import stored_sizes

READERS: Mapping[str, Callable[[bytes], GraphFacts]] = {
    ".json": read_pir, ".pdmodel": read_program, ".onnx": read_onnx,
}  # fmt: skip
MOST_BYTES: Mapping[str, int] = {".json": 64 << 20, ".pdmodel": 256 << 20, ".onnx": (2 << 30) - 1}
"""The largest files; an ONNX graph holds its parameters, and protocol buffers end there."""
LONGEST_NAME = 80
MOST_NAMES = 3
UNKNOWN_SIZE = -1


@dataclass(frozen=True)
class CheckedGraph:
    """A graph that holds nothing but operations that compute; made by `checked_graph` alone.

    Attributes:
        path: where it was read from, for messages.
        content: what was read and looked at: engines are given this, never the file.
        facts: what is known of it.
    """

    path: Path
    content: bytes
    facts: GraphFacts


@dataclass(frozen=True)
class CheckedExport:
    """A graph of Paddle with its file of parameters, whose sizes are those that the graph names.

    Attributes:
        state: of the file of parameters when it was looked at.
    """

    graph: CheckedGraph
    parameters: Path
    state: tuple[int, ...]

    def require_unchanged(self) -> None:
        """Does nothing while the file of parameters is the one that was looked at.

        Raises:
            UserError: it is another.
        """
        if _state(self.parameters.stat()) != self.state:
            raise UserError(f"{self.parameters} was changed while it was loaded: load it again once it is whole")


def checked_export(folder: Path) -> CheckedExport:
    """What Paddle is given of an exported folder.

    Raises:
        RefusedGraph: the graph holds an operation that does more than compute.
        UserError: a file is missing or damaged.
    """
    path, parameters = graph_files(folder)
    graph = checked_graph(path)
    try:
        return CheckedExport(graph, parameters, _check_parameters(parameters, graph.facts.parameters))
    except OSError as error:
        raise UserError(f"{parameters} can't be read ({error.strerror or error})") from None
    except ValueError as error:
        told = f"{parameters} does not belong to {path.name} or is damaged ({error})"
        raise UserError(f"{told}: export it again") from None


def checked_graph(path: Path) -> CheckedGraph:
    """The graph in the file `path`, its format told by the suffix.

    Raises:
        RefusedGraph: it holds an operation that does more than compute.
        UserError: it can't be read.
    """
    try:
        content = read_limited(path, MOST_BYTES[path.suffix])
        facts = READERS[path.suffix](content)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error})") from None
    except (MalformedGraph, RecursionError, MemoryError) as error:
        kind = "an ONNX graph" if path.suffix == ".onnx" else "a Paddle graph"
        raise UserError(f"{path} can't be read as {kind}: {error or type(error).__name__}; export it again") from None
    refused = sorted(facts.operations - allowed_operations(path.suffix))
    if refused:
        names = ", ".join(legible(name[:LONGEST_NAME]) for name in refused[:MOST_NAMES])
        more = f" and {len(refused) - MOST_NAMES} more" if len(refused) > MOST_NAMES else ""
        raise RefusedGraph(
            f"{path} was refused before anything of it ran: it holds the operation {names}{more}, which is none of "
            "those that models compute with and could read or write files; export the network again without it"
        )
    return CheckedGraph(path, content, facts)


def check_every_graph(folder: Path) -> None:
    """Looks at all graphs of an exported folder, before it is handed on with what no engine asked for.

    Raises:
        UserError: as `checked_graph`.
    """
    for suffix in READERS:
        path = folder / f"{STEM}{suffix}"
        if path.is_file():
            checked_graph(path)


@cache
def allowed_operations(suffix: str) -> frozenset[str]:
    """Names of the operations that a graph may hold, by the suffix of its file."""
    name = f"export/graphs/allowed/{suffix.removeprefix('.')}.txt"
    lines = resources.files("plx_train").joinpath(name).read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _check_parameters(path: Path, wanted: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Compares the headers in a file of parameters with what the graph names; gives the file's state."""
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        # Not mapped: of a mapped file that is cut off meanwhile the process would die.
        stored = list(stored_sizes(file))
    # Paddle writes them in the order of their names.
    names = sorted(wanted)
    if len(stored) != len(names):
        raise ValueError(f"it holds {len(stored)} tensors instead of {len(names)}")
    for name, dims in zip(names, stored, strict=True):
        if not _fits(dims, wanted[name]):
            raise ValueError(f"{legible(name[:LONGEST_NAME])} is of {list(dims)} instead of {list(wanted[name])}")
    return _state(status)


def _fits(dims: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    if len(dims) != len(wanted):
        return False
    return all(size in (one, UNKNOWN_SIZE) for one, size in zip(dims, wanted, strict=True))


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
