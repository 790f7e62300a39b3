"""Fuzzing of one reader: cases made, read and judged; what is new joins the corpus, faults are kept and made small."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.cases import KEPT_BYTES, Case, digest_of, read_case, size_of, write_case
from fuzzing.minimise import minimised
from fuzzing.mutate import Mutator
from fuzzing.reader import Reader
from fuzzing.watch import Watched

FINE = ("read", "refused")
LARGEST_CORPUS = 3000
READ = "-read"
"""Ends the names of those of the corpus that are read, not refused."""
FROM_WHOLE = 0.5
"""Share of the cases that are made of those."""
CASES_OF_A_WORKER = 1500
"""After which a fresh one begins: what native libraries lose would add up."""
GROWTH = 512
"""MiB that a worker may have grown by over its cases before a fresh one begins."""
SAVED_EVERY = 20.0


@dataclass
class Finding:
    """A fault: its kind, by what it is told apart, how often it came, and where the case lies."""

    kind: str
    what: str
    detail: str
    case: str
    count: int = 1


@dataclass
class Totals:
    """What was done so far; kept in ``totals.json`` of a reader's folder."""

    seed: int
    seeds: int = 0
    corpus: int = 0
    cases: int = 0
    read: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    lines: int = 0
    outcomes: int = 0
    workers: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replaces the file."""
        path.write_text(json.dumps(asdict(self), indent=1), "utf-8")


def load_totals(path: Path, seed: int) -> Totals:
    """What was kept, or a beginning."""
    if not path.is_file():
        return Totals(seed)
    content = json.loads(path.read_text("utf-8"))
    findings = {key: Finding(**value) for key, value in content.pop("findings").items()}
    return Totals(**content, findings=findings)


class Campaign:
    """Goes on with the fuzzing of a reader in its folder.

    Args:
        folder: holds ``seeds/``, ``corpus/``, ``findings/``, ``totals.json`` and the worker's place.
    """

    def __init__(self, reader: Reader, folder: Path, seed: int, say: Callable[[str], None]) -> None:
        self.reader, self.folder, self.say = reader, folder, say
        self.totals = load_totals(folder / "totals.json", seed)
        self.seed = self.totals.seed
        seeds = self._seeds()
        valid = [case for name, case in seeds.items() if not name.startswith("!")]
        grown = {path.name: read_case(path) for path in sorted((folder / "corpus").glob("*"))}
        self.corpus = [*seeds.values(), *grown.values()]
        self.whole = [*valid, *(case for name, case in grown.items() if name.endswith(READ))]
        self.totals.seeds, self.totals.corpus = len(seeds), len(self.corpus)
        self.mutator = Mutator(reader.tokens, reader.has_links)
        self.worker = Watched(reader, folder / "worker", valid)
        self._known: set[str] = set()
        self._base = 0

    def _seeds(self) -> dict[str, Case]:
        place = self.folder / "seeds"
        if not place.is_dir():
            made, temporary = self.folder / "made", self.folder / "seeds.tmp"
            for path in (made, temporary):
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir(parents=True)
            for name, case in self.reader.seeds(made).items():
                write_case(case, temporary / name)
            shutil.rmtree(made)
            temporary.rename(place)
        return {path.name: read_case(path) for path in sorted(place.iterdir())}

    def run(self, seconds: float | None, cases: int | None) -> Totals:
        """Fuzzes for so long, or so many cases."""
        totals, began, saved = self.totals, time.monotonic(), time.monotonic()
        former, count = totals.seconds, 0
        try:
            while (cases is None or count < cases) and (seconds is None or time.monotonic() - began < seconds):
                self._one(Random(f"{self.seed} {self.reader.name} {totals.cases}"))
                count += 1
                totals.seconds = former + time.monotonic() - began
                if time.monotonic() - saved > SAVED_EVERY:
                    saved = time.monotonic()
                    totals.save(self.folder / "totals.json")
        finally:
            self.worker.stop()
            totals.save(self.folder / "totals.json")
        return totals

    def _one(self, rng: Random) -> None:
        # What comes of a case that is refused is refused mostly: left alone, soon nothing would be read any more.
        case = self.mutator.make(rng, self.whole if self.whole and rng.random() < FROM_WHOLE else self.corpus)
        starts = self.worker.starts
        answer = self.worker.run(case)
        totals = self.totals
        if self.worker.starts != starts:
            totals.workers += 1
            self._base = answer.get("peak", 0)
            answer["fresh"] = 0  # what a new process comes by for its first time is not new
        totals.cases += 1
        totals.slowest = max(totals.slowest, round(answer.get("seconds", 0.0), 2))
        if answer["kind"] in FINE:
            setattr(totals, answer["kind"], getattr(totals, answer["kind"]) + 1)
            self._keep_if_new(case, answer)
        else:
            self._found(case, answer)
        if self.worker.num_run >= CASES_OF_A_WORKER or answer.get("peak", 0) - self._base > GROWTH:
            self.worker.stop()

    def _keep_if_new(self, case: Case, answer: dict[str, Any]) -> None:
        told = f"{answer['kind']} {answer['what']}"
        is_new = told not in self._known and len(self._known) < LARGEST_CORPUS
        self._known.add(told)
        self.totals.lines += answer["fresh"]
        self.totals.outcomes = max(len(self._known), self.totals.outcomes)
        if (answer["fresh"] or is_new) and len(self.corpus) < LARGEST_CORPUS and size_of(case) < KEPT_BYTES:
            self.corpus.append(case)
            self.totals.corpus = len(self.corpus)
            is_read = answer["kind"] == "read"
            self.whole += [case] * is_read
            write_case(case, self.folder / "corpus" / f"{self.totals.cases:08}-{digest_of(case)}{READ * is_read}")

    def _found(self, case: Case, answer: dict[str, Any]) -> None:
        key = f"{answer['kind']} {answer['what']}"
        known = self.totals.findings.get(key)
        if known:
            known.count += 1
            return
        name = f"{answer['kind']}-{digest_of(case)}"
        place = self.folder / "findings" / name
        write_case(case, place / "whole")
        self.say(f"{self.reader.name}: {key} ({place})")
        small = minimised(case, lambda one: self._key_of(one) == key, slow=answer["kind"] in ("hang", "memory"))
        write_case(small, place / "small")
        (place / "said.txt").write_text(f"{key}\n\n{answer.get('detail', '')}\n", "utf-8", "replace")
        self.totals.findings[key] = Finding(answer["kind"], answer["what"], answer.get("detail", "")[-1500:], name)
        self.totals.save(self.folder / "totals.json")

    def _key_of(self, case: Case) -> str:
        answer = self.worker.run(case)
        return f"{answer['kind']} {answer['what']}"
