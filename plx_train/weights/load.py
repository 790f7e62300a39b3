"""Fits weights from any source to a network, and says how much of it they cover."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.runs.checkpoint import MOST_TENSOR_BYTES, is_checkpoint, load_checkpoint, read_tensors
from plx_train.weights.fetch import WEIGHT_SUFFIXES, WeightsSource, find_weights, tensor_file
from plx_train.weights.onnx_state import read_onnx
from plx_train.weights.pdiparams import read_pdiparams
from plx_train.weights.pdparams import read_pdparams
from plx_train.weights.torch_state import read_torch_state

if TYPE_CHECKING:
    import paddle

State = dict[str, np.ndarray]

STUDENT = "Student."
WRAPPERS = (STUDENT, "module.", "network.", "model.")
"""Prefixes that distillation, data parallelism and export put before every name."""
ALIASES = (
    (re.compile(r"^(backbone\..*)\.activation\."), r"\1.act.lab."),
    (re.compile(r"^(backbone\..*)\.w$"), r"\1.lab.scale"),
    (re.compile(r"^(backbone\..*)\.b$"), r"\1.lab.bias"),
)
"""What the released export of PP-OCRv4 calls its learnable affines."""
BRANCH, MERGED = ".conv_kxk.", ".reparam_conv."
GENERATED = re.compile(r"^[a-z0-9_]+_\d+\.[wb]_\d+(_deepcopy_\d+)?$")
"""A name that Paddle gave, such as conv2d_0.w_0: it does not say which layer it belongs to."""
MAX_NAMES = 5
MAX_LISTED = 40


@dataclass(frozen=True)
class Coverage:
    """How much of a network some weights cover.

    Attributes:
        loaded: tensors that were set.
        total: tensors that should have been.
        missing: tensors that kept their initial values though they should not, some with the reason.
        unexpected: tensors of the source that the network lacks.
        initialised: tensors that kept their initial values by design.
    """

    loaded: int
    total: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    initialised: tuple[str, ...]
    source: WeightsSource
    note: str | None = None

    def __str__(self) -> str:
        text = f"{self.source.name}: loaded {self.loaded}/{self.total} tensors"
        if self.initialised:
            groups = ", ".join(_groups(self.initialised))
            text += f" (+{len(self.initialised)} initialised by design: {groups})"
        if self.note:
            text += f"; {self.note}"
        if self.missing:
            text += f"; not loaded: {_listed(self.missing, MAX_LISTED)}"
        if self.unexpected:
            text += f"; not used: {_listed(self.unexpected, MAX_NAMES)}"
        return text


def load_weights(
    network: paddle.nn.Layer,
    source: str,
    allow_partial: bool = False,
    optional: Sequence[str] = (),
    rename: Callable[[str], str] | None = None,
    adapt: Callable[[State, WeightsSource], tuple[State, str | None]] | None = None,
) -> Coverage:
    """Sets the tensors of `network` in place; nothing is set when this raises.

    Args:
        source: file, folder or catalogue name.
        allow_partial: tensors may stay at their initial values.
        optional: regular expressions of names that published weights may lack by design.
        rename: from a name in the source to the network's.
        adapt: the room's own fitting, of tensors under the network's names; with a note of what it did.

    Raises:
        WeightsError: the weights can't be found, read, or fitted.
    """
    found = find_weights(source)
    state = read_weights(found.path)
    if rename is not None:
        state = {rename(name): array for name, array in state.items()}
    target = dict(network.state_dict())
    state = _named_alike(state, target, found)
    note = None
    if adapt is not None:
        state, note = adapt(state, found)
    fitting, coverage = _compare(state, target, optional, found, note)
    _check(coverage, allow_partial, state)
    _check_finite(fitting, found)
    for name, array in fitting.items():
        tensor = target[name]
        tensor.set_value(array.astype(_numpy_type(tensor)))
    return coverage


def read_weights(path: Path) -> State:
    """Arrays by name from a checkpoint, an export, ``.pdparams`` or ``.safetensors``.

    A checkpoint gives the moving average where it has one: that is what was evaluated.

    Raises:
        WeightsError: it is none of these, or damaged.
    """
    if path.is_dir():
        if is_checkpoint(path):
            groups, _ = load_checkpoint(path)
            return groups.get("network", {}) | groups.get("ema", {})
        path = tensor_file(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in (".pdiparams", ".pdmodel", ".json"):
        return read_pdiparams(path.with_suffix(".pdiparams"))
    if path.suffix == ".pdparams":
        return read_pdparams(path)
    if path.suffix == ".pth":
        return read_torch_state(path)
    if path.suffix == ".onnx":
        return read_onnx(path)
    raise WeightsError(f"{path} is no known kind of weights: {', '.join(WEIGHT_SUFFIXES)} or a folder")


def _read_safetensors(path: Path) -> State:
    try:
        data = read_limited(path, MOST_TENSOR_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    return read_tensors(data, path)


def _named_alike(state: State, target: Iterable[str], source: WeightsSource) -> State:
    """`state` under the network's names and in its form, as far as that is known."""
    wanted = set(target)
    state = _unwrapped(state, wanted)
    state = {name if name in wanted else _alias(name): array for name, array in state.items()}
    has_branches, wants_branches = (any(BRANCH in name for name in names) for names in (state, wanted))
    has_merged, wants_merged = (any(MERGED in name for name in names) for names in (state, wanted))
    if wants_branches and has_merged and not has_branches:
        raise WeightsError(
            f"weights={source.name} are merged, which can't be undone, but the network is multi-branch: "
            "set module.merged=true"
        )
    return _merged(state, source) if has_branches and wants_merged else state


def _merged(state: State, source: WeightsSource) -> State:
    from plx_train.nn.pp_lcnet_v3 import merge_arrays

    try:
        return merge_arrays(state)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise WeightsError(f"weights={source.name} have branches that don't fit together ({error})") from None


def _unwrapped(state: State, wanted: set[str]) -> State:
    if any(name.startswith(STUDENT) for name in state):
        state = {name: array for name, array in state.items() if name.startswith(STUDENT)}
    for wrapper in WRAPPERS:
        if state and all(name.startswith(wrapper) and name not in wanted for name in state):
            state = {name.removeprefix(wrapper): array for name, array in state.items()}
    return state


def _alias(name: str) -> str:
    for pattern, replacement in ALIASES:
        name = pattern.sub(replacement, name)
    return name


def _compare(
    state: State, target: dict[str, paddle.Tensor], optional: Sequence[str], source: WeightsSource, note: str | None
) -> tuple[State, Coverage]:
    fitting: State = {}
    missing: list[str] = []
    initialised: list[str] = []
    for name, tensor in target.items():
        if name not in state:
            by_design = any(re.search(pattern, name) for pattern in optional)
            (initialised if by_design else missing).append(name)
        elif state[name].shape != tuple(tensor.shape):
            missing.append(f"{name} (shape {state[name].shape} instead of {tuple(tensor.shape)})")
        else:
            fitting[name] = state[name]
    unexpected = tuple(name for name in state if name not in target)
    total = len(target) - len(initialised)
    return fitting, Coverage(len(fitting), total, tuple(missing), unexpected, tuple(initialised), source, note)


def _check(coverage: Coverage, allow_partial: bool, state: State) -> None:
    name = coverage.source.name
    if not coverage.loaded and state and all(GENERATED.match(key) for key in state):
        raise WeightsError(
            f"weights={name} is an export that doesn't say which tensor belongs to which layer: "
            "give the folder of the run it came from, or its checkpoints/best"
        )
    if not coverage.loaded:
        known = f"; it holds {_listed(tuple(state), MAX_NAMES)}" if state else ""
        raise WeightsError(f"weights={name} fit no tensor of this network: they are of another one{known}")
    if coverage.missing and not allow_partial:
        raise WeightsError(
            f"weights={name} cover {coverage.loaded} of {coverage.total} tensors, not "
            f"{_listed(coverage.missing, MAX_NAMES)}: take the weights of this network, or set "
            "weights.allow_partial=true to leave the others at their initial values"
        )


def _check_finite(fitting: State, source: WeightsSource) -> None:
    for name, array in fitting.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise WeightsError(f"weights={source.name}: {name} holds NaN or infinity, so the file is damaged")


def _numpy_type(tensor: paddle.Tensor) -> np.dtype:
    return np.asarray(tensor.numpy()).dtype


def _groups(names: Sequence[str]) -> list[str]:
    """The first two parts of each name, each once."""
    return list(dict.fromkeys(f"{'.'.join(name.split('.')[:2])}…" for name in names))


def _listed(names: Sequence[str], limit: int) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
