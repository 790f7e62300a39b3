#!/usr/bin/env python
"""Hands damaged and hostile files to every reader of the product, and sees that each is read or refused in a sentence.

    python scripts/fuzz.py --minutes 60 --jobs 2                    all readers, an hour each
    python scripts/fuzz.py --readers images pdfs --minutes 10
    python scripts/fuzz.py --replay outputs/fuzz/images/findings/crash-0123456789abcdef/small --readers images
    python scripts/fuzz.py --table                                  the figures so far

Cases are made of a corpus that the script makes itself, by changes of bytes and by changes that know the format. Each
reader runs in a process of its own, with limits on time and memory, away from the home directory; a fault is a crash, a
hang, memory beyond the limit, any exception but the product's own, a file that was written, removed or read outside of
the process's folder, a program that was started, a connection. Cases that reach new lines or sentences join the corpus.
Given again with the same folder, it goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from fuzzing.campaign import Campaign, Totals, load_totals  # noqa: E402
from fuzzing.cases import read_case  # noqa: E402
from fuzzing.readers import READERS  # noqa: E402

HEAD = (
    "reader",
    "hours",
    "cases",
    "corpus",
    "read",
    "refused",
    "slowest (s)",
    "crashes",
    "hangs",
    "memory",
    "outside",
    "tracebacks",
    "wrong",
)
KINDS = ("crash", "hang", "memory", "escape", "fault", "wrong")


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--readers", nargs="+", choices=[*READERS], default=[*READERS], metavar="NAME", help=", ".join(READERS)
    )
    parser.add_argument("--minutes", type=float, help="for each reader")
    parser.add_argument("--cases", type=int, help="for each reader, instead of minutes")
    parser.add_argument("--jobs", type=int, default=1, help="readers at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "fuzz")
    parser.add_argument("--table", action="store_true", help="print the figures so far and end")
    parser.add_argument("--replay", type=Path, help="read one case and say what comes of it")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """The exit code: 1 where there are findings."""
    given = arguments()
    folder = given.folder.absolute()
    if given.replay:
        return replay(given.readers[0], given.replay, folder)
    if given.one:
        campaign = Campaign(READERS[given.one], folder / given.one, given.seed, lambda text: print(text, flush=True))
        with contextlib.suppress(KeyboardInterrupt):
            campaign.run(given.minutes and given.minutes * 60, given.cases)
        totals = campaign.totals
        print(f"{given.one}: {totals.cases} cases, {len(totals.findings)} findings", flush=True)
        return 0
    if not given.table:
        if not given.minutes and not given.cases:
            sys.exit("say --minutes or --cases")
        fuzz(given)
    found = {name: load_totals(folder / name / "totals.json", given.seed) for name in READERS}
    print(table(found))
    return int(any(totals.findings for totals in found.values()))


def fuzz(given: argparse.Namespace) -> None:
    """Runs the readers, some at once, each in a process."""
    waiting, running = list(given.readers), list[subprocess.Popen[bytes]]()
    limits = [f"--minutes={given.minutes}"] if given.minutes else [f"--cases={given.cases}"]
    command = [sys.executable, str(Path(__file__)), f"--seed={given.seed}", f"--folder={given.folder}", *limits]
    try:
        while waiting or running:
            while waiting and len(running) < given.jobs:
                running.append(subprocess.Popen([*command, f"--one={waiting.pop(0)}"]))
            time.sleep(0.2)
            running = [one for one in running if one.poll() is None]
    except KeyboardInterrupt:
        for one in running:
            one.wait()


def replay(name: str, case: Path, folder: Path) -> int:
    """Says what comes of one case."""
    worker = Campaign(READERS[name], folder / name, 1, print).worker
    answer = worker.run(read_case(case))
    worker.stop()
    print(f"{answer['kind']}: {answer['what']}\n{answer.get('detail', '')}")
    return int(answer["kind"] not in ("read", "refused"))


def table(found: dict[str, Totals]) -> str:
    """The figures in Markdown; faults of one cause count once."""
    rows = [HEAD, tuple("---" for _ in HEAD)]
    for name, totals in found.items():
        if not totals.cases:
            continue
        counts = [sum(one.kind == kind for one in totals.findings.values()) for kind in KINDS]
        shares = (f"{count / totals.cases:.0%}" for count in (totals.read, totals.refused))
        corpus = f"{totals.seeds} + {totals.corpus - totals.seeds}"
        figures = (f"{totals.seconds / 3600:.2f}", f"{totals.cases:,}", corpus, *shares, f"{totals.slowest:g}")
        rows.append((name, *figures, *map(str, counts)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
