"""The file of a test split is found beside that of validation, or where a division wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import class_folders
from plx_train.config.compose import compose_run
from plx_train.config.options import RunOptions
from plx_train.ground.errors import ConfigError
from plx_train.workflow.dataset import check
from plx_train.workflow.kept_apart import file_of_test, images_of_test


def options(root: Path, *more: str) -> RunOptions:
    return compose_run(["module=image_cls", f"dataset.root={root}", *more]).options


@pytest.mark.parametrize(
    ("val", "test"),
    [
        ("val.txt", "test.txt"),
        ("lists/val_2.txt", "lists/test_2.txt"),
        ("annotations/instance_val.json", "annotations/instance_test.json"),
        ("valid.txt", "test.txt"),
        ("dev.txt", "test.txt"),
        ("valves.txt", "test.txt"),
    ],
)
def test_it_lies_beside_that_of_validation(val: str, test: str, tmp_path: Path) -> None:
    asked = options(tmp_path, f"dataset.val={val}")
    assert file_of_test(asked) is None
    (tmp_path / test).parent.mkdir(exist_ok=True)
    (tmp_path / test).touch()
    assert file_of_test(asked) == tmp_path / test
    assert file_of_test(options(tmp_path, f"dataset.val={test}")) is None
    assert file_of_test(options(tmp_path, f"dataset.val={test}", f"dataset.test={test}")) is None


def test_one_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.test=other\.txt: there is no such file in"):
        file_of_test(options(tmp_path, "dataset.test=other.txt"))
    (tmp_path / "other.txt").touch()
    assert file_of_test(options(tmp_path, "dataset.test=other.txt")) == tmp_path / "other.txt"


def test_it_is_what_a_division_kept_apart(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 10)
    output = tmp_path / "out"
    output.mkdir()
    asked = options(root, "dataset.test_share=0.2", "dataset.val_share=0.2")
    check(asked, output)
    names = {line.rpartition(" ")[0] for line in (output / "label_files/test.txt").read_text().splitlines()}
    assert names and {path.relative_to(root).as_posix() for path in images_of_test(asked, [output])} == names
