"""Datasets of a studio: brought, checked, mended, audited; the data themselves stay as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.exporters import class_folders, picture
from kit.studios import StudioProcess, brought, checked, studio_in


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.long
def test_a_folder_is_checked_and_mended_beside_its_files(studio: StudioProcess, home: Path) -> None:
    root = class_folders(home / "my pets", ("cat", "horse"), 6, ("train", "val"))
    (root / "train" / "hrose").mkdir()
    picture(root / "train" / "hrose" / "a.png", 901)
    cut = sorted((root / "train" / "cat").iterdir())[0]
    cut.write_bytes(cut.read_bytes()[:-30])
    before = files_of(root)
    name = studio.post("/api/data", {"root": str(root)})["name"]
    assert name == "my_pets" and studio.post("/api/data", {"root": str(root)})["name"] == name
    fitting = studio.get(f"/api/data/{name}/fitting")["modules"]
    assert fitting[0]["name"] == "image_cls" and fitting[0]["fits"] and "one folder per class" in fitting[0]["words"]
    assert not any(one["fits"] for one in fitting if one["kind"] != "class")
    studio.post(f"/api/data/{name}/module", {"module": "image_cls"})
    one = checked(studio, name)
    assert one["check"]["num_errors"] == 1 and one["check"]["format"] == "folders" and one["kind"] == "class"
    near = {each["name"]: (each["count"], each["near"]) for each in one["classes"]}
    assert near == {"cat": (12, None), "horse": (12, None), "hrose": (1, "horse")}
    faulty, *_ = studio.get(f"/api/data/{name}/findings")["groups"]
    image = cut.relative_to(root).as_posix()
    assert (faulty["level"], faulty["items"][0]["image"]) == ("error", image)

    studio.post(f"/api/data/{name}/labels", {"entries": [{"image": image, "leave_out": True}]})
    assert studio.post(f"/api/data/{name}/rename", {"name": "hrose", "into": "horse"}) == {"images": 1}
    told = studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "val/cat/0.png", "truth": "fox"}]})
    assert told["classes"] == ["cat", "horse", "hrose", "fox"] and told["rows"][0]["was"] == "cat"
    assert studio.get(f"/api/data/{name}")["isNewer"]
    one = checked(studio, name)
    assert one["check"]["num_errors"] == 0 and not one["isNewer"] and len(one["versions"]) == 2
    assert "2 corrected, 1 left out by corrections.json" in one["check"]["division"]
    assert one["versions"][0]["fingerprint"] != one["versions"][1]["fingerprint"]
    assert f"'dataset.root={root.relative_to(home)}'" in one["command"]
    # What a label said before it was corrected is known after the check that took the correction in.
    undone = studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "val/cat/0.png"}, {"image": image}]})
    assert [(row["truth"], row["state"]) for row in undone["rows"]] == [("cat", "labelled")] * 2
    assert checked(studio, name)["check"]["num_errors"] == 1
    assert files_of(root) == before


def test_all_with_a_fault_are_left_out_at_once(studio: StudioProcess, home: Path) -> None:
    root = class_folders(home / "broken", ("a", "b"), 6)
    for path in (root / "a" / "0.png", root / "b" / "3.png"):
        path.write_bytes(path.read_bytes()[:-30])
    name = brought(studio, root, "image_cls")
    checked(studio, name)
    group = studio.get(f"/api/data/{name}/findings")["groups"][0]
    assert (group["level"], group["images"]) == ("error", 2)
    assert studio.post(f"/api/data/{name}/leave_out", {"code": group["code"]}) == {"images": 2}
    group = studio.get(f"/api/data/{name}/findings")["groups"][0]
    assert (group["open"], group["images"]) == (0, 0)
    assert studio.post(f"/api/data/{name}/leave_out", {"code": group["code"]}) == {"images": 0}
    assert checked(studio, name)["check"]["num_errors"] == 0


def test_pictures_are_small_and_of_the_dataset_alone(studio: StudioProcess, home: Path) -> None:
    root = class_folders(home / "shown", ("a", "b"), 3)
    (home / "secret.png").write_bytes(picture(home / "other.png", 1).read_bytes())
    (root / "a" / "link.png").symlink_to(home / "secret.png")
    name = brought(studio, root, "image_cls")
    checked(studio, name)
    status, content = studio.request("GET", f"/api/data/{name}/thumbnail?image=a/0.png&size=180")
    assert status == 200 and cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (24, 24, 3)
    for wrong in ("image=../secret.png", "image=a/link.png", f"image={home}/secret.png", "image=a/0.png&size=7"):
        assert studio.request("GET", f"/api/data/{name}/thumbnail?{wrong}")[0] == 400
    kept = len(list((home / "studio" / "data" / name / "thumbnails").iterdir()))
    studio.request("GET", f"/api/data/{name}/thumbnail?image=a/0.png&size=180")
    assert len(list((home / "studio" / "data" / name / "thumbnails").iterdir())) == kept == 1


def test_folders_without_labels_are_labelled(studio: StudioProcess, home: Path) -> None:
    root = home / "raw"
    for number in range(6):
        picture(root / f"{number}.png", number)
    name = brought(studio, root, "image_cls")
    one = checked(studio, name)
    assert one["counts"]["unlabelled"] == 6 and one["kind"] == "class"
    line = studio.get(f"/api/data/{name}/line")
    assert line["choice"] == "unlabelled" and line["images"] == [f"{number}.png" for number in range(6)]
    for number in range(6):
        entry = {"image": f"{number}.png", "truth": ("sun", "moon")[number % 2]}
        studio.post(f"/api/data/{name}/labels", {"entries": [entry]})
    one = checked(studio, name)
    assert one["check"]["num_errors"] == 0
    assert one["check"]["division"] == "4 train, 2 val, split here by class; 6 added by corrections.json"


def test_a_label_that_is_none_is_refused_and_nothing_is_written(studio: StudioProcess, home: Path) -> None:
    name = brought(studio, class_folders(home / "strict", ("a", "b"), 3), "image_cls")
    checked(studio, name)
    good = {"image": "a/0.png", "truth": "b"}
    for wrong in (
        {"image": "a/9.png", "truth": "b"},
        {"image": "a/1.png", "truth": ["b"]},
        {"image": "a/1.png", "truth": " "},
        {"image": "a/1.png", "truth": "b", "more": 1},
        {"image": "a/1.png", "truth": [{"label": "b", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}]},
    ):
        studio.post(f"/api/data/{name}/labels", {"entries": [good, wrong]}, expected=400)
    assert not (home / "studio" / "data" / name / "corrections.json").exists()
    studio.post("/api/data", {"root": "/"}, expected=400)
    studio.post("/api/data/nothing/check", expected=400)
    assert studio.request("GET", "/api/data/..%2f..")[0] in (400, 404)


def test_boxes_are_drawn_and_classes_brought_along(studio: StudioProcess, home: Path) -> None:
    name = studio.post("/api/data", {"embedded": "layout_det"})["name"]
    one = checked(studio, name)
    assert one["kind"] == "boxes" and one["root"] is None and one["check"]["num_errors"] == 0
    row = studio.get(f"/api/data/{name}/images?choice=all&most=1")["rows"][0]
    truth = [*row["truth"], {"label": "stamp", "points": [[5, 5], [40, 5], [40, 30], [5, 30]]}]
    studio.post(f"/api/data/{name}/labels", {"entries": [{"image": row["image"], "truth": truth}]})
    one = checked(studio, name)
    assert one["check"]["num_errors"] == 0 and {"name": "stamp", "count": 1, "near": None} in one["classes"]
    assert studio.get(f"/api/data/{name}/images?choice=all&label=stamp")["count"] == 1


def test_what_is_known_is_known_to_the_next_studio(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", ("a", "b"), 3)
    with studio_in(tmp_path, f"studio.data=[{tmp_path}]") as studio:
        name = brought(studio, root, "image_cls")
        checked(studio, name)
        studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "a/0.png", "truth": "b"}]})
        studio.kill()
        studio.start()
        row = studio.get(f"/api/data/{name}/image?image=a/0.png")
        assert (row["truth"], row["was"], row["state"], row["height"]) == ("b", "a", "corrected", 24)
        shutil.rmtree(root)
        assert studio.request("GET", f"/api/data/{name}")[0] == 400
        assert [one["name"] for one in studio.get("/api/data")["datasets"]] == [name]


def test_tables_show_their_first_rows(studio: StudioProcess, home: Path) -> None:
    root = home / "table"
    root.mkdir()
    rows = "\n".join(f"2024-01-{day:02d},{day}" for day in range(1, 29))
    (root / "sales.csv").write_text(f"date,sold\n{rows}\n")
    name = studio.post("/api/data", {"root": str(root)})["name"]
    fitting = studio.get(f"/api/data/{name}/fitting")["modules"]
    assert {one["name"] for one in fitting if one["fits"]} >= {"ts_forecast", "ts_anomaly", "ts_cls"}
    table = studio.get(f"/api/data/{name}")["tables"][0]
    assert table["head"] == [["date", "sold"]] and table["rows"][0] == ["2024-01-01", "1"] and len(table["rows"]) == 8
    (home.parent / "elsewhere.csv").write_text("secret,1\n")
    (root / "a_link.csv").symlink_to(home.parent / "elsewhere.csv")
    (root / "b_link.csv").symlink_to(root / "sales.csv")
    assert [one["name"] for one in studio.get(f"/api/data/{name}")["tables"]] == ["b_link.csv", "sales.csv"]


def test_a_dataset_is_forgotten_and_taken_back(studio: StudioProcess, home: Path) -> None:
    root = class_folders(home / "unwanted", ("a", "b"), 2)
    before = files_of(root)
    name = brought(studio, root, "image_cls")
    checked(studio, name)
    studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "a/0.png", "leave_out": True}]})
    studio.post(f"/api/data/{name}/forget", {"is_forgotten": True})
    told = studio.get("/api/data")
    assert name not in [one["name"] for one in told["datasets"]] and told["forgotten"][0]["name"] == name
    assert files_of(root) == before
    assert studio.post("/api/data", {"root": str(root)})["name"] == name
    told = studio.get("/api/data")
    assert name in [one["name"] for one in told["datasets"]] and not told["forgotten"]
    assert studio.get(f"/api/data/{name}")["counts"]["corrected"] == 1


def test_a_check_that_finds_faults_has_not_failed(studio: StudioProcess, home: Path) -> None:
    root = class_folders(home / "faulty", ("a", "b"), 3, ("train", "val"))
    (root / "train" / "a" / "0.png").write_bytes(b"no picture")
    name = brought(studio, root, "image_cls")
    checked(studio, name)
    job = next(one for one in studio.get("/api/jobs")["jobs"] if one["about"].get("dataset") == name)
    assert (job["state"], job["code"], job["faults"]) == ("done", 1, 1)
    events = [one["text"] for one in studio.get("/api/events")["events"]]
    assert f"Check {name}: finished, 1 fault found" in events


def test_a_search_for_wrong_labels_comes_first(studio: StudioProcess, home: Path) -> None:
    name = brought(studio, class_folders(home / "doubted", ("a", "b"), 3), "image_cls")
    checked(studio, name)
    folder = home / "studio" / "data" / name / "audit" / "20260101-000000-aaaa"
    folder.mkdir(parents=True)
    doubt = {"kind": "class", "score": 0.9, "label": "a", "suggestion": "b"}
    suspect = {"image": "a/1.png", "split": "train", "score": 0.9, "doubts": [doubt], "truth": "b"}
    (folder / "suspects.json").write_text(json.dumps({"suspects": [suspect]}))
    line = studio.get(f"/api/data/{name}/line")
    assert (line["choice"], line["images"]) == ("suspects", ["a/1.png"])
    told = studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "a/1.png", "truth": "a"}]})
    assert told["counts"]["suspects"] == 0 and told["rows"][0]["state"] == "corrected"
    studio.post(f"/api/data/{name}/labels", {"entries": [{"image": "a/1.png"}]})
    assert studio.post(f"/api/data/{name}/accept", {"choice": "suspects", "least": 0.95}) == {"images": 0}
    assert studio.post(f"/api/data/{name}/accept", {"choice": "suspects"}) == {"images": 1}
    assert studio.get(f"/api/data/{name}/image?image=a/1.png")["truth"] == "b"


def test_how_it_is_read_is_said_once_for_checks_and_trainings(studio: StudioProcess, home: Path) -> None:
    name = brought(studio, class_folders(home / "halves", ("a", "b"), 8), "image_cls")
    keys = {field["key"] for field in studio.get(f"/api/data/{name}/reading")["fields"]}
    assert {"dataset.val_share", "dataset.split", "dataset.format"} <= keys
    assert not keys & {"dataset.root", "dataset.corrections", "dataset.pool"}
    studio.post(f"/api/data/{name}/reading", {"options": {"dataset.val_share": "0.5", "dataset.split": ""}})
    one = checked(studio, name)
    assert one["check"]["division"].startswith("8 train, 8 val") and "dataset.val_share=0.5" in one["command"]
    for wrong in ({"dataset.val_share": "2"}, {"output": "/tmp/x"}, {"dataset.root": "/"}, {"dataset.splitt": "x"}):
        studio.post(f"/api/data/{name}/reading", {"options": wrong}, expected=400)
    assert studio.get(f"/api/data/{name}")["options"] == {"dataset.val_share": "0.5"}


def test_a_copy_of_a_table_has_no_row_twice(studio: StudioProcess, home: Path) -> None:
    root = home / "twice"
    root.mkdir()
    rows = [f"2024-01-{day:02d},{day}" for day in range(1, 29)]
    (root / "sales.csv").write_text("\n".join(["date,sold", *rows[:5], rows[4], *rows[5:]]) + "\n")
    before = files_of(root)
    name = brought(studio, root, "ts_forecast")
    assert studio.post(f"/api/data/{name}/doubled") == {"rows": 1}
    one = studio.get(f"/api/data/{name}")
    assert one["source"] == str(root) and one["root"] == f"studio/data/{name}/mended"
    assert (home / one["root"] / "sales.csv").read_text() == "\n".join(["date,sold", *rows]) + "\n"
    assert files_of(root) == before
    studio.post(f"/api/data/{name}/doubled", expected=400)


def test_models_are_asked_by_commands_that_lie_in_line(studio: StudioProcess, home: Path) -> None:
    name = brought(studio, class_folders(home / "asked", ("a", "b"), 3), "image_cls")
    checked(studio, name)
    studio.post(f"/api/data/{name}/predict", {"run": "nothing"}, expected=400)
    job = studio.post(f"/api/data/{name}/suggest")
    assert job["overrides"][:3] == ["mode=suggest", "module=image_cls", "dataset.root=asked"]
    assert f"dataset.pool={home / 'asked'}" in job["overrides"]
    assert studio.post(f"/api/data/{name}/suggest")["id"] == job["id"]
    studio.post(f"/api/jobs/{job['id']}/stop", {"now": True})
    job = studio.post(f"/api/data/{name}/audit")
    assert job["overrides"][0] == "mode=audit" and job["about"] == {"dataset": name, "what": "audit"}
    assert job["output"].startswith(f"studio/data/{name}/audit/")
    studio.post(f"/api/jobs/{job['id']}/stop", {"now": True})
    pages = studio.post("/api/data", {"embedded": "text_det"})["name"]
    checked(studio, pages)
    job = studio.post(f"/api/data/{pages}/predict")
    assert job["overrides"][:2] == ["mode=predict", "pipeline=OCR"] and job["overrides"][2].startswith("input=")
    studio.post(f"/api/jobs/{job['id']}/stop", {"now": True})
