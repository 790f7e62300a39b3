"""The images of a test split, so that nothing is learned from what shows the same; they are not used otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from plx_train.config.options import RunOptions
from plx_train.data.formats.dataset_format import TEST
from plx_train.few.pool import named_images
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.runs.folder import LABEL_FILES
from plx_train.workflow.prepare import test_file

OF_VALIDATION = re.compile(r"(?<![a-z])(?:validation|valid|val)(?![a-z])")
"""What names of files say for it."""


def file_of_test(options: RunOptions, runs: Sequence[Path] = ()) -> Path | None:
    """The label file of the test split; None where there is none, or it is what is validated on.

    Args:
        runs: folders that label files may have been written into, where the dataset was divided or has other ones.

    Raises:
        ConfigError: the file that ``dataset.test`` names is not there.
    """
    dataset = options.dataset
    root, val = user_path(dataset.root), Path(dataset.val)
    if dataset.test is not None:
        if not (root / dataset.test).is_file():
            raise ConfigError(f"dataset.test={dataset.test}: there is no such file in {root}")
        return None if dataset.test == dataset.val else root / dataset.test
    for run in runs:
        name = test_file(run)
        if name is not None:
            return None if name == dataset.val else run / LABEL_FILES / name
    names = (OF_VALIDATION.sub(TEST, val.name), f"{TEST}{val.suffix}")
    beside = (root / val.parent / name for name in names if name not in (val.name, Path(dataset.train).name))
    return next((path for path in beside if path.is_file()), None)


def images_of_test(options: RunOptions, runs: Sequence[Path] = ()) -> list[Path]:
    """The images of the test split that are there; arguments and errors as for `file_of_test`."""
    file, root = file_of_test(options, runs), user_path(options.dataset.root)
    if file is None:
        return []
    written = [run / LABEL_FILES for run in runs if file.is_relative_to(run / LABEL_FILES)]
    named = named_images(file, (*written, root, file.parent))
    return [path for _, path in named.paths()] if named else []
