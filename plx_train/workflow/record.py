"""A run's record: tracking while it goes on, and ``run.json``, by which later commands find it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.contract.check import CheckReport
from plx_train.contract.tracker import Tracker
from plx_train.distributed import ranks
from plx_train.ground.silent import SilentTracker
from plx_train.ground.stop import Stopped, StopRequest
from plx_train.machine.determinism import Determinism
from plx_train.runs.facts import write_facts
from plx_train.runs.owner import config_hash, sealed, why_unsigned
from plx_train.runs.trial import Pruned, Trial, current_trial
from plx_train.tracking import TrackedDataset, environment_tags, start_tracking, tracked
from plx_train.workflow.resume import Continuation, resume_command
from plx_train.workflow.session import Session, explained_faults

if TYPE_CHECKING:
    from plx_train.few.gallery import Gallery
    from plx_train.few.stream import PoolStream
    from plx_train.report import PoolSection


@dataclass
class Record:
    """What is known of a run so far."""

    session: Session
    tracker: Tracker
    stop: StopRequest
    trial: Trial
    facts: dict[str, Any] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    """What needs no training, by ``<baseline>_<metric>``."""
    teacher: Any = None
    """A finished model that taught, where there was one."""
    stream: PoolStream | None = None
    """What came of unlabelled samples beside each labelled batch."""
    classes: Counter[int] = field(default_factory=Counter)
    """How many labelled samples show each class, by number."""
    pool: PoolSection | None = None
    """What unlabelled samples brought."""
    is_own: bool = True
    """Whether this user began the run, and signs what it is."""
    config: str | None = None
    """Hash of the configuration that the run began with, which is what is signed."""

    @property
    def gallery(self) -> Gallery | None:
        """What a teacher labelled in the last steps; None where none labels step by step."""
        return self.stream.gallery if self.stream is not None and self.stream.teacher is not None else None

    def say(self, tag: str, sentence: str | None) -> None:
        """Tells a sentence, where there is one, and keeps it as a tag."""
        if sentence:
            self.session.console.info(sentence)
            self.tracker.set_tags({tag: sentence})

    def write(self, **facts: Any) -> None:
        """Adds `facts` to ``run.json``, which is replaced in one piece."""
        self.facts |= facts | {"run_id": self.tracker.run_id}
        if ranks.rank() == 0:
            with explained_faults(self.session.output):
                output = self.session.output
                write_facts(output, sealed(output, self.facts, self.config) if self.is_own else self.facts)


@contextmanager
def recording(
    session: Session,
    report: CheckReport,
    weights: Any,
    level: Determinism,
    continuation: Continuation | None = None,
) -> Iterator[Record]:
    """Tracks the run inside; its status is true however it ends, in MLflow and in ``run.json``."""
    former = continuation.facts if continuation else {}
    started = str(weights) if weights else former.get("weights")
    trial = current_trial(session.output)
    tracker = _tracker(session, report, trial, started, level, continuation)
    stop = StopRequest()
    is_own = continuation is None or continuation.is_own
    record = Record(session, tracker, stop, trial, {**former}, is_own=is_own, config=config_hash(session.output))
    unsigned = why_unsigned() if is_own and ranks.rank() == 0 else None
    if unsigned:
        session.console.warn(unsigned)
    with tracked(tracker), stop.listening():
        try:
            record.write(
                status="RUNNING",
                reason=None,
                mode=session.options.mode,
                overrides=former.get("overrides", list(session.composed.overrides)),
                fingerprint=report.fingerprint,
                data={"format": report.format, "division": report.division},
                tracking_uri=tracker.uri,
                weights=started,
                determinism=level.level,
                continued=former.get("continued", 0) + bool(continuation),
            )
            with stop.unmasked():
                yield record
        except BaseException as error:
            _ended_early(record, error)
            raise
    record.write(status="FINISHED")


def _tracker(
    session: Session,
    report: CheckReport,
    trial: Trial,
    weights: str | None,
    level: Determinism,
    continuation: Continuation | None,
) -> Tracker:
    if ranks.rank():
        return SilentTracker()
    options = session.options
    tags = environment_tags(Path.cwd()) | {
        "module": options.module.name,
        "dataset": options.dataset.name,
        "device": options.device.name,
        "mode": options.mode,
        "dataset.fingerprint": report.fingerprint,
        "weights": weights or "none",
        "determinism": level.level,
        "dataset.format": report.format or "its own",
        **({"dataset.division": report.division} if report.division else {}),
        **trial.tags,
    }
    # MLflow's pages sort by name: what varies in a sweep stands first there.
    varied = {f"_{key}": value for key, value in trial.params.items()}
    source = Path(options.dataset.root)
    return start_tracking(
        options.tracking,
        params=varied | {key: value for key, value in session.composed.flat.items() if not key.startswith("sweep.")},
        tags=tags,
        output=session.output,
        datasets=[
            TrackedDataset(options.dataset.name, report.fingerprint, context, source, report.statistics.get(split, {}))
            for context, split in (("train", "train"), ("validation", "val"))
        ],
        config_yaml=session.composed.yaml,
        warn=session.console.warn,
        resume=continuation is not None,
    )


def _ended_early(record: Record, error: BaseException) -> None:
    """Writes how a run ended, and says how it goes on."""
    if isinstance(error, Pruned):
        _write_end(record, "PRUNED", str(error))
        record.session.console.info(str(error))
        return
    is_killed = isinstance(error, KeyboardInterrupt | Stopped)
    reason = f"stopped by {error}" if isinstance(error, Stopped) else str(error) or type(error).__name__
    _write_end(record, "KILLED" if is_killed else "FAILED", reason)
    if ranks.rank() == 0 and is_killed:
        record.session.console.warn(f"{reason}; go on with: {resume_command(record.session.output)}")


def _write_end(record: Record, status: str, reason: str) -> None:
    try:
        record.write(status=status, reason=reason)
    except Exception as fault:  # the first error is the one to tell of
        record.session.console.warn(str(fault))
