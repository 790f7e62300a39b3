"""What is known of a graph before anything runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from plx_train.ground.errors import UserError


@dataclass(frozen=True)
class GraphFacts:
    """The operations of a graph, and the tensors that it expects in the file of parameters.

    Attributes:
        operations: names of all, those of sub-graphs among them, as the format's allow-list spells them.
        parameters: sizes by name; of an ONNX graph none, for it holds its own.
    """

    operations: frozenset[str]
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class RefusedGraph(UserError):
    """A graph that no engine is given: it holds an operation that does more than compute."""


class MalformedGraph(ValueError):
    """A graph that can't be read, or that would not be understood by its engine as it is read here; says why."""


@contextmanager
def told_malformed() -> Iterator[None]:
    """Within it, what is wrong with the bytes of a graph is a `MalformedGraph`."""
    try:
        yield
    except UnicodeDecodeError:
        raise MalformedGraph("a name in it is not UTF-8") from None
    except MalformedGraph:
        raise
    except ValueError as error:
        raise MalformedGraph(str(error)) from None
