"""What of a pool to label next: its candidates, what the network sees in them, and what the model doubts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from plx_train.contract.module import Module
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.room import Room
from plx_train.few.directions import directions
from plx_train.few.suggest import Known, margin_doubt, suggest
from plx_train.ground.errors import ConfigError, UserError, WeightsError
from plx_train.workflow.dataset import RunData, starting_weights
from plx_train.workflow.pool import by_network, features_of
from plx_train.workflow.pool_look import UNREADABLE, PoolLook, look_at_pool
from plx_train.workflow.source import Source, load_source
from plx_train.workflow.training import build_module
from plx_train.workflow.workbench import Workbench

if TYPE_CHECKING:
    from plx_train.few.suggest import Suggested


@dataclass(frozen=True)
class Suggestion:
    """A sample to label.

    Attributes:
        size: how many samples of the pool and of the labelled ones are of its kind, itself included.
        doubt: of the model, 0 to 1; None: it has none.
        said: what the model says that it shows; None as for `doubt`.
    """

    sample: Any
    size: int
    doubt: float | None
    said: PseudoLabel | None


def suggestions(bench: Workbench, source: Source | None) -> tuple[list[Suggestion], Suggested, PoolLook]:
    """What to label next, the best first, and how that was chosen.

    Args:
        source: the model that looks; None: the weights that training would begin with.

    Raises:
        UserError: the pool is empty, holds nothing new, or the network does not say what it sees.
    """
    options, data = bench.session.options, bench.data
    look = find_candidates(bench, source)
    candidates = look.kept
    labelled = [*bench.splits.train, *bench.splits.holdout]
    known = Known(len(labelled), labels_per_class(data, labelled))
    module = looking_module(bench, source)
    can_doubt, why_not = _can_doubt(data, source)
    features = directions(features_of(module, [*labelled, *candidates]))
    said = opinions(bench, module, candidates) if can_doubt and not known.are_few else None
    doubts = None if said is None else [doubt_of(one) for one in said]
    found = suggest(features, known, options.suggest.number, doubts, options.seed, why_not)
    chosen = [candidates[place] for place in found.places]
    told: list[PseudoLabel | None] = [None] * len(chosen)
    if can_doubt:
        told = [*([said[place] for place in found.places] if said else opinions(bench, module, chosen))]
    rows = zip(chosen, found.sizes, told, strict=True)
    ranked = [Suggestion(one, size, None if each is None else doubt_of(each), each) for one, size, each in rows]
    return ranked, found, look


def find_candidates(bench: Workbench, source: Source | None) -> PoolLook:
    """The pool's samples without what can't be read, what is known from a split, and what shows the same again.

    Raises:
        UserError: nothing is left.
    """
    session = bench.session
    runs = (session.output, *((source.run,) if source and source.run else ()))
    look = look_at_pool(session.options, bench.data, bench.splits, runs)
    # No line of a label file can name it.
    reasons = [
        reason or (UNREADABLE if {"\n", "\r"} & {*str(one.image)} else "")
        for one, reason in zip(look.samples, look.reasons, strict=True)
    ]
    look = replace(look, reasons=reasons)
    if not look.kept:
        raise UserError(f"dataset.pool={session.options.dataset.pool} holds nothing new: {look}")
    return look


def labels_per_class(data: RunData, labelled: list[Any]) -> float | None:
    """Labels of a class on average; None where samples have no classes."""
    classes = [data.room.classes_in(sample) for sample in labelled]
    num_classes = len(data.room.known_classes(data.processor))
    if not num_classes or not any(classes):
        return None
    return sum(len(set(each)) for each in classes) / num_classes


def looking_module(bench: Workbench, source: Source | None) -> Module[Any]:
    """The network whose features tell what is alike.

    Raises:
        UserError: there are no weights.
    """
    session, data = bench.session, bench.data
    if source is None:
        if starting_weights(session.options) is None:
            raise ConfigError(
                f"an untrained network sees nothing, and no weights are published for module={data.room.name} with "
                "these options: give run=<run id, run folder, checkpoint or exported folder>, or weights="
            )
        return build_module(session, data)[0]
    if source.export is None:
        return load_source(session.options, data, source)
    from plx_train.weights import load_weights

    module = data.build(session.options, is_fine_tuning=True)
    coverage = load_weights(module.network, str(source.export), True, module.optional_weights)
    if coverage.missing:
        raise WeightsError(f"{source.export} is of another network: {coverage}")
    module.eval_mode()
    return module


def _can_doubt(data: RunData, source: Source | None) -> tuple[bool, str]:
    """Whether a model's doubts can be known, and why not, in words."""
    if source is None:
        return False, "no run= was given whose doubts could be asked"
    if type(data.room).pseudo_label is Room.pseudo_label:
        return False, f"a model of module={data.room.name} does not say how sure it is"
    return True, ""


def opinions(bench: Workbench, module: Module[Any], samples: list[Any]) -> list[PseudoLabel]:
    """What the model says of each sample, with the settings that it was trained to."""
    data = bench.data
    return by_network(data.room, module, data.processor, samples, bench.device.eval_threads)


def doubt_of(label: PseudoLabel) -> float:
    """How little sure a model is, 0 to 1: by its two likeliest classes where it scores classes of a whole image."""
    if label.scores is not None and len(label.classes) == 1:
        return margin_doubt(label.scores)
    return min(max(1.0 - label.confidence, 0.0), 1.0)
