"""mode=doctor: looks the machine over, as a table or as JSON, and packs it up for a bug report."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.doctor import FAIL, Check, diagnose, last_run, to_json, worst, write_bundle
from plx_train.ground.characters import json_text
from plx_train.ground.errors import UserError
from plx_train.ground.files import resolve_path
from plx_train.runs.folder import OUTPUTS
from plx_train.runs.result import RunResult
from plx_train.terminal.console import aligned, make_console
from plx_train.terminal.streams import deliver, say, say_error
from plx_train.terminal.words import shown
from plx_train.tracking import resolve_uri


def run(composed: Composed) -> RunResult:
    """Leaves no run's folder behind; the exit code is 1 if something will not work.

    Raises:
        UserError: the run to pack up is not there, or the bundle can't be written.
    """
    options = composed.options
    output = resolve_path(options.output or OUTPUTS)
    packed = last_run(resolve_path(options.run) if options.run else output)
    if options.run and packed is None:
        raise UserError(f"run={options.run} holds no run: give the folder of one, with its config.yaml")
    uri = resolve_uri(options.tracking.uri) if options.tracking.backend == "mlflow" else None
    checks = diagnose(output, uri, options.device)
    console = make_console(quiet=options.quiet)
    if options.doctor.json:
        deliver(json_text(to_json(checks), indent=1))
    else:
        console.table("plx_train doctor", ["", "check", "found"], [_row(check) for check in checks])
    if options.doctor.bundle:
        target = resolve_path(options.doctor.bundle)
        names = write_bundle(target, to_json(checks), aligned([_row(check) for check in checks]), packed)
        said = f"{target}: {', '.join(names)}; without secrets and names, as far as known: look it through"
        (say_error if options.doctor.json else say)(shown(said))
    counts = {status: float(sum(check.status == status for check in checks)) for status in ("ok", "warn", "fail")}
    return RunResult("doctor", output, counts, exit_code=1 if worst(checks) == FAIL else 0)


def _row(check: Check) -> tuple[str, str, str]:
    return check.status, check.name, f"{check.detail} → {check.hint}" if check.hint else check.detail
