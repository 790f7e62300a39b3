"""Tables without a validation file: divided by time or by whole series, the same way everywhere, told and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from plx_train import run
from plx_train.contract.division import LineRuns
from plx_train.series.division import Cut, parts_by_time

KINDS = {-1: ".", 0: "t", 1: "v", 2: "x"}


def drawn(parts: np.ndarray | None) -> str:
    assert parts is not None
    return "".join(KINDS[part] for part in parts.tolist())


@pytest.mark.parametrize(
    ("rows", "cut", "expected"),
    [
        (20, Cut(0.2, 0, 2, None), "t" * 14 + ".." + "v" * 4),
        (20, Cut(0.2, 0.1, 2, None), "t" * 10 + ".." + "v" * 4 + ".." + "x" * 2),
        (20, Cut(0.2, 0, 2, 0), "t" * 16 + "v" * 4),
        (20, Cut(0.2, 0, 2, 5), "t" * 11 + "." * 5 + "v" * 4),
        (12, Cut(0.2, 0, 4, None), "t" * 6 + ".." + "v" * 4),  # a part holds a window, and half is trained on
        (8, Cut(0.2, 0, 4, None), "tttt" + "vvvv"),
    ],
)
def test_rows_are_given_by_time(rows: int, cut: Cut, expected: str) -> None:
    assert drawn(parts_by_time(rows, cut)) == expected


@pytest.mark.parametrize(("rows", "cut"), [(7, Cut(0.2, 0, 4, None)), (20, Cut(0.2, 0, 2, 15)), (0, Cut(0.2, 0, 1, 0))])
def test_a_series_may_be_too_short(rows: int, cut: Cut) -> None:
    assert parts_by_time(rows, cut) is None


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ((18,), "t" * 14 + ".." + "v" * 4),
        ((12, 13), "t" * 10 + ".." + "v" * 8),  # there is none at the end: it reaches back
        ((15, 16), "t" * 13 + ".." + "v" * 5),  # an event is not cut in two
        ((3,), "t" * 14 + ".." + "v" * 4),  # so far back, nothing would be left to train on
    ],
)
def test_what_is_judged_holds_an_event(marked: Sequence[int], expected: str) -> None:
    marks = np.zeros(20)
    marks[list(marked)] = 1
    assert drawn(parts_by_time(20, Cut(0.2, 0, 2, None), marks)) == expected


def test_lines_are_found_by_stretches() -> None:
    lines = LineRuns("a.csv", [(1, 1), (5, 3), (20, 0), (30, 2)])
    assert [line for _, line in lines] == [1, 5, 6, 7, 30, 31]
    assert lines[-1] == ("a.csv", 31) and lines[1:3] == [("a.csv", 5), ("a.csv", 6)]
    assert list(LineRuns.from_json(json.loads(json.dumps(lines.to_json())))) == list(lines)


def table(path: Path, rows: int = 400, first: str = "hour,load") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"2024-{1 + day // 28:02}-{1 + day % 28:02} {hour:02}:00,{np.sin(hour / 3.8) + day:.3f}"
             for day in range(rows // 24 + 1) for hour in range(24))  # fmt: skip
    path.write_text("\n".join([first, *list(lines)[:rows]]) + "\n")
    return path.parent


FORECAST = ("module=ts_forecast", "module.context=24", "module.horizon=6", "dataset.columns.time=hour")


def checked(output: Path, *arguments: str) -> dict[str, object]:
    run(["mode=check_dataset", f"output={output}", "quiet=true", *arguments])
    return dict(json.loads((output / "check.json").read_text()))


def rows_of(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:]


@pytest.mark.parametrize("name", ["train.csv", "ETTh1.csv"])
def test_a_single_table_is_divided_by_time(name: str, tmp_path: Path) -> None:
    root = table(tmp_path / "data" / name)
    before = {path: path.read_bytes() for path in root.iterdir()}
    report = checked(tmp_path / "out", *FORECAST, f"dataset.root={root}")
    said = "290 rows for training, 80 for validation, 30 left out between: divided here by time"
    assert (report["ok"], report["format"], report["division"]) == (True, "csv", said)
    rows, written = rows_of(root / name), tmp_path / "out" / "label_files"
    assert rows_of(written / "train.csv") == rows[:290] and rows_of(written / "val.csv") == rows[320:]
    assert {path: path.read_bytes() for path in root.iterdir()} == before


def test_the_first_line_says_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = table(tmp_path / "data" / "train.csv")
    run(
        [
            "mode=check_dataset",
            f"output={tmp_path / 'out'}",
            *FORECAST,
            f"dataset.root={root}",
            "dataset.test_share=0.1",
        ]
    )
    first = capfd.readouterr().out.splitlines()[0]
    assert (
        "220 rows for training, 80 for validation, 40 for the test, 60 left out between: divided here by time" in first
    )


def test_a_fault_is_led_back_to_its_line(tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "load.csv")
    lines = (root / "load.csv").read_text().splitlines()
    lines[350] = lines[350].partition(",")[0] + ",high"
    (root / "load.csv").write_text("\n".join(lines))
    report = checked(tmp_path / "out", *FORECAST, f"dataset.root={root}")
    found = report["findings"][0]  # type: ignore[index]
    assert (found["path"], found["line"], found["code"]) == ("load.csv", 351, "not-a-number")


def test_a_table_that_has_no_order_is_told_alone(tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "train.csv")
    text = (root / "train.csv").read_text().replace("2024-01-05 00:00", "soon")
    (root / "train.csv").write_text(text)
    report = checked(tmp_path / "out", *FORECAST, f"dataset.root={root}")
    codes = [one["code"] for one in report["findings"]]  # type: ignore[attr-defined]
    assert codes == ["no-validation", "time-unparseable"]


@pytest.mark.parametrize("other", ["val.csv", "valid.csv", "load_val.csv"])
def test_a_validation_file_is_never_made_twice(other: str, tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "train.csv")
    table(root / other, 100)
    report = checked(tmp_path / "out", *FORECAST, f"dataset.root={root}", "dataset.test_share=0.1")
    assert not (tmp_path / "out" / "label_files").exists()
    assert "test-not-divided" in report["codes"]  # type: ignore[operator]


def test_long_format_is_divided_series_by_series(tmp_path: Path) -> None:
    lengths = {"a": 200, "b": 100, "c": 20}
    rows = [
        f"{step},{name},{step % 7 + step / 9 + ord(name):.3f}"
        for step in range(200)
        for name, rows in lengths.items()
        if step < rows
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("\n".join(["time,group_id,y", *rows]))
    report = checked(
        tmp_path / "out", FORECAST[0], "module.context=8", "module.horizon=2", f"dataset.root={tmp_path / 'data'}"
    )
    written = tmp_path / "out" / "label_files"
    assert report["ok"]
    steps = {
        split: {name: [int(row.split(",")[0]) for row in rows_of(written / f"{split}.csv") if row.split(",")[1] == name]
                for name in lengths}
        for split in ("train", "val")
    }  # fmt: skip
    assert steps["train"] == {"a": list(range(150)), "b": list(range(70)), "c": list(range(10))}
    assert steps["val"] == {"a": list(range(160, 200)), "b": list(range(80, 100)), "c": list(range(10, 20))}


def test_rows_out_of_order_are_divided_by_their_times(tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "train.csv")
    head, *rows = (root / "train.csv").read_text().splitlines()
    (root / "train.csv").write_text("\n".join([head, *rows[::-1]]))
    checked(tmp_path / "out", *FORECAST, f"dataset.root={root}")
    assert rows_of(tmp_path / "out" / "label_files" / "val.csv") == rows[320:][::-1]


def series_of_classes(root: Path) -> Path:
    lines = ["group_id,time,x,label"]
    for number in range(40):
        lines += [
            f"p{number // 2}_{number},{step},{np.sin(step * (1 + number % 2) + number):.4f},c{number % 2}"
            for step in range(12)
        ]
    root.mkdir(parents=True)
    (root / "train.csv").write_text("\n".join(lines))
    return root


def groups_of(path: Path) -> list[str]:
    return list(dict.fromkeys(row.partition(",")[0] for row in rows_of(path)))


def test_series_with_classes_are_divided_by_class(tmp_path: Path) -> None:
    root = series_of_classes(tmp_path / "data")
    report = checked(tmp_path / "out", "module=ts_cls", f"dataset.root={root}")
    assert report["division"] == "32 series for training, 8 for validation: divided here by class"
    held = groups_of(tmp_path / "out" / "label_files" / "val.csv")
    assert sum(int(name.partition("_")[2]) % 2 for name in held) == 4
    again = checked(tmp_path / "again", "module=ts_cls", f"dataset.root={root}", "dataset.split_seed=2")
    assert again["ok"] and groups_of(tmp_path / "again" / "label_files" / "val.csv") != held


def test_series_of_a_group_stay_together(tmp_path: Path) -> None:
    root = series_of_classes(tmp_path / "data")
    checked(
        tmp_path / "out",
        "module=ts_cls",
        f"dataset.root={root}",
        "dataset.split_by='^(p[0-9]+)_'",
        "dataset.test_share=0.2",
    )
    people = [
        {name.partition("_")[0] for name in groups_of(tmp_path / "out" / "label_files" / f"{split}.csv")}
        for split in ("train", "val", "test")
    ]
    assert [len(each) for each in people] == [12, 4, 4] and len(set.union(*people)) == 20


def test_validation_of_anomalies_holds_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [f"{step},{np.sin(step / 3) + step / 99:.3f},{int(620 <= step < 630)}" for step in range(1000)]
    (tmp_path / "data" / "train.csv").write_text("\n".join(["time,x,label", *rows]))
    report = checked(tmp_path / "out", "module=ts_anomaly", "module.context=50", f"dataset.root={tmp_path / 'data'}")
    said = "570 rows for training, 380 for validation, 50 left out between: divided here by time"
    assert (report["division"], report["findings"]) == (said, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("module=ts_cls", "dataset.split=time"), "divide them by classes or groups"),
        (("module=ts_forecast", "dataset.split=documents"), "series are divided by time or groups"),
        (("module=ts_forecast", "dataset.split=time", "dataset.split_by='(.)'"), "dataset.split_by goes with"),
        (("module=ts_cls", "dataset.val_share=0.6", "dataset.test_share=0.5"), "leave nothing to train on"),
    ],
)
def test_what_series_cannot_have_is_refused(
    arguments: Sequence[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from plx_train.__main__ import main

    root = series_of_classes(tmp_path / "data")
    assert main(["mode=check_dataset", *arguments, f"dataset.root={root}", f"output={tmp_path / 'out'}"]) == 2
    assert message in capfd.readouterr().err


def test_convert_writes_the_division_and_tables_that_are_none(tmp_path: Path) -> None:
    root = table(tmp_path / "data" / "train.csv")
    pairs = [line.split(",") for line in (root / "train.csv").read_text().splitlines()[1:]]
    (root / "train.csv").unlink()
    (root / "load.jsonl").write_text("".join(f'{{"hour": "{hour}", "load": {load}}}\n' for hour, load in pairs))
    arguments = ["mode=convert", *FORECAST, f"dataset.root={root}", "quiet=true"]
    assert run([*arguments, f"output={tmp_path / 'copy'}"]).exit_code == 0
    assert rows_of(tmp_path / "copy" / "val.csv") == [",".join(pair) for pair in pairs[320:]]
    again = [*arguments[:-2], f"dataset.root={tmp_path / 'copy'}", f"output={tmp_path / 'again'}", "quiet=true"]
    assert run(again).exit_code == 0
    for name in ("train.csv", "val.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()
