"""What training series say ships with the model as it always did, and runs of versions that kept it in options load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

import plx_train
from kit.runs import as_if_killed
from kit.untrained_series import export_of
from plx_train.config.compose import compose_run, composed_from
from plx_train.ground.errors import ConfigError

FACTS: dict[str, dict[str, Any]] = {
    "ts_forecast": {
        "time": "date",
        "frequency": "1h",
        "mean": [8.017164507142857],
        "std": [5.0466086286506044],
        "quantiles": [0.1, 0.5, 0.9],
        "period": 24,
        "periods": [30, 20, 60],
        "seasonal_errors": [0.010854522292670046],
    },
    "ts_anomaly": {
        "stride": 2,
        "time": "timestamp",
        "group": None,
        "frequency": "1",
        "mean": [-0.003745120588235291, 0.0017655323529411735],
        "std": [0.7097623827723905, 0.7138315208714182],
        "rule": "Percentile 99 of the scores of 400 normal rows.",
        "periods": [20, 2, 4],
        "steps": "even",
    },
    "ts_cls": {
        "labels": ["0", "1", "2"],
        "time": "time",
        "group": "group_id",
        "frequency": "1",
        "mean": [-0.0026688242187500066, 0.0013227864583333325],
        "std": [0.7082875066042245, 0.7081322838638378],
        "median_rows": 32,
        "periods": [32, 10, 6],
        "temperature": 1.0,
        "is_standardised": False,
        "steps": "even",
    },
}
"""The section of our own of what `export_of` makes, as versions wrote it that kept these facts in ``module.fitted``."""
FORMER = {
    "ts_forecast": {
        "fitted": {"targets": ["y0"], "frequency": "1h", "period": 24, "mean": [8.0], "std": [5.0]},
        "members": ["runs/a", "runs/b"],
        "refitted": [],
    },
    "ts_anomaly": {"fitted": {"features": [], "label": "label", "has_anomalies": True}, "members": []},
    "ts_cls": {"fitted": {"classes": ["0", "1"], "weight_of_class": None, "trial": [0.5, 0.7]}},
}
"""What such versions wrote into ``config.yaml`` beside users' options."""


@pytest.fixture(scope="module", params=FACTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A room and the folder of a run of it."""
    export, _ = export_of(request.param, tmp_path_factory.mktemp(request.param))
    return request.param, export.parent


@pytest.mark.long
def test_facts_ship_as_they_did(made: tuple[str, Path]) -> None:
    room, run = made
    section = yaml.safe_load((run / "export" / "inference.yml").read_text())["Series"]
    assert list(section) == list(FACTS[room])
    kept = json.loads((run / "checkpoints" / "best" / "state.json").read_text())["processor"]
    for name, value in FACTS[room].items():
        expected = pytest.approx(value, rel=1e-12) if name in ("mean", "std", "seasonal_errors") else value
        assert section[name] == expected
        assert kept[name] == expected


def test_no_option_holds_what_data_say(made: tuple[str, Path]) -> None:
    room, run = made
    recorded = yaml.safe_load((run / "config.yaml").read_text())["module"]
    assert not {"fitted", "members", "refitted"} & set(recorded)
    with pytest.raises(ConfigError, match=r"key 'module\.fitted' does not exist"):
        compose_run([f"module={room}", "module.fitted=1"])


@pytest.mark.parametrize("room", FORMER)
def test_a_former_configuration_loads(room: str) -> None:
    config = OmegaConf.create(compose_run([f"module={room}", "module.hidden=7"]).yaml)
    config.module = OmegaConf.merge(config.module, FORMER[room])
    options = composed_from(config, []).options
    assert options.module.hidden == 7
    config.module.fited = 1
    with pytest.raises(ConfigError, match="fited"):
        composed_from(config, [])


@pytest.mark.long
def test_a_former_run_is_evaluated_and_gone_on_with(made: tuple[str, Path], tmp_path: Path) -> None:
    room, run = made
    former = as_if_killed(run, tmp_path / "former", 0)
    config = OmegaConf.load(former / "config.yaml")
    config.module = OmegaConf.merge(config.module, FORMER[room])
    OmegaConf.save(config, former / "config.yaml")
    metrics = json.loads((run / "run.json").read_text())["metrics"]
    given = (f"run={former}", f"output={tmp_path / 'judged'}", "device=cpu", "tracking=off", "quiet=true")
    judged = plx_train.run(["mode=evaluate", *given])
    assert {name: metrics[name] for name in judged.metrics} == judged.metrics
    assert plx_train.run([f"resume={former}", "quiet=true", "trust=true"]).metrics == metrics
