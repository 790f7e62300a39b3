"""The run report: one file with everything in it, safe to open, and charts that tell the truth."""

from __future__ import annotations

import base64
import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from plx_train.ground.markup import MOST_CHARACTERS
from plx_train.report import (
    ChartSeries,
    Command,
    MetricChange,
    Picture,
    PrecisionRecall,
    ReportData,
    config_rows,
    metric_series,
    write_report,
)
from plx_train.report.axes import nice_ticks, number_text
from plx_train.report.charts import line_chart, precision_recall_chart, share_bar, smooth, thin_out
from plx_train.report.page import page_environment
from plx_train.report.pictures import Budget, embed, jpeg
from plx_train.report.report import render_report
from plx_train.vision.image import write_image

EVIL = '<script>alert("x")</script>'
CHECK = {
    "root": "/data/pages",
    "fingerprint": "ab" * 32,
    "codes": {"bad-json": 1, "points-outside": 1},
    "statistics": {
        "train": {"pages": 1200, "text_height": {"min": 4.0, "p50": 19.5, "max": 80.0}},
        "val": {"pages": 24, "text_height": {}},
    },
    "findings": [
        {"path": "train.txt", "line": 3, "level": "error", "code": "bad-json", "reason": f"no JSON: {EVIL}"},
        {"path": "val.txt", "line": 0, "level": "warning", "code": "points-outside", "reason": "outside"},
    ],
}


EVERY_SECTION = (
    "7 min 12 s|0.874|+0.793|−0.050|data-bound|Learning curves|Training loss|Validation|best hmean 0.8700|"
    "Precision and recall on validation|Where the time went|75.0%|green: found|gone.png|1\u2009200|"
    "19.5 (4 – 80)|no JSON|loaded 312/312 tensors|the export equals the network|engines · onnx · seconds|"
    "optimizer.lr|null|All 4 values|Run it again|3.11"
)


@pytest.fixture
def full(tmp_path: Path) -> ReportData:
    """A report with every section."""
    write_image(tmp_path / "page.png", np.full((1800, 900, 3), 200, np.uint8))
    logged = {
        "train/loss": [(step, 1 / step) for step in range(1, 200)],
        "train/loss_shrink": [(step, 0.5 / step) for step in range(1, 200)],
        "train/lr": [(1, 1e-3), (199, 0.0)],
        "val/hmean": [(0, 0.08), (100, 0.87), (199, 0.86)],
        "time/data_share": [(1, 0.1)],
        "train/epoch": [(1, 0.0)],
    }
    return ReportData(
        title=f"text_det on pages {EVIL}",
        seconds=432,
        facts={"device": "cpu"},
        metrics=(
            MetricChange("hmean", 0.0812, 0.8741, "calibrated"),
            MetricChange("recall", 0.9, 0.85, "official"),
        ),
        notes=(f"data-bound {EVIL}",),
        series=metric_series(logged, frozenset()),
        precision_recall=(PrecisionRecall("after", ((0.1, 0.99), (0.8, 0.9), (0.95, 0.6)), (0.85, 0.88)),),
        timings={"compute": 30.0, "data": 10.0},
        overlays=(Picture(f"page {EVIL}", tmp_path / "page.png"), Picture("gone", tmp_path / "gone.png")),
        overlay_legend="green: found",
        check=CHECK,
        check_pictures=(Picture("sample", tmp_path / "page.png"),),
        weights="loaded 312/312 tensors",
        parity={
            "ok": True,
            "sentence": "the export equals the network",
            "engines": [{"name": "onnx", "seconds": 0.1}],
        },
        config=config_rows(
            {"optimizer.lr": 0.1, "seed": 1, "resume": None, "x": EVIL}, {"optimizer.lr": 0.01, "seed": 1}
        ),
        environment={"python": "3.11"},
        commands=(Command("Run it again", f"python -m plx_train {EVIL}"),),
    )


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_section_is_there(full: ReportData, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", full)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    for words in EVERY_SECTION.split("|"):
        assert words in page.text, words
    assert page.tags.count("img") == 2
    assert len(page.ids) == len(set(page.ids))
    targets = {value[1:] for name, value in page.attributes if name == "href"}
    assert targets <= set(page.ids)


def test_everything_is_escaped_and_nothing_is_fetched(full: ReportData) -> None:
    text = render_report(full)
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL in page.text
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action"):
            assert value.startswith(("#", "data:image/jpeg;base64,")), value
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "http://" not in text and "https://" not in text


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_report_of_a_run_that_came_to_nothing(status: str) -> None:
    page = Page(render_report(ReportData("text_det on pages", status)))
    assert {"FAILED": "failed", "KILLED": "stopped"}[status] in page.text
    assert "section" not in page.tags and "svg" not in page.tags


def test_each_section_can_be_missing(full: ReportData, tmp_path: Path) -> None:
    light = replace(full, overlays=(Picture("gone", tmp_path / "gone.png"),), check_pictures=())
    empty = ReportData("x")
    for field in fields(ReportData):
        page = Page(render_report(replace(light, **{field.name: getattr(empty, field.name)})))
        assert {value[1:] for name, value in page.attributes if name == "href"} <= set(page.ids), field.name


def test_values_that_are_missing() -> None:
    page = Page(
        render_report(ReportData("x", metrics=(MetricChange("hmean", None, 0.5), MetricChange("mae", 9.0, None))))
    )
    assert "by this run" not in page.text and "0.5000" in page.text and "–" in page.text


def test_pictures_are_scaled_and_bounded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        write_image(tmp_path / f"{number}.jpg", rng.integers(0, 255, (2000, 1000, 3), np.uint8))
    data, width, height = jpeg(tmp_path / "0.jpg")
    assert (width, height) == (600, 1200)
    budget = Budget(int(2.5 * len(data)))
    shown = list(embed([Picture(str(n), tmp_path / f"{n}.jpg") for n in range(3)], budget))
    assert [picture.uri is not None for picture in shown] == [True, True, False]
    assert "2.jpg" in shown[2].reason
    assert budget.bytes_left >= 0


def test_a_picture_of_any_size_is_whole_on_the_page(tmp_path: Path) -> None:
    write_image(tmp_path / "noise.png", np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8))
    page = Page(render_report(ReportData("x", overlays=(Picture("noise", tmp_path / "noise.png"),))))
    (address,) = [value for name, value in page.attributes if name == "src"]
    data = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"), validate=True)
    assert len(data) > MOST_CHARACTERS and data == jpeg(tmp_path / "noise.png")[0]
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (300, 200, 3)


def test_no_words_pass_for_a_picture() -> None:
    template = page_environment().from_string("{{ address | picture }}")
    for words in ('data:image/png;base64,QQ=="onload="alert()', "javascript:alert()", "data:text/html;base64,QQ=="):
        with pytest.raises(ValueError, match="is no picture of ours"):
            template.render(address=words)


def svg(figure: str) -> ElementTree.Element:
    return ElementTree.fromstring(figure)


def path_points(figure: str, css: str) -> list[tuple[float, float]]:
    (line,) = [path for path in svg(figure).iter("path") if path.get("class") == css]
    pairs = re.findall(r"(-?[\d.]+) (-?[\d.]+)", line.get("d", ""))
    return [(float(x), float(y)) for x, y in pairs]


def test_line_chart_draws_what_it_is_given() -> None:
    values = (0.0, 0.25, math.nan, 1.0)
    figure = line_chart("Loss & more", [ChartSeries("loss", (0, 10, 20, 40), values, "g")])
    points = path_points(figure, "line s0")
    assert len(points) == 3
    (x0, y0), (x1, y1), (x2, y2) = points
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=0.01)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(0.25, abs=0.01)
    assert y2 < y0
    texts = [element.text for element in svg(figure).iter() if element.text]
    assert "loss 0.25 at step 10" in texts and "Loss & more" in texts
    assert svg(figure).find(".//desc") is not None


def test_noisy_lines_show_raw_values_and_their_mean() -> None:
    values = (*(2.0 + (-1) ** step for step in range(400)), 90.0)
    figure = line_chart("t", [ChartSeries("loss", tuple(range(401)), values, "g", is_noisy=True)])
    raw, mean = path_points(figure, "line raw s0"), path_points(figure, "line s0")
    assert min(y for _, y in raw) < 0, "a spike leaves the chart"
    spread = [y for _, y in mean[100:-5]]
    assert max(spread) - min(spread) < 0.2 * (max(y for _, y in raw) - sorted(y for _, y in raw)[1])


@pytest.mark.parametrize("values", [(0.5,), (3.0, 3.0), (0.0, 0.0), (-1.0, -2.0), (1e-9, 1e9)])
def test_odd_values_make_a_chart(values: tuple[float, ...]) -> None:
    svg(line_chart("t", [ChartSeries("s", tuple(range(len(values))), values, "t", is_sparse=True)]))


def test_charts_of_nothing_are_nothing() -> None:
    assert line_chart("t", [ChartSeries("s", (1,), (math.nan,), "t")]) == ""
    assert precision_recall_chart("t", [PrecisionRecall("s", ())]) == ""
    assert share_bar({"data": 0.0}) == ""


def test_precision_recall_zooms_in_where_all_is_good() -> None:
    good = precision_recall_chart("t", [PrecisionRecall("a", ((0.9, 0.99), (0.97, 0.9)), (0.95, 0.95))])
    poor = precision_recall_chart("t", [PrecisionRecall("a", ((0.1, 0.99), (0.97, 0.1)))])
    assert ">0.8<" in good and ">0.2<" not in good
    assert ">0.2<" in poor


def test_shares_add_up() -> None:
    bar = share_bar({"compute": 90.0, "data <x>": 9.0, "log": 1.0})
    assert "90.0%" in bar and "9.0%" in bar and "data &lt;x&gt;" in bar


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (3, 97, [20, 40, 60, 80]),
        (0.94, 0.97, [0.94, 0.95, 0.96, 0.97]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
        (5, 5, [5]),
    ],
)
def test_nice_ticks(low: float, high: float, expected: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(expected)


def test_number_text() -> None:
    shown = {0: "0", 0.25: "0.25", 3e-4: "3e-4", 123456: "1.23e5", -0.5: "-0.5", 1500: "1500"}
    assert {value: number_text(value) for value in shown} == shown


def test_smooth_and_thin_out() -> None:
    assert smooth([5.0] * 30) == pytest.approx([5.0] * 30)
    points = [(float(x), 0.0) for x in range(10_000)]
    points[4321] = (4321.0, 9.0)
    thin = thin_out(points)
    assert len(thin) <= 700 and (4321.0, 9.0) in thin


def test_metric_series() -> None:
    logged = {
        "train/gradient_norm": [(1, 2.0)],
        "val/hmean": [(0, 0.1), (5, 0.4), (5, 0.5)],
        "val/hmean_official": [(0, 0.1)],
        "train/lr": [(1, 0.1)],
        "train/shrink": [(1, 2.0)],
        "train/whole": [(1, 3.0)],
        "train/loss": [(1, 3.0)],
        "train/epoch": [(1, 0.0)],
        "time/data_share": [(1, 0.1)],
        "system/cpu": [(1, 9.0)],
    }
    found = metric_series(logged, frozenset())
    assert [(one.group, one.name) for one in found] == [
        ("Training loss", "loss"),
        ("Training loss", "shrink"),
        ("Validation", "hmean"),
        ("Validation", "hmean, official"),
        ("Learning rate", "lr"),
        ("Gradient norm", "Gradient norm"),
    ]
    assert found[2].values == (0.1, 0.5)
    assert found[3].variant_of == "hmean"


def test_variants_are_dashed_in_the_same_colour() -> None:
    first = ChartSeries("hmean", (0, 1), (0.1, 0.2), "t")
    series = [
        first,
        ChartSeries("recall", (0, 1), (0.3, 0.4), "t"),
        replace(first, name="old", variant_of="hmean"),
    ]
    classes = [path.get("class") for path in svg(line_chart("t", series)).iter("path")]
    assert classes == ["line s0 dashed", "line s1", "line s0"]
