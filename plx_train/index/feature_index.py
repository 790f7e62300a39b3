"""An index: vectors of known images with their labels, and which model made them; a folder that PaddleX reads too."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, sha256
from plx_train.index.flat_file import read_flat, write_flat
from plx_train.index.maker import Maker, maker_from
from plx_train.index.search import nearest

VECTORS_FILE, LABELS_FILE, MAKER_FILE = "vector.index", "id_map.yaml", "index.json"
"""PaddleX's two files, and ours beside them."""
MOST_BYTES = 256 << 20
VERSION = 1


@dataclass(frozen=True, eq=False)
class FeatureIndex:
    """Vectors of known images.

    Attributes:
        vectors: float32 (N, D), of length 1.
        ids: int64 (N,), each once; a removed one is not given again while higher ones are there.
        labels: what each image shows.
        maker: of the vectors.
    """

    vectors: np.ndarray
    ids: np.ndarray
    labels: tuple[str, ...]
    maker: Maker

    def __len__(self) -> int:
        return len(self.labels)

    def refuse_other(self, maker: Maker, where: str) -> None:
        """
        Args:
            where: the index lies, for messages.

        Raises:
            UserError: the vectors are another model's, which say nothing beside those of `maker`.
        """
        if maker.fingerprint != self.maker.fingerprint:
            raise UserError(
                f"the index {where} was built by the model {self.maker.told()}, not by {maker.told()}: vectors of two "
                "models can't be compared; build it anew by mode=build_index with this model"
            )

    def appended(self, vectors: np.ndarray, labels: Sequence[str]) -> FeatureIndex:
        """The index with further images behind the others; ids go on after the highest.

        Raises:
            UserError: the vectors have other dimensions.
        """
        if len(self) and vectors.shape[1] != self.vectors.shape[1]:
            raise UserError(f"vectors of {vectors.shape[1]} numbers don't fit an index of {self.vectors.shape[1]}")
        first = int(self.ids.max(initial=-1)) + 1
        new = np.arange(first, first + len(labels), dtype=np.int64)
        kept = self.vectors if len(self) else np.zeros((0, vectors.shape[1]), np.float32)
        return replace(
            self,
            vectors=np.concatenate([kept, vectors.astype(np.float32)]),
            ids=np.concatenate([self.ids, new]),
            labels=(*self.labels, *labels),
        )

    def without(self, ids: Collection[int] = (), labels: Collection[str] = ()) -> FeatureIndex:
        """The index without some images.

        Raises:
            UserError: one of them is not there.
        """
        unknown = [*sorted(set(ids) - set(self.ids.tolist())), *sorted(set(labels) - set(self.labels))]
        if unknown:
            raise UserError(f"{unknown[0]} is neither an id nor a label of the index: nothing was removed")
        pairs = zip(self.ids.tolist(), self.labels, strict=True)
        kept = np.asarray([number not in ids and label not in labels for number, label in pairs], bool)
        names = tuple(label for label, is_kept in zip(self.labels, kept, strict=True) if is_kept)
        return replace(self, vectors=self.vectors[kept], ids=self.ids[kept], labels=names)

    def search(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Places (Q, k) of the nearest images, best first, and their cosines float32 (Q, k); k is at most `count`."""
        return nearest(self.vectors, queries, count)

    def save(self, folder: Path) -> None:
        """Writes the three files into `folder`, which is there."""
        write_flat(folder / VECTORS_FILE, self.vectors, self.ids)
        # PyYAML needs a minute to write a hundred thousand.
        pairs = zip(self.ids.tolist(), self.labels, strict=True)
        lines = "".join(f"  {number}: {_quoted(label)}\n" for number, label in pairs)
        told = f"id_map:\n{lines}" if lines else "id_map: {}\n"
        (folder / LABELS_FILE).write_text(f"{told}index_type: Flat\nmetric_type: IP\n", "utf-8")
        about = {
            "version": VERSION,
            "maker": asdict(self.maker),
            "vectors": sha256(folder / VECTORS_FILE),
            "labels": list(self.labels),
        }
        (folder / MAKER_FILE).write_text(json.dumps(about), "utf-8")


def _quoted(text: str) -> str:
    """A text as any YAML reader takes it for what it is."""
    inner = (one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08x}" for one in text)
    return f'"{"".join(inner)}"'


def empty_index(maker: Maker) -> FeatureIndex:
    """An index of no image."""
    return FeatureIndex(np.zeros((0, 1), np.float32), np.zeros(0, np.int64), (), maker)


def is_index(folder: Path) -> bool:
    """Whether a folder holds an index that says which model made it."""
    return all((folder / name).is_file() for name in (VECTORS_FILE, LABELS_FILE, MAKER_FILE))


def read_index(folder: Path) -> FeatureIndex:
    """The index in a folder.

    Raises:
        UserError: there is none, it can't be read, or it does not say which model made it.
    """
    about = folder / MAKER_FILE
    if not about.is_file():
        hint = " as PaddleX's own do" if (folder / VECTORS_FILE).is_file() else ": there is none"
        raise UserError(
            f"{folder} holds no index that says which model made it{hint}; build one by mode=build_index run=<export> "
            "input=<images> output=<folder>"
        )
    vectors, ids = read_flat(folder / VECTORS_FILE)
    try:
        told = json.loads(read_limited(about, MOST_BYTES))
        maker, labels, digest = maker_from(told["maker"]), tuple(map(str, told["labels"])), told["vectors"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"the index {folder} can't be understood ({type(error).__name__}): build it anew") from None
    if len(labels) != len(ids) or digest != sha256(folder / VECTORS_FILE):
        raise UserError(f"{folder / VECTORS_FILE} was changed by something else than plx_train: build the index anew")
    if not np.isfinite(vectors).all() or len(np.unique(ids)) < len(ids):
        raise UserError(f"{folder / VECTORS_FILE} holds no vectors of images, or ids twice: build the index anew")
    return FeatureIndex(vectors, ids, labels, maker)
