"""What a pipeline found in one image; behaves like PaddleX's results."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.ground.characters import json_text
from plx_train.ground.errors import UserError
from plx_train.ground.spreadsheet import frame_csv_text
from plx_train.pipelines.drawing import within_jpeg
from plx_train.pipelines.naming import claim, note_written, origin_of
from plx_train.series.frame import time_texts
from plx_train.terminal.streams import say
from plx_train.vision.image import IMAGE_SUFFIXES, write_image

if TYPE_CHECKING:
    import pandas

_numbers = itertools.count()


class PipelineResult(dict[str, Any]):
    """Findings by name, as PaddleX names them, and under ``models`` which versions they come from.

    Args:
        findings: what was found.
        name: for files, without suffix; may hold folders. Where another input's result has it in the same folder, the
            suffix of the input, and a number if need be, is added.
        draw: gives pictures uint8 (H, W, 3) BGR by name.
        text: what was read, where something was.
        make_pdf: gives a PDF file whose text can be searched.
        table: what was found in a series.
    """

    def __init__(
        self,
        findings: Mapping[str, Any],
        name: str,
        draw: Callable[[], dict[str, np.ndarray]] | None = None,
        text: str | None = None,
        make_pdf: Callable[[], bytes] | None = None,
        table: pandas.DataFrame | None = None,
    ) -> None:
        super().__init__(findings)
        self._make_pdf = make_pdf
        self._table = table
        self._name = name
        self._origin = origin_of(findings, next(_numbers))
        self._draw = draw
        self.text = text

    @property
    def json(self) -> dict[str, Any]:
        """``{"res": …}`` of plain values; images are left out."""
        return {"res": _plain(self)}

    @property
    def img(self) -> dict[str, np.ndarray]:
        """Pictures of the findings by name, uint8 (H, W, 3) BGR."""
        return self._draw() if self._draw else {}

    def print(self) -> None:
        """Prints `json`."""
        say(json_text(self.json, indent=4))

    def save_to_json(self, save_path: str | Path, indent: int = 4, ensure_ascii: bool = False) -> Path:
        """Writes `json` to a file of that name, or into a folder as ``<name>_res.json``.

        Raises:
            UserError: it can't be written.
        """
        found = self.json["res"]
        content = json.dumps(found, indent=indent) if ensure_ascii else json_text(found, indent=indent)
        return self._write(save_path, ".json", content.encode("utf-8", "backslashreplace"))

    def save_to_text(self, save_path: str | Path) -> Path:
        """Writes the text, a line a line, to a file of that name, or into a folder as ``<name>_res.txt``.

        Raises:
            UserError: it can't be written, or this pipeline reads no text.
        """
        if self.text is None:
            raise UserError("this pipeline reads no text: take save_to_json")
        return self._write(save_path, ".txt", self.text.encode())

    def save_to_img(self, save_path: str | Path) -> list[Path]:
        """Writes the pictures into a folder as ``<name>_<picture>.jpg``, or the first one to a file of that name.

        Raises:
            UserError: one can't be written.
        """
        target = Path(save_path)
        is_file = target.suffix.lower() in IMAGE_SUFFIXES and not target.is_dir()
        pictures = self.img
        if is_file:
            pictures = dict(list(pictures.items())[:1])
        return [self._write_picture(target, is_file, name, picture) for name, picture in pictures.items()]

    def _write_picture(self, target: Path, is_file: bool, name: str, picture: np.ndarray) -> Path:
        own = "" if is_file else self._name_in(target)
        path = target if is_file else target / f"{own}_{name}.jpg"
        write_image(path, within_jpeg(picture))
        if not is_file:
            note_written(target, own, path)
        return path

    def save_to_pdf(self, save_path: str | Path) -> Path:
        """Writes a PDF whose text can be searched to a file of that name, or into a folder as ``<name>_res.pdf``.

        Raises:
            UserError: it can't be written, or this pipeline reads no text.
        """
        if self._make_pdf is None:
            raise UserError("this pipeline reads no text: take save_to_img")
        return self._write(save_path, ".pdf", self._make_pdf())

    @property
    def csv(self) -> dict[str, pandas.DataFrame]:
        """``{"res": table}`` where something was found in a series."""
        return {} if self._table is None else {"res": self._table}

    def save_to_csv(self, save_path: str | Path) -> Path:
        """Writes the table to a file of that name, or into a folder as ``<name>_res.csv``.

        Raises:
            UserError: it can't be written, or this pipeline makes none.
        """
        if self._table is None:
            raise UserError("this pipeline makes no table: take save_to_json")
        return self._write(save_path, ".csv", frame_csv_text(self._table).encode("utf-8", "backslashreplace"))

    def save_all(self, save_path: str | Path) -> None:
        """Writes all there is into a folder, which is made."""
        _make_folder(Path(save_path))
        self.save_to_json(save_path)
        self.save_to_img(save_path)
        if self.text is not None:
            self.save_to_text(save_path)
        if self._table is not None:
            self.save_to_csv(save_path)

    def _write(self, save_path: str | Path, suffix: str, content: bytes) -> Path:
        target = Path(save_path)
        is_file = target.suffix.lower() == suffix and not target.is_dir()
        own = "" if is_file else self._name_in(target)
        path = target if is_file else target / f"{own}_res{suffix}"
        _make_folder(path.parent)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise UserError(f"{path} can't be written ({error.strerror or error})") from None
        if not is_file:
            note_written(target, own, path)
        return path

    def _name_in(self, folder: Path) -> str:
        """The name of its files in `folder`, which are no other input's."""
        return claim(folder, self._name, self._origin, self.get("page_index"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {folder} can't be made ({error.strerror or error})") from None


def _plain(value: Any) -> Any:
    """Lists for arrays and numbers for numpy's, nested; images become nothing."""
    if isinstance(value, Mapping):
        plain = {str(name): _plain(item) for name, item in value.items() if not _is_image(item)}
        return {name: item for name, item in plain.items() if name != "vis_fonts"}
    if hasattr(value, "to_dict") and hasattr(value, "index"):
        shown = value.reset_index()
        return {str(name): _plain(_texts(shown[name].to_numpy())) for name in shown.columns}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _texts(values: np.ndarray) -> Any:
    """A column as it is, times as texts."""
    return time_texts(values.astype("datetime64[ns]")) if values.dtype.kind == "M" else values


def _is_image(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 3 and value.shape[2] == 3 and value.dtype == np.uint8
