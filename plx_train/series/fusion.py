"""What fusions of networks of series share: members taken over from their runs, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from plx_train.ground.errors import WeightsError
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.runs.folder import best_checkpoint

if TYPE_CHECKING:
    from paddle import nn


class FusionOptions(Protocol):
    """Options that name one network or several."""

    network: str
    models: list[str]
    model_name: str | None


def networks_of(options: FusionOptions) -> list[str]:
    """The networks of a run: its one, or those that it fuses."""
    return options.models or [options.network]


def name_of(options: FusionOptions) -> str:
    """Name in the exported ``inference.yml``: PaddleX knows no fusions, to it the graph of one is as good as any."""
    return options.model_name or networks_of(options)[0]


def load_members(members: Sequence[nn.Layer], folders: Sequence[Path], prefix: str) -> None:
    """Takes over the best weights of each member's run.

    Args:
        prefix: where a run of one network keeps it, ``core.`` for example.

    Raises:
        WeightsError: a run has none, or they are of another network.
    """
    if len(folders) != len(members):
        raise WeightsError(f"{len(members)} members are to be fused, but {len(folders)} runs were given")
    for member, folder in zip(members, folders, strict=True):
        best = load_checkpoint(best_checkpoint(folder))[0]["network"]
        state = {name.removeprefix(prefix): value for name, value in best.items() if name.startswith(prefix)}
        missing, unexpected = member.set_state_dict(state)
        if missing or unexpected:
            raise WeightsError(f"{folder} holds another network: {(missing or unexpected)[0]} does not fit")


def beside_best(members: Mapping[str, float], fusion: float, sign: int, shown: str) -> str:
    """Whether the fusion is better than the best of its members, in a sentence.

    Args:
        members: the figure of each.
        sign: 1 where more is better, -1 where less is.
        shown: of both figures, ``auroc {:.4f} against {:.4f}`` for example.
    """
    best = max(members, key=lambda name: sign * members[name])
    figures = shown.format(fusion, members[best])
    if sign * fusion > sign * members[best]:
        return f"the fusion is better than its best member, {best}: {figures}"
    return f"the fusion is not better than its best member: take {best} alone ({figures})"
