"""Whole runs of tiny detectors on made-up series: what they leave, and that scores are sound."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import plx_train
from kit.made_series import make_anomaly_set
from kit.runs import train_room
from plx_train.api import RunResult
from plx_train.export.static_model import StaticModel
from plx_train.ground.errors import UserError

CONTEXT = 40
train = partial(train_room, "ts_anomaly")
FUSED = ("module.models=[DLinear_ad,AutoEncoder_ad]", "sweep.workers=1")


def facts_of(result: RunResult) -> dict:  # type: ignore[type-arg]
    return json.loads((result.output / "run.json").read_text())


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_anomaly_set(tmp_path_factory.mktemp("data") / "sines")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("runs") / "first", "module.percent=98")


def test_events_are_found_beside_baselines_and_the_export_is_proven(trained: RunResult) -> None:
    # Events stand three deviations of a sine above it: everybody finds them, rows around them are scored higher, too.
    assert trained.metrics["val/auroc"] > 0.95 and trained.metrics["val/event_recall"] == 1
    assert trained.metrics["val/adjusted_f1"] >= trained.metrics["val/f1"]
    facts = facts_of(trained)
    assert facts["monitor"] == "val/auroc" and facts["baselines"]["rolling_median_auroc"] > 0.95
    assert {"nearest_window_auprc", "rolling_median_event_f1"} <= set(facts["baselines"])
    assert any(
        note.startswith("threshold ") and "Percentile 98 of the scores of 120" in note for note in facts["notes"]
    )
    assert any("validation has 3 events" in note for note in facts["notes"])
    assert json.loads((trained.output / "export/parity.json").read_text())["ok"]
    assert not any(name.endswith("_official") for name in trained.metrics)


def test_the_export_is_laid_out_as_paddlex_wants_it(trained: RunResult) -> None:
    folder = trained.output / "export"
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    assert settings["Global"]["model_name"] == "AutoEncoder_ad"
    assert settings["size"] == {"in_chunk_len": CONTEXT, "out_chunk_len": CONTEXT, "skip_chunk_len": 0}
    names = ["feature_0", "feature_1"]
    assert settings["info_params"] == {"time_col": "timestamp", "feature_cols": names, "freq": 1}
    assert settings["input_data"] == {"observed_cov_numeric": [1, CONTEXT, 2]} and settings["scale"] is True
    assert settings["model_threshold"] == plx_train.Predictor(folder).processor.threshold > 0
    assert (folder / "scaler.pkl").stat().st_size > 0


def test_a_whole_series_is_scored_from_a_file_a_frame_and_an_array(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    found = predictor.predict(dataset / "val.csv")
    frame = pd.read_csv(dataset / "val.csv")
    truth = frame["label"].to_numpy()
    assert found.scores.shape == (400,) and found.scores[truth == 1].mean() > 5 * found.scores[truth == 0].mean()
    assert found.time_texts()[:2] == ["400", "401"]
    written = [line.split(",") for line in (trained.output / "scores.csv").read_text().splitlines()]
    assert written[0] == ["series", "time", "score", "anomalous", "label"] and len(written) == 401
    assert [int(row[3]) for row in written[1:]] == found.labels.tolist()
    for given in (frame, frame[["feature_0", "feature_1"]].to_numpy()):
        np.testing.assert_allclose(predictor.predict(given).scores, found.scores, rtol=1e-6)
    said = found.to_json()
    assert len(said["score"]) == 400 and said["events"][0]["rows"] >= 1
    assert sum(event["rows"] for event in said["events"]) == sum(said["label"])
    assert predictor.overlay(dataset / "val.csv", found).ndim == 3


def test_the_last_window_alone_is_scored_as_paddlex_does(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    series = predictor.processor.as_input(dataset / "val.csv").rows(80, 80 + CONTEXT)
    processor = predictor.processor
    scaled = (series.values - processor.mean) / processor.std
    output = StaticModel(trained.output / "export")(scaled[None].astype(np.float32))[0][0]
    scores = np.mean(np.square(output - scaled), axis=-1)
    expected = (scores >= processor.threshold).astype(int)
    found = predictor.predict(series)
    assert found.labels.tolist() == expected.tolist() and 0 < expected.sum() < CONTEXT


def test_the_best_f1_is_taken_on_validation_and_said_to_be(dataset: Path, tmp_path: Path) -> None:
    result = train(
        dataset, tmp_path / "run", "module.threshold=best_f1", "module.network=DLinear_ad", "module.hidden=4"
    )
    notes = facts_of(result)["notes"]
    assert any("chosen on the rows that F1 is measured on" in note for note in notes)
    assert any(f"Best point-wise F1 {result.metrics['val/f1']:.3f}" in note for note in notes)


def test_peaks_over_threshold_need_enough_rows_or_take_those_trained_on(dataset: Path, tmp_path: Path) -> None:
    given = ("module.threshold=pot", "module.level=0.9", "module.risk=0.001", "trainer.epochs=1")
    notes = [facts_of(train(dataset, tmp_path / share, *given, f"dataset.holdout_share={share}"))["notes"]
             for share in ("0.4", "0.1")]  # fmt: skip
    assert any("16 of 160 normal rows" in note for note in notes[0])
    assert any("40 of 400 normal rows" in note for note in notes[1])


def test_errors_are_smoothed_in_the_graph(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "run", "module.smooth=9", "module.network=DLinear_ad", "module.hidden=4")
    predictor = plx_train.Predictor(result.output / "export")
    values = pd.read_csv(dataset / "train.csv")[["feature_0", "feature_1"]].to_numpy()[:CONTEXT]
    spiked = values.copy()
    spiked[20] += 9
    excess = predictor.predict(spiked).scores - predictor.predict(values).scores
    # The one row's error is shared by the nine around it alike.
    np.testing.assert_allclose(excess[16:25], excess[20], rtol=0.3)
    assert excess[[15, 25]].max() < 0.5 * excess[20]


@pytest.mark.parametrize(
    "given",
    [
        ("module.network=DLinear_ad",),
        pytest.param(FUSED, marks=pytest.mark.slow),
    ],
)
def test_without_labels_the_error_is_judged_and_said_to_be(
    given: tuple[str, ...], dataset: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for split in ("train", "val"):
        pd.read_csv(dataset / f"{split}.csv").drop(columns="label").to_csv(plain / f"{split}.csv", index=False)
    result = train(plain, tmp_path / "run", "trainer.epochs=2", *given)
    facts = facts_of(result)
    assert facts["monitor"] == "val/mse" and set(result.metrics) == {"val/mse", "before/mse"}
    assert any("validation has no labelled anomalies" in note for note in facts["notes"])
    assert json.loads((result.output / "export/parity.json").read_text())["ok"]


@pytest.mark.long
def test_a_fusion_trains_its_members_and_is_one_graph(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "fused", *FUSED, "trainer.epochs=4")
    members = json.loads((result.output / "members.json").read_text())
    assert set(members) == {"DLinear_ad", "AutoEncoder_ad", "fusion"}
    assert result.metrics["val/auroc"] == pytest.approx(members["fusion"]["auroc"], abs=1e-6)
    best = max(members[name]["auroc"] for name in ("DLinear_ad", "AutoEncoder_ad"))
    said = "the fusion is better than" if members["fusion"]["auroc"] > best else "the fusion is not better than"
    assert any(said in note for note in facts_of(result)["notes"])
    found = plx_train.Predictor(result.output / "export").predict(dataset / "val.csv")
    assert found.scores.min() >= 0 and found.scores.max() < 4
    settings = yaml.safe_load((result.output / "export/inference.yml").read_text())
    assert settings["Global"]["model_name"] == "DLinear_ad"


def test_marked_training_rows_are_not_learned_and_groups_are_scored_apart(tmp_path: Path) -> None:
    tables = {"train": [], "val": []}
    for group in range(2):
        folder = make_anomaly_set(tmp_path / f"g{group}", rows=200, features=1, seed=group)
        for split, parts in tables.items():
            parts.append(pd.read_csv(folder / f"{split}.csv").assign(group_id=f"g{group}"))
    dataset = tmp_path / "both"
    dataset.mkdir()
    spiked = pd.concat(tables["train"])
    wrong = (spiked["timestamp"] >= 60) & (spiked["timestamp"] < 70)
    spiked.loc[wrong, "feature_0"] += 50
    spiked.loc[wrong, "label"] = 1
    spiked.to_csv(dataset / "train.csv", index=False)
    pd.concat(tables["val"]).to_csv(dataset / "val.csv", index=False)
    result = train(dataset, tmp_path / "run", "dataset.holdout_share=0.0", "module.hidden=8")
    predictor = plx_train.Predictor(result.output / "export")
    assert predictor.processor.std[0] < 1 and result.metrics["val/auroc"] > 0.9
    with pytest.raises(UserError, match=r"val.csv holds 2 series"):
        predictor.predict(dataset / "val.csv")
    given = predictor.processor.as_inputs(dataset / "val.csv")
    for alone, one in zip(map(predictor.predict, given), predictor.predict(given), strict=True):
        np.testing.assert_allclose(alone.scores, one.scores, rtol=1e-5)


def test_what_can_not_be_scored_is_refused(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    frame = pd.read_csv(dataset / "val.csv")
    with pytest.raises(UserError, match=r"has 39 rows, but a window has 40"):
        predictor.predict(frame[:39])
    with pytest.raises(UserError, match=r"no column 'feature_1'"):
        predictor.predict(frame.drop(columns="feature_1"))
    frame.loc[7, "feature_1"] = np.nan
    with pytest.raises(UserError, match=r"rows of feature_1 hold missing values"):
        predictor.predict(frame)


def test_a_scaler_is_never_opened(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.output / "export", tmp_path / "export")
    (folder / "scaler.pkl").write_bytes(b"\x80\x04not a pickle")
    assert len(plx_train.Predictor(folder).predict(dataset / "val.csv").scores) == 400
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    del settings["Series"]
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))
    with pytest.raises(UserError, match=r"scaler.pkl, which could run anything"):
        plx_train.Predictor(folder)
