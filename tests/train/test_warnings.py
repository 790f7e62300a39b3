"""Notes on runs that learn nothing or wait for data."""

from __future__ import annotations

from plx_train.train.warnings import (
    CONSTANT_LOSS_STEPS,
    LearningWatch,
    baseline_verdicts,
    by_heart_verdict,
    data_verdict,
)


def test_a_constant_loss_is_said_once() -> None:
    watch = LearningWatch()
    for _ in range(CONSTANT_LOSS_STEPS):
        watch.see_step(1.0, 0.5)
    notes = watch.notes()
    assert len(notes) == 1
    assert "nothing is learned" in notes[0]
    assert watch.notes() == []


def test_a_falling_loss_says_nothing() -> None:
    watch = LearningWatch()
    for step in range(CONSTANT_LOSS_STEPS):
        watch.see_step(1.0 / (step + 1), 0.5)
        watch.see_metric(0.0 if step == 0 else 0.5)
    assert watch.notes() == []


def test_zero_gradients_and_a_metric_stuck_at_zero() -> None:
    watch = LearningWatch()
    for step in range(CONSTANT_LOSS_STEPS):
        watch.see_step(float(step), 0.0)
    for _ in range(3):
        watch.see_metric(0.0)
    notes = " ".join(watch.notes())
    assert "gradients" in notes
    assert "debug=overfit" in notes


def test_a_metric_that_was_always_0_is_said_at_the_end_of_a_short_run() -> None:
    watch = LearningWatch()
    watch.see_metric(0.0)
    assert watch.notes() == []
    assert "0 in the only evaluation" in watch.notes(is_over=True)[0]


def test_waiting_for_data_names_the_knob() -> None:
    assert data_verdict(1.0, 100.0, 2) is None
    verdict = data_verdict(83.0, 100.0, 2)
    assert verdict is not None
    assert "83%" in verdict
    assert "device.num_workers" in verdict


def test_what_learning_by_heart_has_shown() -> None:
    assert by_heart_verdict("higher", 1.0, 0.0).startswith("yes")
    said = by_heart_verdict("higher", 0.75, 0.0)
    assert said.startswith("no") and "trainer.max_steps" in said
    assert by_heart_verdict("lower", 0.02, 1.0).startswith("yes")
    assert by_heart_verdict("lower", 0.5, 1.0).startswith("no")


def test_a_model_is_told_which_baselines_it_does_not_beat() -> None:
    baselines = {"seasonal_naive_mse": 0.5, "linear_mse": 0.1, "linear_mae": 0.0}
    assert baseline_verdicts("mse", "lower", 0.2, baselines) == [
        "the model does not beat the linear baseline: mse 0.2 against 0.1"
    ]
    assert baseline_verdicts("mse", "lower", 0.05, baselines) == []
