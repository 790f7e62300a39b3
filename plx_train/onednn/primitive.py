"""One oneDNN primitive that takes and gives plain tensors, whatever layouts it computes in."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.onednn.library import (
    ANY_FORMAT,
    DST,
    IN_ORDER_STREAM,
    QUERIES,
    SCRATCHPAD,
    SRC,
    TYPES,
    Argument,
    Pointer,
    check,
    engine,
    library,
    take_threads,
)

TRIAL_NUMBERS = 65537
"""Numbers at random, again and again; a prime."""
LEAST_COMPARED, MOST_TRIALS = 96, 8
"""Numbers of each tensor that are compared, and how often others are tried for it."""
ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""


class Owned:
    """A handle of oneDNN's that is destroyed with this object."""

    def __init__(self, kind: str) -> None:
        self.handle = Pointer()
        # Held, because at the interpreter's end modules go before objects.
        self._destroy = getattr(library(), f"dnnl_{kind}_destroy")

    def __del__(self) -> None:
        if self.handle:
            self._destroy(self.handle)


def plain_layout(shape: Sequence[int], strides: Sequence[int] | None = None) -> Owned:
    """A float32 tensor of `shape`, rows one after the other, or of `strides` in numbers."""
    made = Owned("memory_desc")
    sizes = int64s(shape)
    steps = int64s(strides or [math.prod(shape[place + 1 :]) for place in range(len(shape))])
    call = library().dnnl_memory_desc_create_with_strides
    check(call(ctypes.byref(made.handle), len(shape), sizes, TYPES["fp32"], steps), "memory_desc_create_with_strides")
    return made


def free_layout(shape: Sequence[int], precision: str) -> Owned:
    """A tensor of `shape` in whatever layout the primitive likes best."""
    made = Owned("memory_desc")
    call = library().dnnl_memory_desc_create_with_tag
    check(
        call(ctypes.byref(made.handle), len(shape), int64s(shape), TYPES[precision], ANY_FORMAT),
        "memory_desc_create_with_tag",
    )
    return made


def address(tensor: Any) -> int | None:
    """Where a Paddle tensor's numbers stand; None for none."""
    return None if tensor is None else tensor.data_ptr()


def int64s(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """The numbers as C has them."""
    return (ctypes.c_int64 * len(values))(*values)


class ThreadState:
    """What primitives of one thread share: they run one after the other.

    Attributes:
        threads: that help it, itself among them; see `primitive_of`.
        last: what ran last, whose copies stand in the workspace.
    """

    def __init__(self) -> None:
        take_threads(1)
        self.threads = 1
        self.last: Primitive | None = None
        self.stream = Owned("stream")
        check(
            library().dnnl_stream_create(ctypes.byref(self.stream.handle), engine(), IN_ORDER_STREAM), "stream_create"
        )
        self.size = 0
        self.address = 0
        self.memory: ctypes.Array[ctypes.c_char] | None = None

    def workspace(self, size: int) -> int:
        """Address of at least `size` bytes; what stands there is anybody's."""
        if size > self.size:
            self.memory = ctypes.create_string_buffer(size + ALIGNMENT)
            self.address = -(-ctypes.addressof(self.memory) // ALIGNMENT) * ALIGNMENT
            self.size = size
        return self.address


@dataclass(frozen=True)
class Place:
    """A tensor inside the workspace."""

    memory: Owned
    offset: int


Layouts = dict[int, Owned]
"""Layout of each argument, as the caller holds it."""
Describe = Callable[[], Owned]
"""Makes the description of a primitive, with `attributes`."""


class Primitive:
    """Runs on tensors' addresses; called from one thread.

    Args:
        describe: is asked with as many threads as the primitive will have.
        inputs: of what is read.
        outputs: of what is written.
        threads: of OpenMP that compute it.
    """

    def __init__(
        self, state: ThreadState, describe: Describe, inputs: Layouts, outputs: Layouts, threads: int = 1
    ) -> None:
        self.state = state
        self.threads = threads
        take_threads(threads)
        try:
            self._make(describe(), inputs, outputs)
        finally:
            take_threads(1)

    def _make(self, description: Owned, inputs: Layouts, outputs: Layouts) -> None:
        self.layouts = (description, *inputs.values(), *outputs.values())
        self.primitive = _primitive(description)
        self.workspace_size = 0
        self.workspace_address = 0
        self.given: list[Pointer] = []
        self.places: list[Place] = []
        self.first: Pointer | None = None
        """Layout of the first input's copy, which is at the beginning of the workspace; None where none is made."""
        self.before: list[tuple[Pointer, ctypes.Array[Argument]]] = []
        self.after: list[tuple[Pointer, ctypes.Array[Argument]]] = []
        self.kept: list[Owned] = [self.primitive]
        arguments = {}
        for index, layout in (inputs | outputs).items():
            arguments[index] = self._argument(description, index, layout, is_input=index in inputs)
        scratchpad = _wanted(description, SCRATCHPAD)
        if scratchpad and library().dnnl_memory_desc_get_size(scratchpad):
            arguments[SCRATCHPAD] = self._in_workspace(scratchpad)
        self.arguments = _arguments(arguments)

    def __call__(self, *addresses: int, previous: Primitive | None = None) -> None:
        """Computes on tensors at `addresses`: inputs, then outputs, in the order they were declared.

        With `previous`, a primitive that ran on the same first input, its copy of that is taken over if it stands.
        """
        if self.threads == 1:
            self._compute(addresses, previous)
            return
        take_threads(self.threads)
        try:
            self._compute(addresses, previous)
        finally:
            # What Paddle computes adds up in an order of its own with more.
            take_threads(1)

    def _compute(self, addresses: Sequence[int], previous: Primitive | None) -> None:
        call = library()
        has_first = previous is not None and self._takes_over(previous)
        self._place()
        for memory, address in zip(self.given, addresses, strict=True):
            call.dnnl_memory_set_data_handle(memory, address)
        self.state.last = self
        stream, execute = self.state.stream.handle, call.dnnl_primitive_execute
        for reorder, arguments in self.before[has_first:]:
            check(execute(reorder, stream, 2, arguments), "reorder")
        check(execute(self.primitive.handle, stream, len(self.arguments), self.arguments), "primitive_execute")
        for reorder, arguments in self.after:
            check(execute(reorder, stream, 2, arguments), "reorder")

    def _takes_over(self, previous: Primitive) -> bool:
        """Whether the first input's copy stands at the workspace's beginning, in the layout that this one wants."""
        if self.state.last is not previous or self.first is None or previous.first is None:
            return False
        return self.workspace_size <= self.state.size and bool(
            library().dnnl_memory_desc_equal(self.first, previous.first)
        )

    def _place(self) -> None:
        address = self.state.workspace(self.workspace_size)
        if address == self.workspace_address:
            return
        for place in self.places:
            library().dnnl_memory_set_data_handle(place.memory.handle, address + place.offset)
        self.workspace_address = address

    def _argument(self, description: Owned, index: int, layout: Owned, is_input: bool) -> Pointer:
        """The primitive's side of an argument: the caller's tensor, or one in the workspace that it is copied by."""
        plain = self._keep(_memory(layout.handle))
        self.given.append(plain.handle)
        wanted = _wanted(description, index)
        if library().dnnl_memory_desc_equal(layout.handle, wanted):
            return plain.handle
        if len(self.given) == 1:
            self.first = wanted
        own = self._in_workspace(wanted)
        source, target = (layout.handle, wanted) if is_input else (wanted, layout.handle)
        reorder = self._keep(_primitive(copying(source, target)))
        pair = {SRC: plain.handle, DST: own} if is_input else {SRC: own, DST: plain.handle}
        (self.before if is_input else self.after).append((reorder.handle, _arguments(pair)))
        return own

    def _in_workspace(self, layout: Pointer) -> Pointer:
        memory = self._keep(_memory(layout))
        self.places.append(Place(memory, self.workspace_size))
        size = library().dnnl_memory_desc_get_size(layout)
        self.workspace_size += -(-size // ALIGNMENT) * ALIGNMENT
        return memory.handle

    def _keep(self, owned: Owned) -> Owned:
        self.kept.append(owned)
        return owned


def primitive_of(state: ThreadState, describe: Describe, inputs: Layouts, outputs: Layouts) -> Primitive:
    """A primitive by as many threads as help, where these come to the bits of one; else by one.

    Which that is depends on the shape alone: threads that share a sum add it up in another order, and few kernels have
    them do so. It is tried on numbers at random, once for each shape. A sum in another order may have the same bits by
    chance, so of each tensor that is written many numbers are compared; where there are too few, one thread has it.
    """
    alone = Primitive(state, describe, inputs, outputs)
    trials = -(-LEAST_COMPARED // min(map(_numbers, outputs.values())))
    if state.threads == 1 or trials > MOST_TRIALS:
        return alone
    together = Primitive(state, describe, inputs, outputs, state.threads)
    given = (_at_random(inputs, seed) for seed in range(trials))
    are_equal = all(_written(together, each, outputs) == _written(alone, each, outputs) for each in given)
    return together if are_equal else alone


def _at_random(inputs: Layouts, seed: int) -> list[np.ndarray]:
    """Numbers between -0.5 and 0.5 that nothing in the shape of a primitive repeats."""
    numbers = np.random.default_rng(seed).random(TRIAL_NUMBERS, np.float32) - np.float32(0.5)
    return [np.resize(np.roll(numbers, place), _numbers(layout)) for place, layout in enumerate(inputs.values())]


def _written(primitive: Primitive, given: list[np.ndarray], outputs: Layouts) -> list[bytes]:
    """What a primitive makes of what it is given."""
    written = [np.zeros(_numbers(layout), np.float32) for layout in outputs.values()]
    primitive(*(array.ctypes.data for array in (*given, *written)))
    return [array.tobytes() for array in written]


def _numbers(layout: Owned) -> int:
    return int(library().dnnl_memory_desc_get_size(layout.handle)) // ctypes.sizeof(ctypes.c_float)


def _wanted(description: Owned, index: int) -> Pointer:
    """The layout that the primitive has for an argument; no more than an address, which lives as long as it does."""
    question, number = QUERIES[index]
    return Pointer(library().dnnl_primitive_desc_query_md(description.handle, question, number))


def _memory(layout: Pointer) -> Owned:
    made = Owned("memory")
    check(library().dnnl_memory_create(ctypes.byref(made.handle), layout, engine(), Pointer(0)), "memory_create")
    return made


def _primitive(description: Owned) -> Owned:
    made = Owned("primitive")
    check(library().dnnl_primitive_create(ctypes.byref(made.handle), description.handle), "primitive_create")
    return made


def copying(source: Pointer, target: Pointer) -> Owned:
    """Description of a copy from one layout to another."""
    made = Owned("primitive_desc")
    call = library().dnnl_reorder_primitive_desc_create
    check(call(ctypes.byref(made.handle), source, engine(), target, engine(), None), "reorder_primitive_desc_create")
    return made


def _arguments(memories: dict[int, Pointer]) -> ctypes.Array[Argument]:
    return (Argument * len(memories))(*(Argument(index, memory) for index, memory in memories.items()))
