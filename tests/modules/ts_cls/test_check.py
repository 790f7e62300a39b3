"""What is found in datasets of labelled series, faults planted one by one; and what a run learns from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.made_series import make_class_set
from plx_train.config.compose import compose_run
from plx_train.config.options import ColumnsOptions, DatasetOptions
from plx_train.data.classes import balanced_weights
from plx_train.ground.errors import ConfigError
from plx_train.modules.ts_cls.baselines import baseline_accuracies, nearest_series
from plx_train.modules.ts_cls.check import CheckedClasses
from plx_train.modules.ts_cls.classes import class_names
from plx_train.modules.ts_cls.config import TsClsConfig
from plx_train.modules.ts_cls.data import TsClsDataset
from plx_train.modules.ts_cls.facts import difference_std
from plx_train.modules.ts_cls.processor import TsClsProcessor
from plx_train.modules.ts_cls.room import TsClsRoom
from plx_train.modules.ts_cls.standardisation import find_scaling, scale_for_each
from plx_train.nn.series.rocket import standardise
from plx_train.series.frame import Series

Change = Callable[[pd.DataFrame], pd.DataFrame]
ROOM = TsClsRoom()


def options(root: Path, **columns: object) -> DatasetOptions:
    return DatasetOptions(root=str(root), train="train.csv", val="val.csv", columns=ColumnsOptions(**columns))


def change(root: Path, split: str, how: Change) -> None:
    table = pd.read_csv(root / f"{split}.csv")
    how(table).to_csv(root / f"{split}.csv", index=False)


def fitted(dataset: DatasetOptions, module: TsClsConfig | None = None) -> tuple[TsClsProcessor | None, CheckedClasses]:
    """What a run finds in a dataset, and its check."""
    module = module or TsClsConfig()
    ROOM.check_options(module, dataset)
    data = ROOM.read(dataset, module)
    processor = ROOM.fit(data, dataset, module, None)
    return processor, ROOM.check(data, processor, dataset, module)


def checked(root: Path, module: TsClsConfig | None = None) -> CheckedClasses:
    return fitted(options(root), module)[1]


def codes(found: CheckedClasses) -> set[tuple[str, str]]:
    return {(finding.level, finding.code) for finding in found.report.findings}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_class_set(tmp_path / "waves", (30, 12), lengths=(20, 40))


def relabelled(**names: str) -> Change:
    return lambda table: table.assign(label=table.label.astype(str).replace({k[1:]: v for k, v in names.items()}))


def test_a_sound_dataset(root: Path) -> None:
    found = checked(root)
    assert codes(found) == set()
    assert len(found.train) == 30 and len(found.val) == 12
    statistics = found.report.statistics["train"]
    assert statistics["series"] == 30 and statistics["classes"] == 3
    assert statistics["series_per_class"] == {"min": 10, "p50": 10.0, "max": 10}


def test_what_a_run_learns_from_its_series(root: Path) -> None:
    processor, found = fitted(options(root))
    assert processor is not None
    train, val = (pd.read_csv(root / f"{name}.csv") for name in ("train", "val"))
    lengths = train.groupby("group_id").size()
    assert processor.length == max(lengths.max(), val.groupby("group_id").size().max())
    assert processor.median_rows == int(lengths.median())
    # Of training alone.
    assert processor.mean == pytest.approx([train.dim_0.mean(), train.dim_1.mean()])
    assert processor.std == pytest.approx([train.dim_0.std(ddof=0), train.dim_1.std(ddof=0)])
    changes = train.groupby("group_id")[["dim_0", "dim_1"]].diff().dropna() / list(processor.std)
    assert difference_std(found.train, processor) == pytest.approx(changes.std(ddof=0).tolist(), rel=1e-5)
    assert (processor.columns, processor.labels) == (("dim_0", "dim_1"), ("0", "1", "2"))
    assert (processor.time, processor.group, processor.frequency) == ("time", "group_id", "1")
    assert balanced_weights([one.label for one in found.train], processor.labels) == [1.0, 1.0, 1.0]
    assert 1 <= len(processor.periods) <= 3 and all(2 <= period <= processor.length for period in processor.periods)


def again(table: pd.DataFrame, **changes: int) -> pd.DataFrame:
    """The table with its first series once more."""
    return pd.concat([table, table[table.group_id == 0].assign(group_id=99, **changes)])


def emptied(column: str) -> Change:
    return lambda table: table.assign(**{column: table[column].mask(table.time == 3)})


PLANTED: dict[str, tuple[str, str, str, Change]] = {
    "class not trained": ("error", "class-not-trained", "val", relabelled(_2="9")),
    "class not validated": ("warning", "class-not-validated", "val", lambda rows: rows[rows.label < 2]),
    "control character": ("warning", "control-character", "train", relabelled(_1="a\x85b")),
    "one class": ("error", "one-class", "train", lambda rows: rows.assign(label=1)),
    "few": ("warning", "few-series", "train", lambda rows: rows[(rows.label > 0) | (rows.group_id < 9)]),
    "label changes": ("error", "label-changes", "train", lambda rows: rows.assign(label=rows.time % 2)),
    "label missing": ("error", "label-missing", "train", emptied("label")),
    "no number": ("error", "not-a-number", "val", lambda rows: rows.assign(dim_1="high")),
    "missing": ("error", "missing-values", "train", emptied("dim_1")),
    "columns differ": ("error", "column-missing", "val", lambda rows: rows.drop(columns="dim_1")),
    "twice": ("warning", "series-twice", "train", again),
    "two classes": ("error", "other-truth", "train", lambda rows: again(rows, label=1)),
    "short": ("warning", "series-much-shorter", "train", lambda rows: rows[(rows.group_id > 0) | (rows.time < 2)]),
}


@pytest.mark.parametrize("case", PLANTED)
def test_faults_are_found(case: str, root: Path) -> None:
    level, code, split, how = PLANTED[case]
    assert not any(found == code for _, found in codes(checked(root)))
    change(root, split, how)
    found = checked(root)
    assert (level, code) in codes(found)
    finding = next(finding for finding in found.report.findings if finding.code == code)
    assert finding.path == f"{split}.csv"


def test_copied_series_are_found(root: Path) -> None:
    train = pd.read_csv(root / "train.csv")
    copied = train[train.group_id.isin([0, 4])]
    change(root, "val", lambda table: pd.concat([table, copied.assign(group_id=copied.group_id + 1000)]))
    leaks = [finding for finding in checked(root).report.findings if finding.code == "rows-copied"]
    assert [finding.level for finding in leaks] == ["warning", "warning"]
    assert "val.csv:1000" in leaks[0].reason
    change(root, "val", lambda table: train[train.group_id < 12])
    assert ("error", "rows-copied") in codes(checked(root))


def test_more_than_a_few_validation_series_that_are_trained_on_are_an_error(root: Path) -> None:
    train, val = (pd.read_csv(root / f"{name}.csv") for name in ("train", "val"))
    for copied, is_error in ([0], False), ([0, 4], True):
        again = train[train.group_id.isin(copied)].assign(group_id=lambda rows: rows.group_id + 1000)
        change(root, "val", lambda table, again=again: pd.concat([val, again]))
        told = [each for each in checked(root).report.findings if each.code == "validation-is-trained-on"]
        assert [each.level for each in told] == ["error"] * is_error
    assert told[0].path == "val.csv" and "2 of 14 series are trained on as well" in told[0].reason


def test_a_finished_model_knows_its_columns_and_classes(root: Path) -> None:
    processor, _ = fitted(options(root))
    assert processor is not None
    known = replace(processor, columns=("dim_0", "other"), labels=("0", "1"))
    found = ROOM.check(ROOM.read(options(root), TsClsConfig()), known, options(root), TsClsConfig())
    told = {finding.code: finding for finding in found.report.findings}
    assert set(told) == {"other-columns", "label-unknown"}
    assert told["other-columns"].reason == "its columns are dim_0, dim_1, those of the model dim_0, other"
    assert "the model knows no class 2" in told["label-unknown"].reason
    assert {one.label for one in found.val} == {"0", "1"}


def test_a_training_file_that_cannot_be_used_says_nothing_of_validation(root: Path) -> None:
    (root / "train.csv").unlink()
    found = checked(root, TsClsConfig(network="ROCKET"))
    assert codes(found) == {("error", "file-missing")} and found.val == []


def test_series_of_classes_without_training_are_left_out_if_they_may_be(root: Path) -> None:
    change(root, "val", relabelled(_2="9"))
    found = checked(root)
    assert {one.label for one in found.val} == {"0", "1"}


def test_longer_series_are_warned_of(root: Path) -> None:
    found = checked(root, TsClsConfig(length=25))
    longer = [finding for finding in found.report.findings if finding.code == "series-longer"]
    assert {finding.path for finding in longer} == {"train.csv", "val.csv"}
    assert "more than 25 rows" in longer[0].reason and "module.length" in longer[0].reason


def test_sizes_of_many_orders_are_warned_of_where_nothing_is_done_about_them(root: Path) -> None:
    change(root, "train", lambda table: table.assign(dim_1=table.dim_1 * 10.0 ** (table.group_id % 7)))
    found = [finding for finding in checked(root).report.findings if finding.code == "sizes-differ"]
    assert [(finding.level, finding.path) for finding in found] == [("warning", "train.csv")]
    assert "deviation of dim_1" in found[0].reason and "module.standardise=true" in found[0].reason
    for module in (TsClsConfig(standardise=False), TsClsConfig(standardise=True), TsClsConfig(network="ROCKET")):
        assert codes(checked(root, module)) == set()


@pytest.fixture(params=[True, False])
def waves(request: pytest.FixtureRequest) -> tuple[list[Series], bool]:
    """Waves told apart by their shape, of sizes over six orders of magnitude, or by their size alone; and which."""
    random = np.random.default_rng(0)
    labels, is_by_shape = np.arange(60) % 2, bool(request.param)
    periods = np.where(labels, 5.0, 9.0) if is_by_shape else np.full(60, 7.0)
    sizes = 10 ** random.uniform(-3, 3, 60) if is_by_shape else np.where(labels, 1.0, 2.0)
    waves = np.sin(6.28 * np.arange(40) / periods[:, None] + random.uniform(0, 6, (60, 1)))
    values = (waves + random.normal(size=(60, 40)) * 0.3) * sizes[:, None]
    series = [
        Series(str(place), "", np.arange(40), False, ("a",), rows[:, None], label=str(labels[place]))
        for place, rows in enumerate(values)
    ]
    return series, is_by_shape


def test_rocket_standardises_where_that_tells_more_series(waves: tuple[list[Series], bool]) -> None:
    series, is_by_shape = waves
    found = find_scaling(series, TsClsConfig(network="ROCKET"), 40)
    assert found.is_standardised == is_by_shape == (found.trial[1] > found.trial[0] + 0.1)
    for asked in (False, True):
        by_hand = find_scaling(series, TsClsConfig(network="ROCKET", standardise=asked), 40)
        assert (by_hand.is_standardised, by_hand.trial) == (asked, ())
    assert not find_scaling(series, TsClsConfig(), 40).is_standardised
    rows = found.apply(series, 30)
    assert rows[0].shape == (30, 1) and rows[0].dtype == np.float32
    assert (abs(rows[7].mean()) < 1e-5 and rows[7].std() == pytest.approx(1, abs=1e-3)) == is_by_shape


def test_a_scale_for_each_series_loses_no_digits() -> None:
    wave = np.sin(np.arange(50.0))[:, None]
    # Some tiny and some huge around 0, in the second channel all far from 0.
    values = [
        np.concatenate([wave * size, 1e5 + wave * (place + 1)], axis=1) for place, size in enumerate((1e-5, 1, 1e3))
    ]
    scaler = scale_for_each(values)
    assert scaler.mean[0] == 0 and scaler.mean[1] == pytest.approx(1e5, abs=1)
    assert scaler.std == pytest.approx((wave.std(), 2 * wave.std()), rel=1e-3)
    for rows in values:
        alone = standardise(scaler.transform(rows).astype(np.float32).T).T
        np.testing.assert_allclose(alone, (rows - rows.mean(axis=0)) / rows.std(axis=0), atol=2e-2)
    flat = scale_for_each([np.ones((5, 1)), np.full((4, 1), 3.0)])
    assert flat.std == (1.0,) and np.isfinite(flat.mean).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("module", [TsClsConfig(), TsClsConfig(standardise=True), TsClsConfig(network="ROCKET")])
def test_a_series_without_any_value_is_told_by_the_check_alone(module: TsClsConfig, root: Path) -> None:
    change(root, "train", lambda table: table.assign(dim_1=table.dim_1.mask(table.group_id == 3)))
    processor, found = fitted(options(root), module)
    assert processor is not None
    assert {code for level, code in codes(found) if level == "error"} == {"missing-values"}
    assert np.isfinite([*processor.mean, *processor.std]).all()
    assert processor.is_standardised == bool(module.standardise)


def test_rocket_needs_seven_rows(tmp_path: Path) -> None:
    root = make_class_set(tmp_path / "short", (30, 12), lengths=(5, 6))
    assert ("error", "too-short") in codes(checked(root, TsClsConfig(network="ROCKET")))
    root = make_class_set(tmp_path / "cut", (30, 12), lengths=(20, 40))
    assert ("error", "too-short") in codes(checked(root, TsClsConfig(network="ROCKET", length=5)))
    assert not checked(root).report.errors


def test_no_column_of_classes(root: Path) -> None:
    change(root, "train", lambda table: table.rename(columns={"label": "kind"}))
    with pytest.raises(ConfigError, match=r"dataset\.columns\.label"):
        fitted(options(root))
    change(root, "val", lambda table: table.rename(columns={"label": "kind"}))
    assert fitted(options(root, label="kind"))[1].report.ok


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("class_weights=much", "does not exist; there is: none, balanced"),
        ("length=0", "is out of range: it must be at least 1"),
        ("num_kernels=0", "is out of range: it must be at least 1"),
        ("network=Rocket", "does not exist; there is: InceptionTime, TimesNet_cls, ROCKET"),
    ],
)
def test_values_that_options_can_not_have_are_refused(given: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"module\.{given} {said}"):
        compose_run(["module=ts_cls", f"module.{given}"])


def test_classification_takes_no_covariates(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.columns\.targets"):
        fitted(options(root, past_covariates=["dim_1"]))


def test_a_file_that_is_missing_is_a_finding(root: Path) -> None:
    (root / "val.csv").unlink()
    found = checked(root)
    assert ("error", "file-missing") in codes(found) and found.val == []


def test_missing_values_are_filled_by_the_policy(root: Path) -> None:
    change(root, "train", lambda table: table.assign(dim_1=table.dim_1.mask(table.time == 3)))
    processor, found = fitted(replace(options(root), fill="linear"))
    assert found.report.ok and processor is not None
    rows = TsClsDataset(found.train, processor).rows
    assert all(np.isfinite(each).all() for each in rows)


def test_classes_stand_in_their_own_order() -> None:
    def series(label: str) -> Series:
        return Series("s", "s:1", np.arange(1), False, ("a",), np.zeros((1, 1)), label=label)

    assert class_names([series(name) for name in ("b", "10", "9", "a", "10")]) == ["9", "10", "a", "b"]


def test_held_out_and_first_series_are_of_all_classes(root: Path) -> None:
    # Files often stand class by class.
    change(root, "train", lambda table: table.sort_values(["label", "group_id", "time"]))
    found = checked(root)
    assert [one.label for one in found.first(found.train, 6)] == ["0", "0", "1", "1", "2", "2"]
    assert found.first(found.train, None) == found.train and len(found.first(found.train, 99)) == 30
    kept, held = found.hold_out(found.train, 0.2, seed=1)
    assert [one.label for one in held] == ["0", "0", "1", "1", "2", "2"] and len(kept) == 24
    assert not {one.group for one in kept} & {one.group for one in held}
    again = found.hold_out(found.train, 0.2, seed=1)[1]
    assert [one.group for one in again] == [one.group for one in held]
    assert found.hold_out(found.train, 0.0, seed=1) == (found.train, [])
    assert len(found.hold_out(found.train, 1.0, seed=1)[0]) == 3


def test_pictures_of_samples(root: Path, tmp_path: Path) -> None:
    paths = ROOM.draw_samples(checked(root).train, tmp_path)
    assert len(paths) == 12 and all(path.stat().st_size > 1000 for path in paths)


def test_baselines_by_hand() -> None:
    train = [np.zeros((4, 1)), np.full((2, 1), 5.0), np.arange(3.0)[:, None]]
    val = [np.full((7, 1), 4.0), np.asarray([[0.0], [2.0]]), np.full((3, 1), 0.1)]
    assert nearest_series(train, val).tolist() == [1, 2, 0]
    labels, truth = np.asarray([0, 1, 1]), np.asarray([1, 0, 0])
    found = baseline_accuracies(train, labels, val, truth)
    assert found == {"majority_accuracy": pytest.approx(1 / 3), "nearest_neighbour_accuracy": pytest.approx(2 / 3)}


def test_the_processing_comes_back_from_its_settings() -> None:
    processor = TsClsProcessor(
        length=30, columns=("a", "b"), labels=("walk", "run"),
        mean=(0.1, 2.0), std=(1.5, 1.0), time="when", group="who", frequency="10min", median_rows=21, periods=(15, 7),
        temperature=1.7, is_standardised=True,
    )  # fmt: skip
    settings = processor.to_inference("TimesNet_cls")
    assert TsClsProcessor.from_inference(settings) == processor
    assert settings["info_params"] == {"target_cols": ["a", "b"], "time_col": "when", "freq": "10min"}


def test_samples_are_scaled_filled_and_masked(root: Path) -> None:
    processor, found = fitted(options(root))
    assert processor is not None
    dataset = TsClsDataset(found.train, processor)
    sample = dataset.get(4, np.random.default_rng(0))
    features, mask = sample.x
    rows = int(mask.sum())
    assert rows == len(dataset.original(4)) and (mask[:rows] == 1).all()
    wanted = (dataset.original(4).values - processor.mean) / processor.std
    np.testing.assert_allclose(features[:rows], wanted, atol=1e-6)
    assert (features[rows:] == 0).all()
    batch = dataset.batch(np.array([4, 0]))
    assert (batch["x"][0][0] == features).all() and batch["target"].tolist() == [dataset.labels[4], dataset.labels[0]]
