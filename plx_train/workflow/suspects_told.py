"""What an audit found, as files for people and programs, and on the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from plx_train.contract.doubt import DOUBTS
from plx_train.data.corrections import Correction, corrections_text, plain_truth
from plx_train.ground.characters import json_text
from plx_train.ground.files import replace_file
from plx_train.ground.spreadsheet import csv_text
from plx_train.report.suspects import SuspectCard, SuspectsPage, write_suspects_page
from plx_train.runs.folder import CORRECTIONS_FILE, SUSPECTS_FILE, SUSPECTS_PAGE, SUSPECTS_TABLE
from plx_train.workflow.audit import Audit, Suspect, in_words
from plx_train.workflow.dataset import RunData
from plx_train.workflow.session import Session

LEAST_AGREEMENT = 0.5
"""Share of labels below which a network sees too little for its doubts to say anything."""
SHOWN = 10
"""Suspects that the terminal shows."""
HEADERS = ("rank", "score", "split", "image", "file", "line", "kind", "label", "suggestion")


def write(session: Session, data: RunData, found: Audit) -> None:
    """Table, page, all that is known in JSON, and a draft of corrections."""
    output, options = session.output, session.options
    replace_file(output / SUSPECTS_TABLE, csv_text([HEADERS, *_rows(found)]))
    content = {
        "module": options.module.name,
        "root": data.report.root,
        "fingerprint": data.report.fingerprint,
        "judged_by": found.by,
        "agreement": found.agreement,
        "samples": found.numbers,
        "num_suspects": found.num_found,
        "suspects": [_plain(one) for one in found.suspects],
    }
    replace_file(output / SUSPECTS_FILE, json_text(content, indent=1))
    draft = {
        one.image: Correction(one.image, one.suspicion.truth, note=in_words(one)) for one in reversed(found.suspects)
    }
    replace_file(output / CORRECTIONS_FILE, corrections_text((*found.known, *reversed(draft.values()))))
    command = f"dataset.corrections={shlex.quote(str(output / CORRECTIONS_FILE))}"
    page = SuspectsPage(
        f"Labels of {options.dataset.name}",
        {"module": options.module.name, "judged by": found.by, **_agreement(found), "data": data.report.root},
        found.numbers,
        found.num_found,
        [(DOUBTS[kind], label, suggestion, number) for kind, label, suggestion, number in found.pairs()],
        command,
    )
    write_suspects_page(output / SUSPECTS_PAGE, page, [_card(one) for one in found.suspects])


def _agreement(found: Audit) -> dict[str, str]:
    """How much of the labels is confirmed, by what it is called."""
    return {} if found.agreement is None else {"agreement": f"with {found.agreement:.0%} of the labels"}


def _card(one: Suspect) -> SuspectCard:
    file, line = one.where
    return SuspectCard(
        lambda: one.sample.part(one.sample.read()),
        one.suspicion.doubts,
        one.split,
        one.image,
        f"{file}:{line}" if line else file,
    )


def _rows(found: Audit) -> Iterator[tuple[Any, ...]]:
    for rank, one in enumerate(found.suspects, 1):
        for doubt in one.suspicion.doubts:
            yield (
                *(rank, round(doubt.score, 4), one.split, one.image, *one.where),
                *(doubt.kind, doubt.label, doubt.suggestion),
            )


def _plain(one: Suspect) -> dict[str, Any]:
    return {
        "image": one.image,
        "split": one.split,
        "file": one.where[0],
        "line": one.where[1],
        "score": round(one.suspicion.score, 6),
        "doubts": [
            {
                "kind": doubt.kind,
                "score": round(doubt.score, 6),
                "label": doubt.label,
                "suggestion": doubt.suggestion,
                **({"box": [round(value, 2) for value in doubt.box]} if doubt.box else {}),
            }
            for doubt in one.suspicion.doubts
        ],
        "truth": plain_truth(one.suspicion.truth),
    }


def tell(session: Session, found: Audit) -> None:
    """The first suspects as a table, and what to do with all."""
    output, console = session.output, session.console
    rows = [
        (rank, f"{doubt.score:.2f}", one.split, one.image, doubt.label or "–", doubt.suggestion or "–", more)
        for rank, one in enumerate(found.suspects[:SHOWN], 1)
        for doubt, more in [(one.suspicion.doubts[0], f"+{len(one.suspicion.doubts) - 1}")]
    ]
    rows = [(*row[:-1], "" if row[-1] == "+0" else row[-1]) for row in rows]
    if rows:
        console.table("most suspect labels", ["", "score", "split", "image", "label", "suggestion", "more"], rows)
    if found.agreement is not None and found.agreement < LEAST_AGREEMENT:
        console.warn(
            f"the network agrees with {found.agreement:.0%} of the labels alone: it sees too little in these samples "
            "for its doubts to say much; give run=<a run that was trained on them>, or other weights"
        )
    looked = ", ".join(f"{number} {split}" for split, number in found.numbers.items())
    console.summary(
        f"audit of {session.options.dataset.name}",
        [
            ("suspects", f"{found.num_found} of {looked}, by {found.by}"),
            *_agreement(found).items(),
            ("with pictures", str(output / SUSPECTS_PAGE)),
            ("table", str(output / SUSPECTS_TABLE)),
            ("corrections", f"{output / CORRECTIONS_FILE}: a draft; delete what is not wrong, then give it as"),
            ("", f"dataset.corrections={shlex.quote(str(output / CORRECTIONS_FILE))}"),
        ],
    )
