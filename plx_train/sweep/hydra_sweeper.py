"""The same search as a sweeper for any Hydra program: ``python my_app.py -m hydra/sweeper=plx x='interval(0, 1)'``.

Grids are Hydra's own. A search asks for as many configurations as there are workers, has Hydra's launcher run them,
and takes what the program returns: a number, or one number for each objective.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from plx_train.config.options import SweepOptions
from plx_train.ground.errors import ConfigError
from plx_train.sweep.record import Objective
from plx_train.sweep.samplers import build_sampler
from plx_train.sweep.space import Space, parse_space
from plx_train.sweep.study import REASON, Study
from plx_train.sweep.untried import num_combinations

RESULTS_FILE = "optimization_results.yaml"


@dataclass
class PlxSweeperConf:
    """Options of ``hydra.sweeper``; what they mean stands at `SweepOptions`."""

    _target_: str = "hydra_plugins.plx_sweeper.PlxSweeper"
    sampler: str = "grid"
    trials: int = 20
    workers: int = 1
    directions: list[str] = field(default_factory=lambda: ["maximize"])
    max_failures: int | None = 0
    seed: int = 0
    storage: str | None = None
    study_name: str = "sweep"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None
    when: list[str] = field(default_factory=list)


ConfigStore.instance().store(group="hydra/sweeper", name="plx", node=PlxSweeperConf, provider="plx_train")


class SearchSweeper(Sweeper):
    """Hydra's sweeper for grids, Optuna's samplers for everything else."""

    def __init__(self, max_batch_size: int | None, params: dict[str, str] | None = None, **options: Any) -> None:
        self.max_batch_size, self.params, self.options = max_batch_size, dict(params or {}), options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Takes what Hydra hands to sweepers."""
        # Hydra makes its own plugins anew whenever it looks for some: a class taken earlier would be another one.
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

        self.grid = BasicSweeper(self.max_batch_size, self.params)
        self.grid.setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.hydra_context, self.config = hydra_context, config
        self.folder = Path(config.hydra.sweep.dir)
        assert self.grid.launcher is not None
        self.launcher: Launcher = self.grid.launcher

    def sweep(self, arguments: list[str]) -> Any:
        """Runs the program; a grid returns what Hydra's sweeper returns, a search nothing."""
        if self.options["sampler"] == "grid":
            return self.grid.sweep(arguments)
        space = parse_space(arguments, self.params, list(self.options["when"]), is_grid=False)
        if not space.parameters:
            raise ConfigError("there is nothing to search: give a key several values or an interval")
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        objectives = tuple(Objective("", direction) for direction in self.options["directions"])
        study = Study(folder, self.options["study_name"], self.options["storage"], objectives)
        study.join()
        try:
            self._search(study, space, len(objectives))
            _write_results(study, folder)
        finally:
            study.close()
        return None

    def _search(self, study: Study, space: Space, num_objectives: int) -> None:
        wanted, failures = num_combinations(space, int(self.options["trials"])), 0
        known = len(study.trials())
        options = SweepOptions(
            sampler=self.options["sampler"], workers=self.options["workers"], seed=self.options["seed"]
        )
        study.study.sampler = build_sampler(options, wanted, known, num_objectives > 1)
        while len(study.trials()) < wanted:
            count = min(int(self.options["workers"]), wanted - len(study.trials()))
            asked = [one for one in (study.ask(space) for _ in range(count)) if one is not None]
            if not asked:
                return
            batch = [space.overrides(values) for _, values in asked]
            self.validate_batch_is_legal(batch)
            returns = self.launcher.launch(batch, initial_job_idx=asked[0][0].number)
            faults = [_tell(study, trial, one, num_objectives) for (trial, _), one in zip(asked, returns, strict=True)]
            failures += sum(fault is not None for fault in faults)
            most = self.options["max_failures"]
            if most is not None and failures > most:
                raise next(fault for fault in faults if fault is not None)


def _tell(study: Study, trial: Any, returned: Any, num_objectives: int) -> Exception | None:
    """Passes on what a job returned; what is wrong with it, if anything is."""
    from optuna.trial import TrialState

    try:
        value = returned.return_value
        if returned.status is not JobStatus.COMPLETED:
            raise ConfigError(f"trial {trial.number} did not complete")
        values = [float(one) for one in (value if isinstance(value, Sequence) else [value])]
        if len(values) != num_objectives or not all(math.isfinite(one) for one in values):
            raise ConfigError(f"trial {trial.number} returned {value!r}, not {num_objectives} finite numbers")
    except Exception as error:  # whatever the program has raised
        trial.set_user_attr(REASON, str(error))
        study.study.tell(trial, state=TrialState.FAIL)
        return error
    study.study.tell(trial, values)
    return None


def _write_results(study: Study, folder: Path) -> None:
    """What the best trials are, where other sweepers for Hydra write it too."""
    import yaml

    best = [{"params": trial.params, "values": list(trial.values)} for trial in study.study.best_trials]
    (folder / RESULTS_FILE).write_text(yaml.safe_dump({"name": "plx", "best": best}, sort_keys=False), "utf-8")
