"""What shows a sweep: numbers worked out by hand, a table that fits, and a page that is safe to open."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from plx_train.report.axes import Categories, CountScale, LogScale, log_ticks, shortened
from plx_train.sweep.record import COMPLETE, FAILED, PRUNED, RUNNING, Job, Objective, SweepRecord, TrialRecord
from plx_train.sweep.shown.charts import clamped, curves_chart, frontier_chart, history_chart, value_scale
from plx_train.sweep.shown.effort import merged, saved_by_pruning, spent_seconds, utilisation
from plx_train.sweep.shown.importance import kept_importances, parameter_importances
from plx_train.sweep.shown.param_axis import param_axes
from plx_train.sweep.shown.ranking import best_so_far, count_states, leaders, ranked, within_spread
from plx_train.sweep.shown.report import render_sweep_report, write_sweep_report
from plx_train.sweep.shown.space_charts import parallel_chart, slice_charts
from plx_train.sweep.shown.table import show_sweep, sweep_tables
from plx_train.sweep.shown.timeline import OpenTime, timeline_chart
from plx_train.sweep.shown.wording import number_like, param_text, short_keys, value_text, verdict
from plx_train.terminal.console import PlainConsole, RichTerminal

distributions = pytest.importorskip("optuna").distributions
NOW = 2000.0
EVIL = '"><script>alert(1)</script>&'
LR = distributions.FloatDistribution(1e-4, 1e-1, log=True)
AUGMENT = distributions.CategoricalDistribution(["none", "light", "strong"])


def job(slot: str, *spans: tuple[float, float | None], epochs: float = 10.0, seed: int | None = None) -> Job:
    return Job(seed, slot, spans, Path("trials/x"), epochs=epochs, planned_epochs=10.0)


def trial(number: int, *values: float, state: str = COMPLETE, **more: Any) -> TrialRecord:
    more.setdefault("params", {"optimizer.lr": 10 ** (-4 + number % 4), "dataset.augment": "strong"})
    more.setdefault("command", f"python -m plx_train seed={number}")
    return TrialRecord(number, state, values=values or None, **more)


def sweep(trials: Sequence[TrialRecord], metrics: str = "val/hmean", **more: Any) -> SweepRecord:
    names = [Objective(*name.split(":")) for name in metrics.split()]
    more = {"space": {"optimizer.lr": LR, "dataset.augment": AUGMENT}, "slots": ("gpu:0", "gpu:1"), **more}
    more = {"num_trials": len(trials), "sampler": "tpe", "pruner": "median", **more}
    return SweepRecord(
        "sweep", Path("sweeps/x"), "python -m plx_train", objectives=tuple(names), trials=tuple(trials), **more
    )


def noisy(number: int) -> float:
    return math.sin(7.3 * number) * 0.001


def search(count: int = 40) -> SweepRecord:
    """A sweep in which the learning rate decides, every third trial is pruned and every tenth fails."""
    trials = []
    for number in range(count):
        params = {
            "optimizer.lr": 10 ** (-4 + 3 * (number * 0.618 % 1)),
            "dataset.augment": ("none", "strong")[number % 2],
        }
        value = 0.9 - 0.1 * (math.log10(params["optimizer.lr"]) + 2.5) ** 2 + noisy(number)
        curve = tuple((step, value * step / 10) for step in range(1, 11))
        run = job(f"gpu:{number % 2}", (number // 2 * 10.0, number // 2 * 10.0 + 9))
        more: dict[str, Any] = {"params": params, "jobs": (run,), "curve": curve}
        if number % 10 == 9:
            trials.append(trial(number, state=FAILED, reason="out of memory\nat step 3", **more))
        elif number % 3 == 2:
            trials.append(
                trial(
                    number,
                    state=PRUNED,
                    reason="0.4123 at step 4, below the median of all trials before it: 0.5",
                    **{**more, "curve": curve[:4]},
                )
            )
        else:
            trials.append(trial(number, value, **more))
    return sweep(trials)


def test_best_so_far_follows_the_direction_and_skips_what_has_no_value() -> None:
    trials = [trial(0, 0.5), trial(1, state=FAILED), trial(2, 0.7), trial(3, 0.6), trial(4, math.nan), trial(5, 0.8)]

    assert best_so_far(sweep(trials)) == ((0, 0.5), (2, 0.7), (3, 0.7), (5, 0.8))
    assert best_so_far(sweep(trials, "val/mae:minimize")) == ((0, 0.5), (2, 0.5), (3, 0.5), (5, 0.5))
    assert leaders(sweep(trials))[0].number == 5


def test_ranked_puts_values_first_and_failures_last() -> None:
    trials = [
        trial(0, state=FAILED, reason="x"),
        trial(1, 0.5),
        trial(2, state=PRUNED, curve=((1, 0.1),)),
        trial(3, 0.7),
        trial(4, state=PRUNED, curve=((1, 0.3),)),
        trial(5, state=RUNNING),
    ]

    assert [one.number for one in ranked(sweep(trials))] == [3, 1, 5, 4, 2, 0]
    assert count_states(sweep(trials, num_trials=9)) == {
        "complete": 2,
        "running": 1,
        "pruned": 2,
        "failed": 1,
        "waiting": 3,
    }


def test_the_frontier_leads() -> None:
    trials = [trial(0, 0.9, 30.0), trial(1, 0.8, 10.0), trial(2, 0.85, 35.0), trial(3, 0.7, 10.0), trial(4, 0.86, 20.0)]
    record = sweep(trials, "val/hmean benchmark/ms:minimize")

    assert [one.number for one in leaders(record)] == [0, 4, 1]
    assert [one.number for one in ranked(record)] == [0, 4, 1, 2, 3]
    assert verdict(record).startswith("3 trials make up the frontier (trials 0, 4 and 1)")
    figure = frontier_chart(record)
    assert figure.count('class="spot winner"') == 3 and figure.count('class="spot complete"') == 2


def test_within_the_winners_spread() -> None:
    spreads = (0.02,)
    trials = [
        trial(0, 0.80, spreads=spreads),
        trial(1, 0.79, spreads=(0.5,)),
        trial(2, 0.77, spreads=(0.5,)),
        trial(3, 0.785, spreads=spreads),
    ]
    record = sweep(trials, seeds=3)

    assert [one.number for one in within_spread(record)] == [1, 3]
    assert "Trials 1 and 3 lie within the spread of its 3 seeds: not distinguishable." in verdict(record)
    assert within_spread(replace(record, seeds=1)) == ()
    assert "No other trial comes within" in verdict(sweep([*trials[:1], trials[2]], seeds=3))


def test_utilisation_by_hand() -> None:
    # Open from 0 to 100 and, after a pause of 900 s, from 1000 to 1100: 200 s for each of two slots.
    trials = [
        trial(0, 0.5, jobs=(job("gpu:0", (0.0, 100.0)),)),
        trial(1, 0.5, jobs=(job("gpu:1", (20.0, 80.0), (1000.0, 1040.0)),)),
        trial(2, 0.5, jobs=(job("gpu:0", (1000.0, 1030.0)),)),
        trial(3, state=RUNNING, jobs=(job("gpu:0", (1050.0, None)),)),
    ]
    use = utilisation(sweep(trials), now=1100.0)

    assert use is not None
    assert (use.wall_seconds, use.interruptions, use.open_seconds) == (1100.0, ((100.0, 1000.0),), 200.0)
    assert use.busy_by_slot == {"gpu:0": 180.0, "gpu:1": 100.0}
    assert use.busy_share == pytest.approx(280 / 400) and use.idle_share == pytest.approx(120 / 400)
    assert use.idle_share_of("gpu:0") == pytest.approx(0.1) and use.idle_share_of("gpu:1") == pytest.approx(0.5)


def test_a_short_pause_is_idleness_and_a_slot_without_runs_counts() -> None:
    trials = [trial(0, 0.5, jobs=(job("gpu:0", (0.0, 40.0)),)), trial(1, 0.5, jobs=(job("gpu:0", (60.0, 100.0)),))]
    use = utilisation(sweep(trials), NOW)

    assert use is not None and use.interruptions == ()
    assert use.busy_by_slot == {"gpu:0": 80.0, "gpu:1": 0.0} and use.busy_share == pytest.approx(0.4)
    assert utilisation(sweep([trial(0, state="waiting")]), NOW) is None


def test_spans_that_overlap_count_once() -> None:
    assert merged([(5, 9), (0, 2), (1, 3), (3, 4)]) == [(0, 4), (5, 9)]
    assert spent_seconds(trial(0, jobs=(job("a", (0.0, 5.0), (10.0, None)), job("b", (0.0, 5.0)))), 12.0) == 12.0


def test_saved_by_pruning_by_hand() -> None:
    # With two seeds each trial is planned for 20 epochs; 3 and 8 of them were spent: 17 and 12 saved.
    trials = [
        trial(0, 0.5, jobs=(job("a", seed=0), job("a", seed=1))),
        trial(1, state=PRUNED, jobs=(job("a", epochs=3.0, seed=0),)),
        trial(2, state=PRUNED, jobs=(job("a", epochs=4.0, seed=0), job("a", epochs=4.0, seed=1))),
        trial(3, state=PRUNED, jobs=(replace(job("a", epochs=1.0), planned_epochs=None),)),
        trial(4, state=FAILED, jobs=(job("a", epochs=2.0),)),
    ]
    savings = saved_by_pruning(sweep(trials, seeds=2))

    assert (savings.saved, savings.spent, savings.num_trials, savings.num_unknown) == (29.0, 34.0, 2, 1)
    assert savings.share == pytest.approx(29 / 63)
    assert saved_by_pruning(sweep([])).share == 0.0


def test_importances_find_what_decides() -> None:
    found = parameter_importances(search())

    assert list(found.shares) == ["optimizer.lr", "dataset.augment"]
    assert sum(found.shares.values()) == pytest.approx(1.0) and found.shares["optimizer.lr"] > 0.8
    assert "complete trials" in found.remark


def test_importances_of_the_same_trials_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = replace(search(), folder=tmp_path)
    found = kept_importances(record)
    computed = [found, replace(found, remark="computed anew")]
    monkeypatch.setattr("plx_train.sweep.shown.importance.parameter_importances", lambda record: computed[-1])

    assert kept_importances(record) == found == parameter_importances(record)
    assert kept_importances(replace(record, trials=record.trials[:-4])).remark == "computed anew"
    (tmp_path / "importances.json").write_text("{")
    assert kept_importances(record).remark == "computed anew"


def test_importances_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.sweep.shown.importance.find_spec", lambda name: None)
    found = parameter_importances(search())

    assert found.shares["optimizer.lr"] > 0.8 and "PED-ANOVA" in found.remark


@pytest.mark.parametrize("named", [False, True])
def test_importances_of_forty_choices_take_no_minutes(named: bool) -> None:
    # fANOVA takes time that doubles with each choice: a sweep over forty seeds ended eight minutes after its last run.
    choices: list[Any] = [f"set {number}" if named else number for number in range(40)]
    space = {"optimizer.lr": LR, "seed": distributions.CategoricalDistribution(choices)}
    values = [10 ** (-4 + 3 * (number * 0.618 % 1)) for number in range(40)]
    trials = [
        trial(number, math.log10(lr), params={"optimizer.lr": lr, "seed": choices[number]})
        for number, lr in enumerate(values)
    ]
    began = time.process_time()
    found = parameter_importances(sweep(trials, space=space))
    assert time.process_time() - began < 20
    assert list(found.shares) == ["optimizer.lr", "seed"] and sum(found.shares.values()) == pytest.approx(1.0)


def test_a_parameter_that_changed_alone_has_all_importance() -> None:
    seeds = distributions.CategoricalDistribution(list(range(40)))
    trials = [trial(number, noisy(number), params={"seed": number}) for number in range(40)]
    found = parameter_importances(sweep(trials, space={"seed": seeds}))

    assert found.shares == {"seed": 1.0} and "seed alone" in found.remark


@pytest.mark.parametrize(
    ("record", "remark"),
    [
        (search(6), "at least 8 complete trials; so far: 4"),
        (sweep([trial(number, 0.5) for number in range(9)]), "same value"),
        (sweep([trial(number, noisy(number), params={}) for number in range(9)]), "No parameter took several values"),
    ],
)
def test_importances_say_why_there_are_none(record: SweepRecord, remark: str) -> None:
    found = parameter_importances(record)

    assert found.shares == {} and remark in found.remark


def test_conditional_parameters_are_left_out_of_importances() -> None:
    record = search()
    trials = [
        replace(one, params={**one.params, "gamma": 2.0} if one.number % 2 else one.params) for one in record.trials
    ]
    space = {**record.space, "gamma": distributions.FloatDistribution(0, 4)}
    found = parameter_importances(replace(record, trials=tuple(trials), space=space))

    assert "gamma" not in found.shares and found.remark.endswith("gamma.")


def test_words() -> None:
    assert short_keys(["optimizer.lr", "a.lr", "network.name", "x"]) == {
        "optimizer.lr": "optimizer.lr",
        "a.lr": "a.lr",
        "network.name": "network.name",
        "x": "x",
    }
    assert short_keys(["optimizer.lr", "module.loss.name", "name"])["module.loss.name"] == "loss.name"
    assert [param_text(value) for value in (None, True, 3, 0.00012345, "x")] == ["null", "true", "3", "1.23e-4", "x"]
    assert value_text(0.87654, 0.01) == "0.8765 ± 0.0100" and value_text(28.1134, 0.0858) == "28.11 ± 0.09"
    assert number_like(0.00991, 0.85) == "0.0099" and value_text(1234567.0) == "1.23e6"


def told(record: SweepRecord, width: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_sweep(PlainConsole(), record, NOW, width)
    return capsys.readouterr().out.splitlines()


def test_table_text(capsys: pytest.CaptureFixture[str]) -> None:
    trials = [
        trial(0, 0.8, jobs=(job("gpu:0", (0.0, 65.0)),)),
        trial(1, 0.9, jobs=(job("gpu:1", (0.0, 3725.0)),)),
        trial(2, state=FAILED, reason="out of memory\nTraceback", jobs=(job("gpu:0", (70.0, 80.0), epochs=0.5),)),
    ]
    lines = told(sweep(trials), 100, capsys)

    assert lines == [
        "3 trials: 2 complete, 1 failed",
        "  trial  state     hmean   lr     augment  epochs  time     reason",
        "  1      complete  0.9000  0.001  strong   10      1:02:05",
        "  0      complete  0.8000  1e-4   strong   10      1:05",
        "  2      failed    –       0.01   strong   0.5     0:10     out of memory",
        "Trial 1 is best: val/hmean 0.9000.",
        "failed, trial 2: out of memory",
        "trial 1 (val/hmean 0.9000):",
        "  python -m plx_train seed=1",
    ]


def many_parameters(record: SweepRecord, number: int = 12) -> SweepRecord:
    more = {f"module.head.parameter_{index}": distributions.FloatDistribution(0, 1) for index in range(number)}
    trials = [replace(one, params={**one.params, **dict.fromkeys(more, 0.123456)}) for one in record.trials]
    return replace(record, space={**record.space, **more}, trials=tuple(trials))


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("prepare", [lambda record: record, many_parameters], ids=["two", "fourteen"])
def test_table_fits_the_width(width: int, prepare: Callable[[SweepRecord], SweepRecord]) -> None:
    from rich.console import Console

    record = prepare(search(20))
    tables = sweep_tables(record, NOW, width)
    terminal = RichTerminal()
    terminal._out = Console(file=(out := StringIO()), width=1000)
    for table in tables:
        terminal.table("", table.columns, table.rows)

    assert sum(len(table.rows) for table in tables) == 20
    assert max(len(line.rstrip()) for line in out.getvalue().splitlines()) <= width
    assert "lr" in tables[0].columns


def test_table_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(many_parameters(search()), 80, capsys)

    assert "… 20 more in the report" in lines
    assert any(line.startswith("not shown for lack of width: parameter_") for line in lines)
    assert told(sweep([]), 80, capsys)[0] == "0 trials"


def test_scales() -> None:
    assert log_ticks(1e-4, 1e-1) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert log_ticks(3, 70) == pytest.approx([5, 10, 20, 50])
    assert log_ticks(0.41, 0.47) and all(0.41 <= tick <= 0.47 for tick in log_ticks(0.41, 0.47))
    assert LogScale(1e-4, 1e-2, 0, 100)(1e-3) == pytest.approx(50)
    assert [text for _, text in CountScale(-0.5, 2.5, 0, 100).ticks(7)] == ["0", "1", "2"]
    assert Categories(("a", "b"), 0, 100)("b") == 75
    assert shortened("abcdefghij", 5) == "ab…ij" and shortened("abc", 3) == "abc"


def test_axes_follow_the_distributions() -> None:
    space = {
        "log": LR,
        "count": distributions.IntDistribution(1, 8),
        "grid": distributions.CategoricalDistribution([0.3, 0.1, 0.2]),
    }
    record = sweep(
        [trial(0, 0.5, params={"log": 1e-2, "count": 4, "grid": 0.2, "x": 1}), trial(1, 0.5, params={})], space=space
    )
    log, count, grid = param_axes(record, 0, 100)

    assert isinstance(log.scale, LogScale) and isinstance(count.scale, CountScale)
    assert isinstance(grid.scale, Categories) and grid.scale.names == ("0.1", "0.2", "0.3")
    assert log.pixel(record.trials[0]) == pytest.approx(66.2, abs=0.1) and grid.pixel(record.trials[0]) == 50
    assert log.pixel(record.trials[1]) is None and log.pixel(trial(2, params={"log": "auto"})) is None


def test_very_bad_values_lie_outside() -> None:
    scale = value_scale([0.8, 0.81, 0.82, 0.83, 0.84, 0.01], 1, 200, 0)
    down = value_scale([2.0, 2.1, 2.2, 2.3, 900.0], -1, 200, 0)

    assert scale.low > 0.7 and clamped(scale, 0.01) == (200.0, True) and not clamped(scale, 0.84)[1]
    assert down.high < 3 and clamped(down, 900.0) == (0.0, True) and not clamped(down, 2.0)[1]


def test_time_jumps_over_interruptions() -> None:
    x = OpenTime(0.0, ((100.0, 1000.0),), 2.0)

    assert x(50) - x(0) == 100 and x(1000) - x(100) == 22 and x(1010) - x(1000) == 20


def test_many_interruptions_leave_room_for_what_ran() -> None:
    runs = [trial(n, 0.5, jobs=(job("gpu:0", (1000.0 * n, 1000.0 * n + 9)),)) for n in range(100)]
    figure = timeline_chart(sweep(runs), NOW)
    bars = re.findall(r'class="job [a-z]+" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', figure)

    assert len(bars) == 100 and max(float(x) + float(width) for x, width in bars) <= 900.1


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


def hostile() -> SweepRecord:
    """Everything that is shown is an attack."""
    names = distributions.CategoricalDistribution([EVIL, "tame"])
    trials = [
        trial(
            number, 0.5 + number / 100, params={f"a.{EVIL}": EVIL if number % 2 else "tame", "lr": 0.01}, command=EVIL
        )
        for number in range(9)
    ]
    run = job(f"gpu{EVIL}", (0.0, 5.0))
    trials.append(trial(9, state=FAILED, reason=EVIL, jobs=(run,), curve=((0, 0.1), (1, 0.2))))
    trials.append(trial(10, state=PRUNED, reason=EVIL, jobs=(run,), curve=((0, 0.1), (1, 0.2))))
    record = sweep(trials, f"val/{EVIL}", space={f"a.{EVIL}": names, "lr": LR}, notes=(EVIL,), run_id=EVIL)
    return replace(record, sweep_id=EVIL, command=EVIL, folder=Path(EVIL), sampler=EVIL, pruner=EVIL)


@pytest.mark.parametrize("metrics", ["val/hmean", "val/hmean benchmark/ms:minimize"])
def test_hostile_texts_stay_texts_and_nothing_is_fetched(metrics: str) -> None:
    record = hostile()
    if " " in metrics:
        trials = [replace(one, values=(*one.values, 3.0)) if one.values else one for one in record.trials]
        record = replace(
            record, trials=tuple(trials), objectives=(*record.objectives, Objective(f"ms {EVIL}", "minimize"))
        )
    text = render_sweep_report(record, NOW)
    page = Page(text)

    assert page.tags.count("script") == 1 and EVIL in page.text
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"https?://|@import|url\((?!#hatch\))", text)
    for name, value in page.attributes:
        assert name not in ("src", "srcset", "action") and (name != "href" or value.startswith("#"))


CASES: dict[str, Callable[[], SweepRecord]] = {
    "nothing at all": lambda: sweep([], num_trials=5),
    "one trial": lambda: search(1),
    "three trials": lambda: search(3),
    "no complete trial": lambda: sweep([replace(one, state=FAILED, values=None) for one in search(4).trials]),
    "only waiting": lambda: sweep([trial(0, state="waiting", params={})]),
    "values that are not finite": lambda: sweep([trial(0, math.nan), trial(1, math.inf), trial(2, 0.5), trial(3, 0.6)]),
    "equal values": lambda: sweep([trial(number, 0.0) for number in range(10)]),
    "many parameters": lambda: many_parameters(search()),
    "no parameters": lambda: replace(search(), space={}),
    "parameters that come and go": lambda: sweep(
        [trial(number, noisy(number), params={"optimizer.lr": 0.01} if number % 2 else {}) for number in range(12)]
    ),
    "values out of the space": lambda: sweep(
        [
            trial(n, 0.1 * n, params={"optimizer.lr": (-1.0, 5.0, "auto", None)[n], "dataset.augment": n})
            for n in range(4)
        ]
    ),
    "three objectives": lambda: sweep([trial(n, 0.1 * n, 1.0 - n, 3.0) for n in range(10)], "a b c:minimize", seeds=2),
    "seeds": lambda: sweep(
        [trial(n, 0.1 * n, 2.0 * n, spreads=(0.1, 0.2)) for n in range(10)], "a b:minimize", seeds=2
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_sweep_has_a_report_and_a_table(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    record = CASES[case]()
    page = Page(render_sweep_report(record, NOW))

    assert told(record, 80, capsys)
    ids = {value for name, value in page.attributes if name == "id"}
    assert {value[1:] for name, value in page.attributes if name == "href"} <= ids
    drawn = [value for name, value in page.attributes if name in ("d", "x", "y", "cx", "cy", "x1", "y1", "width")]
    assert not [value for value in drawn if "nan" in value or "inf" in value]


def test_report_shows_what_happened(tmp_path: Path) -> None:
    record = search()
    path = write_sweep_report(record, tmp_path / "report.html", NOW)
    page = Page(path.read_text("utf-8"))

    assert list(tmp_path.iterdir()) == [path]
    best = leaders(record)[0]
    for words in (
        f"Trial {best.number} is best",
        best.command,
        "Value of each trial",
        "Learning curves",
        "Importance for val/hmean",
        "Parameters of every trial",
        "Slots: 90% busy, 10% idle",
        "Failed trials",
        "out of memory\nat step 3",
        "All trials",
    ):
        assert words in page.text, words
    assert page.tags.count("tr") > 40
    assert f"optimizer.lr = {param_text(best.params['optimizer.lr'], 6)}" in page.text


def test_charts_show_every_trial() -> None:
    record = search()
    states = count_states(record)

    history = history_chart(record)
    assert history.count('class="spot') == states["complete"] + states["pruned"]
    assert history.count('class="cross"') == states["failed"]
    assert curves_chart(record).count('class="curve') == 40
    parallel = parallel_chart(record)
    assert parallel.count('class="strand pruned"') == states["pruned"] and parallel.count('class="strand winner"') == 1
    assert [chart.count('class="spot') for chart in slice_charts(record)] == [states["complete"]] * 2
    assert timeline_chart(record, NOW).count('class="job') == 40


def test_four_hundred_trials_stay_quick() -> None:
    record = search(400)
    began = time.perf_counter()
    for chart in (history_chart(record), curves_chart(record), parallel_chart(record), timeline_chart(record, NOW)):
        assert len(chart) < 600_000

    assert time.perf_counter() - began < 5


def test_a_report_that_can_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()

    with pytest.raises(OSError):
        write_sweep_report(search(3), tmp_path / "report.html", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
