"""What the launcher and the ranks of a run see of the environment."""

from __future__ import annotations

import pytest

from plx_train.config.options import DeviceOptions
from plx_train.distributed.environment import launcher_environment, rank_environment
from plx_train.ground.credentials import VARIABLE

SECRETS = {
    "PGPASSWORD": "hunter22",
    "MLFLOW_TRACKING_TOKEN": "tok-0123456789",
    "HF_TOKEN": "x",
    "MLFLOW_TRACKING_URI": "http://me:pw@h",
    VARIABLE: '{"http://h": "http://me:hunter22@h"}',
}


def test_passwords_go_to_the_ranks_and_not_to_the_launcher_which_writes_them_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    options = DeviceOptions(type="cpu")
    seen = launcher_environment(options, 2)
    assert not SECRETS.keys() & seen.keys()
    assert "PATH" in seen
    assert rank_environment(options, 2, 0, "127.0.0.1").items() >= SECRETS.items()
