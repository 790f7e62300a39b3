"""Evaluates during training, remembers the best evaluation and has its weights kept."""

from __future__ import annotations

import math
import time
from dataclasses import asdict

from plx_train.contract.evaluation import Evaluation
from plx_train.contract.processor import Processor
from plx_train.distributed import ranks
from plx_train.metrics.direction import HIGHER, monitored, sign
from plx_train.runs.checkpoint import arrays, load_checkpoint
from plx_train.train.parts import Training
from plx_train.train.state import LoopState

STUDENT = "student_"
"""What the name of the monitored metric begins with that the weights come to whose average is measured and teaches."""


class Judge:
    """The evaluations of one run."""

    def __init__(self, run: Training) -> None:
        self.run = run
        self.better = monitored(run.module)
        self.best: Evaluation | None = None
        self.latest: dict[str, float] = {}

    def measure(self, state: LoopState) -> None:
        """One evaluation of the averaged weights, where there is an average."""
        run, started = self.run, time.perf_counter()
        with run.learner.averaged_weights():
            run.module.eval_mode()
            known = self._known(state)
            evaluation = known or run.evaluate()
            value = evaluation.metrics[run.module.monitor]
            is_better = self._is_better(value, state)
            if is_better:
                # What is remembered has no samples: it is made anew where it stays the best.
                self.best = None if known else evaluation
                state.best_value, state.best_step = value, state.step
                state.best_of = None
                self._keep(evaluation, state)
        run.module.train_mode()
        state.evaluated_step = state.step
        state.evaluations_without_gain = 0 if is_better else state.evaluations_without_gain + 1
        if state.step == 0:
            if known is None:
                run.first.keep(run.module, evaluation)
            # Later evaluations take as long as this one would have.
            pause = time.perf_counter() - started + (evaluation.seconds if known else 0.0)
            seconds, state.pause = ranks.gather((evaluation.seconds, pause))[0]
            state.first = {"metrics": evaluation.metrics, "curve": evaluation.curve, "seconds": seconds}
        elif self.better == HIGHER:
            state.watch.see_metric(value)
        self.latest = {f"val/{name}": number for name, number in evaluation.metrics.items()}
        run.tracker.log_metrics(self.latest, state.step)
        if state.step == 0:
            self._consider(state)
        elif run.pool and run.pool.has_student and run.learner.average:
            self._measure_student(evaluation.processor, state)

    def _known(self, state: LoopState) -> Evaluation | None:
        """What the initial weights came to in a run before, where that is remembered."""
        run = self.run
        known = run.first.find(run.module) if state.step == 0 else None
        if known is not None:
            value = known.metrics[run.module.monitor]
            run.console.info(f"initial weights: {run.module.monitor} {value:.4f}, as an earlier run measured them")
        return known

    def _measure_student(self, processor: Processor, state: LoopState) -> None:
        """What the weights come to whose average was just measured, with the settings that were chosen for that."""
        run = self.run
        run.module.eval_mode()
        value = run.evaluate(processor).metrics[run.module.monitor]
        run.module.train_mode()
        run.tracker.log_metrics({f"val/{STUDENT}{run.module.monitor}": value}, state.step)

    def _consider(self, state: LoopState) -> None:
        """Evaluates the contenders; the weights that are trained stay as they are."""
        run = self.run
        for one in run.contenders:
            with run.learner.other_weights(load_checkpoint(one.checkpoint)[0]["network"]):
                run.module.eval_mode()
                evaluation = run.evaluate()
                value = evaluation.metrics[run.module.monitor]
                state.contenders[one.name] = evaluation.metrics
                if self._is_better(value, state):
                    self.best, state.best_value, state.best_of = evaluation, value, one.name
                    self._keep(evaluation, state)
            run.console.info(f"{one.name}: {run.module.monitor} {value:.4f}, which is to be beaten")
            run.module.train_mode()

    def _is_better(self, value: float, state: LoopState) -> bool:
        if state.best_value is None:
            return not math.isnan(value)
        gain = sign(self.better) * (value - state.best_value)
        return gain > (self.run.options.min_delta if state.step else 0.0)

    def _keep(self, evaluation: Evaluation, state: LoopState) -> None:
        content = {
            "step": state.step,
            "metrics": evaluation.metrics,
            "processor": asdict(evaluation.processor),
            "is_fine_tuning": self.run.module.is_fine_tuning,
        }
        if ranks.rank() == 0:
            self.run.keeper.save_best({"network": arrays(self.run.module.network.state_dict())}, content)

    def best_again(self, state: LoopState) -> Evaluation:
        """The best evaluation, its weights in the network; repeated where it was made before the run went on."""
        run = self.run
        network = run.module.network
        if ranks.rank() == 0:
            network.set_state_dict(load_checkpoint(run.keeper.best)[0]["network"])
        if self.best is None:
            ranks.copy_from_first([*network.parameters(), *network.buffers()])
            run.module.eval_mode()
            self.best = run.evaluate()
        return self.best

    def first(self, state: LoopState) -> Evaluation:
        """That of the initial weights, without its samples."""
        first = state.first
        curve = tuple((recall, precision) for recall, precision in first["curve"])
        return Evaluation(first["metrics"], self.run.module.processor, (), curve, first["seconds"])
