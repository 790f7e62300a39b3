"""Whatever values a room's options have, a step is trained and evaluated, or one sentence says what can't be."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from kit.drawn_options import plain_values
from kit.rooms import own_rooms, tiny_room
from kit.runs import arguments_of
from plx_train.config.compose import Composed, compose_run, composed_from
from plx_train.config.schema import options_with_module
from plx_train.config.values import check_values
from plx_train.contract.option import Trait
from plx_train.contract.rooms import load_room, options_class
from plx_train.data.loader import Loader, Sampler
from plx_train.ground.errors import UserError
from plx_train.ground.memory import is_out_of_memory
from plx_train.metrics.evaluate import calibrate, evaluate, network_engine
from plx_train.workflow.dataset import RunData, check

SEEN = ("module.", "optimizer.", "dataset.fill", "dataset.holdout", "dataset.limit", "dataset.columns.targets")
LARGEST = 64
"""Of whole numbers that are widths or layers: a step must take no time."""
SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("values")


@cache
def recorded(room: str, folder: Path) -> DictConfig:
    """A tiny run's configuration, on a dataset of its own."""
    folder = folder / room
    dataset = tiny_room(room).make_dataset(folder / "data")
    found = OmegaConf.create(compose_run(arguments_of(room, dataset, folder / "run")).yaml)
    assert isinstance(found, DictConfig)
    return found


def step(composed: Composed, folder: Path) -> None:
    """What a run does with its options: check, build, a step, calibration, evaluation, the network to export."""
    import paddle

    from plx_train.train.learner import Learner
    from plx_train.workflow.training import _freeze

    options = composed.options
    processor, checked = check(options, folder)
    if processor is None or not checked.report.ok:
        return
    data = RunData(load_room(options.module.name), processor, checked)
    splits = data.split(options)
    if not splits.train or not splits.val:
        return
    with paddle.utils.unique_name.guard():
        module = data.build(options, False)
        train, val = module.dataset(splits.train, "train", 0), module.dataset(splits.val[:2], "val", 0)
        holdout = module.dataset(splits.holdout[:2], "holdout", 0)
        module.baselines(train, holdout, val)
        _freeze(module, options.optimizer.freeze)
        if module.has_fit:
            return
        learner = Learner(module, options.optimizer, options.trainer.ema_decay, "fp32", folder, options.seed)
        sampler = Sampler(len(train), min(2, len(train)), options.seed, groups=train.groups())
        batch = next(iter(Loader(train, sampler, module.collate, 0, False).epoch(0)))
        module.train_mode()
        learner.update([batch], options.optimizer.lr, 0)
        module.eval_mode()
        engine = network_engine(module)
        settled = calibrate(module, engine, holdout, 1) if module.has_calibration and len(holdout) else module.processor
        evaluate(module, engine, val, settled, 1)
        module.export_network(settled)


def drawn(room: str) -> st.SearchStrategy[dict[str, Any]]:
    """One to three of the options that the room sees, with values."""
    every = [
        one
        for one in options_with_module(options_class(room)).values()
        if one.key.startswith(SEEN) and Trait.INTERNAL not in one.traits
    ]
    pair = st.sampled_from(every).flatmap(lambda one: plain_values(one).filter(_is_small).map(lambda v: (one.key, v)))
    return st.lists(pair, min_size=1, max_size=3).map(dict)


def _is_small(value: Any) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return all(isinstance(one, bool) or not isinstance(one, int) or one <= LARGEST for one in numbers)


def holds(room: str, values: dict[str, Any], folder: Path) -> None:
    """Fails where `values` end in anything but a step or one sentence."""
    config = copy.deepcopy(recorded(room, folder))
    for key, value in values.items():
        OmegaConf.update(config, key, value, merge=False)
    try:
        composed = composed_from(config, ())
        check_values(options_with_module(composed.options.module), composed.flat)
        with TemporaryDirectory(dir=folder) as own:
            step(composed, Path(own))
    except UserError as error:
        assert str(error) and "\n" not in str(error)
    except Exception as error:
        assume(not is_out_of_memory(error))
        raise


@pytest.mark.parametrize("room", own_rooms())
def test_a_step_is_made_or_refused(room: str, folder: Path) -> None:
    @settings(max_examples=4, derandomize=True, **SETTINGS)
    @given(drawn(room))
    def every(values: dict[str, Any]) -> None:
        holds(room, values, folder)

    every()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("room", own_rooms())
def test_many_steps_are_made_or_refused(room: str, folder: Path) -> None:
    @settings(max_examples=150, **SETTINGS)
    @given(drawn(room))
    def every(values: dict[str, Any]) -> None:
        holds(room, values, folder)

    every()
