"""Makes a new case of old ones: a file is changed by what its format allows, or taken away, exchanged, linked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from random import Random

from fuzzing import formats, texts, trees
from fuzzing.byte_changes import LONGEST, change_bytes
from fuzzing.cases import LINK, Case

MANIFEST = "manifest.json"
LINKS = (b"/dev/zero", b"/dev/null", b"/proc/self/environ", b".", b"..", b"missing", b"inference.yml", b"run.json")
BY_BYTES, OF_BRITTLE = 0.3, 0.12
"""Share of the changes that know nothing of the format; few such files are still whole where all of it is a tree."""
BRITTLE = (".json", ".yml", ".yaml", ".xlsx", ".safetensors", ".gz", ".xz", ".pdmodel", ".onnx", ".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".txt")
BINARY = {
    ".png": formats.change_png, ".pdf": formats.change_pdf,
    ".xlsx": formats.change_zip, ".gz": formats.change_gzip, ".xz": formats.change_xz,
    ".safetensors": formats.change_safetensors, ".pdmodel": formats.change_protobuf, ".onnx": formats.change_protobuf,
}  # fmt: skip


class Mutator:
    """Makes cases from a corpus.

    Args:
        tokens: that mean something in the formats at hand.
        has_links: files may become links, as they can in an archive of a folder.
    """

    def __init__(self, tokens: Sequence[bytes], has_links: bool) -> None:
        self.tokens, self.has_links = tokens, has_links

    def make(self, rng: Random, corpus: Sequence[Case]) -> Case:
        """A case that was made of one of the corpus, with one to some changes."""
        case = dict(rng.choice(corpus))
        others = [rng.choice(corpus) for _ in range(3)]
        for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 2, 3, 5))):
            self._change(rng, case, others)
        if rng.random() < 0.9:
            _repair_manifests(case)
        return case

    def _change(self, rng: Random, case: Case, others: Sequence[Case]) -> None:
        if not case:
            case["x"] = b""
        name = rng.choice(sorted(case))
        if len(case) > 1 and rng.random() < 0.06:
            self._change_tree_of_files(rng, case, name, others)
        elif name.endswith(LINK):
            case[name] = rng.choice(LINKS)
        else:
            same = [other[kept] for other in others for kept in other if _kind(kept) == _kind(name)]
            case[name] = self._changed(rng, name, case[name], same)[:LONGEST]

    def _change_tree_of_files(self, rng: Random, case: Case, name: str, others: Sequence[Case]) -> None:
        action = rng.random()
        content = case.pop(name)
        if action < 0.3 or name.endswith(LINK):
            return
        if action < 0.6:
            other = rng.choice(others)
            case[name] = other.get(name) or rng.choice(sorted(other.values()) or [b""])
        elif action < 0.75 and self.has_links:
            case[name + LINK] = rng.choice(LINKS)
        elif action < 0.85:
            case[f"{name}/inside"] = content
        else:
            case[name] = b""

    def _changed(self, rng: Random, name: str, content: bytes, same: Sequence[bytes]) -> bytes:
        """The content changed as its format allows, where it has one that is known and it still is in it."""
        if rng.random() >= (OF_BRITTLE if _kind(name) in BRITTLE else BY_BYTES):
            try:
                changed = self._by_format(rng, name, content, same)
                if changed is not None:
                    return changed
            except Exception:  # a content that is not of its format any more
                pass
        return change_bytes(rng, content, same, self.tokens)

    def _by_format(self, rng: Random, name: str, content: bytes, same: Sequence[bytes]) -> bytes | None:
        suffix = _kind(name)
        if suffix in BINARY:
            return BINARY[suffix](rng, content, lambda inner, data: self._changed(rng, inner, data, ()))
        if suffix in (".json", ".sent"):
            return trees.change_json(rng, content, same)
        if suffix in (".yml", ".yaml"):
            return trees.change_yaml(rng, content, same)
        if suffix in (".jsonl", ".ndjson"):
            return trees.change_json_lines(rng, content, same)
        if suffix in TABLES:
            return self._changed_table(rng, content)
        return None

    def _changed_table(self, rng: Random, content: bytes) -> bytes:
        """A table, or a line of a label file whose second column is JSON."""
        if b"\t[" not in content or rng.random() < 0.3:
            return texts.change_table(rng, content)
        lines = content.split(b"\n")
        place = rng.randrange(len(lines))
        image, tab, truth = lines[place].partition(b"\t")
        lines[place] = image + tab + trees.change_json(rng, truth, []) if truth else lines[place]
        return b"\n".join(lines)


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _repair_manifests(case: Case) -> None:
    """Has each manifest of sha256 say what lies beside it, so that more than its check is tried."""
    for name in [one for one in case if PurePosixPath(one).name == MANIFEST]:
        folder = PurePosixPath(name).parent
        try:
            manifest = json.loads(case[name])
            # That of a frozen pipeline has its hashes in a section.
            digests = manifest["sha256"] if isinstance(manifest.get("sha256"), dict) else manifest
            for file in digests:
                content = case.get((folder / file).as_posix())
                if content is not None:
                    digests[file] = hashlib.sha256(content).hexdigest()
            case[name] = json.dumps(manifest).encode()
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
