"""Single values are set on composed presets to what Hydra would have composed of all at once."""

from __future__ import annotations

import pytest
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from plx_train.config import compose
from plx_train.config.keys import open_free_key
from plx_train.config.stored import register_schemas
from plx_train.ground.errors import ConfigError
from plx_train.ground.places import conf_dir

COMMANDS = (
    ("trainer.epochs=3",),
    ("module=ts_forecast", "trainer.max_time=5m", "optimizer.lr=1e-3", "seed=4"),
    ("module=image_cls", "dataset={root: /data, val: other.txt}"),
    ("device=gpu", "device.env.OMP_NUM_THREADS=2", "+device.env.HOME=/x"),
    ("module=text_det", "dataset.root=${oc.env:HOME}", "run='a b'"),
    ("optimizer.lr_scale={backbone: 0.1}", "optimizer.freeze=['a.*']"),
    ("tracking=off", "tracking.uri=null"),
    ("module=image_cls", "dataset=fashion_mnist"),
)


def _both(overrides: tuple[str, ...]) -> tuple[str, str]:
    """The configuration of a command by us and by Hydra alone, as YAML with its flags."""
    register_schemas()
    compose._register_resolver()
    parsed = compose._parse(overrides)
    compose.GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        base = compose._presets([str(item.input_line) for item in parsed if compose._is_preset(item)])
        lines = [open_free_key(str(item.input_line), base) for item in parsed]
        ours, theirs = compose._overridden(base, parsed), compose._compose(lines)
    assert ours._metadata.flags == theirs._metadata.flags
    return OmegaConf.to_yaml(ours), OmegaConf.to_yaml(theirs)


@pytest.mark.parametrize("overrides", COMMANDS)
def test_values_are_set_as_hydra_sets_them(overrides: tuple[str, ...]) -> None:
    ours, theirs = _both(overrides)

    assert ours == theirs


def test_what_is_said_to_hydra_itself_is_taken() -> None:
    ours, theirs = _both(("hydra.verbose=true", "trainer.epochs=3"))

    assert ours == theirs


def test_presets_stay_as_they_were_composed() -> None:
    compose.compose_run(["module=image_cls", "trainer.epochs=3", "optimizer.lr_scale={a: 0.5}"])

    later = compose.compose_run(["module=image_cls"])

    assert later.options.trainer.epochs != 3
    assert later.options.optimizer.lr_scale != {"a": 0.5}


def test_a_wrong_type_is_told_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.epochs takes .*, not many"):
        compose.compose_run(["trainer.epochs=many"])
