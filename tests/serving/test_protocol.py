"""PaddleX's protocol as clients see it: fields, statuses, and a 4xx with a sentence for every bad request."""

from __future__ import annotations

import base64
import io
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from kit.fake_pipeline import FakePipeline
from plx_train.config.serve_options import FORMATS, ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.files import Limits, SentFile, content_of, pages_in, source_of
from plx_train.serving.protocol import FileRequest, log_id_of, parse
from plx_train.serving.refusal import Refusal
from plx_train.vision.decoders.process import Decoder, Opened

GREY = np.full((40, 60, 3), 128, np.uint8)


def encoded(image: np.ndarray = GREY, suffix: str = ".png") -> str:
    return base64.b64encode(cv2.imencode(suffix, image)[1].tobytes()).decode()


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def decoded(text: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def client_of(pipeline: FakePipeline | None = None, **options: Any) -> TestClient:
    key = options.pop("api_key", None)
    return TestClient(create_app(pipeline or FakePipeline(), ServeOptions(**options), api_key=key))


@pytest.fixture
def client() -> Iterator[TestClient]:
    with client_of(max_wait_ms=0.0, max_megapixels=1.0, max_body_mb=1.0) as client:
        yield client


def test_ocr_answers_as_paddlex(client: TestClient) -> None:
    answer = client.post("/ocr", json={"file": encoded(), "fileType": 1, "logId": "mine"})

    told = answer.json()
    assert answer.status_code == 200
    assert list(told) == ["logId", "result", "errorCode", "errorMsg"]
    assert (told["logId"], told["errorCode"], told["errorMsg"]) == ("mine", 0, "Success")
    assert told["result"]["dataInfo"] == {"width": 60, "height": 40, "type": "image"}
    (page,) = told["result"]["ocrResults"]
    assert set(page) == {"prunedResult", "ocrImage", "inputImage"}
    assert page["prunedResult"]["rec_texts"] == ["128"]
    assert not {"input_path", "page_index"} & set(page["prunedResult"])
    assert page["prunedResult"]["models"]["TextDetection"]["version"] == "1"
    assert decoded(page["ocrImage"]).shape == decoded(page["inputImage"]).shape == (40, 60, 3)


def test_pictures_are_left_out_where_they_are_not_wanted(client: TestClient) -> None:
    (page,) = client.post("/ocr", json={"file": encoded(), "fileType": 1, "visualize": False}).json()["result"][
        "ocrResults"
    ]
    assert set(page) == {"prunedResult"}


def test_large_pictures_are_made_smaller() -> None:
    image = np.full((10, 3000, 3), 100, np.uint8)
    with client_of() as client:
        (page,) = client.post("/ocr", json={"file": encoded(image), "fileType": 1}).json()["result"]["ocrResults"]
    assert decoded(page["inputImage"]).shape[1] == 2000


def test_parameters_reach_the_pipeline_by_their_names() -> None:
    pipeline = FakePipeline()
    given = {"textDetLimitSideLen": 64, "textDetLimitType": "min", "textDetThresh": 0.4, "textRecScoreThresh": 0.5}
    with client_of(pipeline) as client:
        asked = {**given, "useDocOrientationClassify": False, "useDocUnwarping": False, "returnWordBox": False}
        answer = client.post("/ocr", json={"file": encoded(), "fileType": 1, **asked})
    assert answer.status_code == 200
    assert pipeline.batches[0][1] == {
        "text_det_limit_side_len": 64,
        "text_det_limit_type": "min",
        "text_det_thresh": 0.4,
        "text_rec_score_thresh": 0.5,
        "use_doc_orientation_classify": False,
    }


def test_classification_answers_as_paddlex() -> None:
    with client_of(FakePipeline("image_classification")) as client:
        told = client.post("/image-classification", json={"image": encoded(), "topk": 2}).json()
        assert client.post("/ocr", json={"file": encoded(), "fileType": 1}).status_code == 404
    categories = told["result"]["categories"]
    assert categories == [{"id": 1, "name": "dog", "score": 0.9}, {"id": 0, "name": "cat", "score": 0.1}]
    assert decoded(told["result"]["image"]).shape == (40, 60, 3)


def test_preprocessing_answers_as_paddlex() -> None:
    with client_of(FakePipeline("doc_preprocessor")) as client:
        told = client.post("/document-preprocessing", json={"file": encoded(), "fileType": 1}).json()
    (page,) = told["result"]["docPreprocessingResults"]
    assert set(page) == {"outputImage", "prunedResult", "docPreprocessingImage", "inputImage"}
    assert np.array_equal(decoded(page["outputImage"]), GREY)
    assert page["prunedResult"]["angle"] == 0


def test_pages_of_a_tiff_and_of_a_pdf_come_in_order() -> None:
    pages = [Image.new("RGB", (50 + 10 * number, 40), (20 * number,) * 3) for number in range(4)]
    tiff = io.BytesIO()
    pages[0].save(tiff, "TIFF", save_all=True, append_images=pages[1:])
    with client_of(max_pages=3) as client:
        told = client.post("/ocr", json={"file": as_text(tiff.getvalue()), "fileType": 1}).json()["result"]
        assert [page["prunedResult"]["rec_texts"] for page in told["ocrResults"]] == [["0"], ["20"], ["40"]]
        assert told["dataInfo"]["numPages"] == 4
        assert len(told["dataInfo"]["pages"]) == 3
        assert told["dataInfo"]["pages"][2] == {"width": 70, "height": 40}
        assert told["dataInfo"]["type"] == "tiff"
        pytest.importorskip("pypdfium2")
        pdf = io.BytesIO()
        pages[1].save(pdf, "PDF", save_all=True, append_images=pages[2:], resolution=72)
        told = client.post("/ocr", json={"file": as_text(pdf.getvalue()), "fileType": 0}).json()["result"]
    assert [page["prunedResult"]["rec_texts"] for page in told["ocrResults"]] == [["20"], ["40"], ["60"]]
    assert told["dataInfo"]["pages"][0] == {"width": 120, "height": 80}


def test_pages_that_are_not_read_are_told(client: TestClient) -> None:
    pages = [Image.new("RGB", (50, 40), (20 * number,) * 3) for number in range(4)]
    gif, webp = io.BytesIO(), io.BytesIO()
    pages[0].save(gif, "GIF", save_all=True, append_images=pages[1:])
    pages[0].save(webp, "WEBP", save_all=True, append_images=pages[1:], lossless=True)
    for content, kind in ((gif.getvalue(), "gif"), (webp.getvalue(), "webp")):
        body = {"file": as_text(content), "fileType": 1, "visualize": False}
        whole = client.post("/ocr", json=body)
        assert len(whole.json()["result"]["ocrResults"]) == 4 and "x-pages-left-out" not in whole.headers
        info = whole.json()["result"]["dataInfo"]
        assert (info["numPages"], info["type"]) == (4, kind) and "notice" not in info
        with client_of(max_pages=3) as limited:
            cut = limited.post("/ocr", json=body)
        info = cut.json()["result"]["dataInfo"]
        assert (info["numPages"], info["numPagesLeftOut"], len(info["pages"])) == (4, 1, 3)
        assert "serve.max_pages" in info["notice"] and cut.headers["x-pages-left-out"] == "1"


def test_an_operation_of_one_image_refuses_several() -> None:
    pages = [Image.new("RGB", (50, 40), (20 * number,) * 3) for number in range(3)]
    tiff = io.BytesIO()
    pages[0].save(tiff, "TIFF", save_all=True, append_images=pages[1:])
    with client_of(FakePipeline("image_classification")) as client:
        answer = client.post("/image-classification", json={"image": as_text(tiff.getvalue())})
    assert answer.status_code == 422 and "3 pages" in answer.json()["errorMsg"]


def test_pdf_without_its_package_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pypdfium2.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    with client_of() as client:
        answer = client.post("/ocr", json={"file": as_text(b"%PDF-1.4"), "fileType": 0})
    assert answer.status_code == 422
    assert "pypdfium2" in answer.json()["errorMsg"]


def big_png() -> bytes:
    """A few bytes that claim 60000 x 60000 pixels."""
    content = bytearray(cv2.imencode(".png", GREY)[1].tobytes())
    content[16:24] = (60000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


PNG = cv2.imencode(".png", np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()
JPEG = cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()
TIFF = cv2.imencode(".tif", GREY)[1].tobytes()
BAD_FILES = {
    "no base64": ("§§§ not base64", "not valid base64"),
    "half base64": ("abc", "not valid base64"),
    "nothing": ("", "empty"),
    "no image": (as_text(b"hello, this is no image at all"), "not an image"),
    "truncated png": (as_text(PNG[: len(PNG) // 2]), "cut off"),
    "truncated jpeg": (as_text(JPEG[: len(JPEG) // 2]), "cut off"),
    "truncated tiff": (as_text(TIFF[: len(TIFF) // 2]), "cut off"),
    "huge size claimed": (as_text(big_png()), "pixels"),
    "a file's path": ("/etc/passwd", "not valid base64"),
    "a URL": ("http://127.0.0.1/x.png", "not fetched"),
    "a file URL": ("file:///etc/passwd", "not valid base64"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_told_in_a_sentence(case: str, client: TestClient) -> None:
    content, sentence = BAD_FILES[case]
    answer = client.post("/ocr", json={"file": content, "fileType": 1, "logId": "7"})
    assert answer.status_code == 422
    assert answer.json()["errorCode"] == 422
    assert answer.json()["logId"] == "7"
    assert sentence in answer.json()["errorMsg"]


@pytest.mark.parametrize("kind", ["data URL", "small data URL", "alphabet of URLs", "without the end", "broken lines"])
def test_files_are_taken_as_browsers_and_encoders_write_them(kind: str, client: TestClient) -> None:
    plain = next(text for text in (as_text(PNG + b"\0" * more) for more in range(3)) if text.endswith("="))
    of_urls = base64.urlsafe_b64encode(PNG).decode()
    assert "-" in of_urls or "_" in of_urls
    written = {
        "data URL": f"data:image/png;base64,{plain}",
        "small data URL": f" DATA:image/png;charset=utf-8;BASE64,{quote(plain)}",
        "alphabet of URLs": of_urls,
        "without the end": of_urls.rstrip("="),
        "broken lines": "\n".join(plain[place : place + 76] for place in range(0, len(plain), 76)),
    }[kind]
    assert client.post("/ocr", json={"file": written, "fileType": 1}).status_code == 200
    if "URL" in kind and "data" in kind:
        assert client.post("/ocr", json={"file": written}).status_code == 200, "it says its type"


@pytest.mark.parametrize("text", ["data:image/png,abcd", "data:image/png;base64", "ab+/-_cd", "data:;base64,§"])
def test_what_is_nearly_base64_is_refused(text: str, client: TestClient) -> None:
    answer = client.post("/ocr", json={"file": text, "fileType": 1})
    assert answer.status_code == 422 and "not valid base64" in answer.json()["errorMsg"]


def test_pixels_are_counted_over_all_pages(client: TestClient) -> None:
    pages = [Image.new("RGB", (600, 600)) for _ in range(3)]
    tiff = io.BytesIO()
    pages[0].save(tiff, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    answer = client.post("/ocr", json={"file": as_text(tiff.getvalue()), "fileType": 1})
    assert answer.status_code == 422
    assert "1 million pixels" in answer.json()["errorMsg"]


BAD_FIELDS = {
    "no file": ({"file": None}, "string_type", "file"),
    "file is a number": ({"file": 5}, "string_type", "file"),
    "file is a list": ({"file": [["x"]]}, "string_type", "file"),
    "unknown type": ({"fileType": 2}, "literal_error", "fileType"),
    "text for a number": ({"textDetThresh": "much"}, "float_parsing", "textDetThresh"),
    "share above 1": ({"textDetThresh": 2}, "less_than_equal", "textDetThresh"),
    "enormous side": ({"textDetLimitSideLen": 10**9}, "less_than_equal", "textDetLimitSideLen"),
    "long id": ({"logId": "x" * 300}, "string_too_long", "logId"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_field_is_named(case: str, client: TestClient) -> None:
    field, kind, place = BAD_FIELDS[case]
    answer = client.post("/ocr", json={"file": "eA==", "fileType": 1, **field})
    assert answer.status_code == 422
    (fault,) = json.loads(answer.json()["errorMsg"])
    assert set(fault) == {"type", "loc", "msg"}
    assert fault["type"].startswith(kind)
    assert fault["loc"] == f"body.{place}"


BAD_BODIES = {
    "nothing": b"",
    "no json": b"file=abc",
    "half json": b'{"file": "abc',
    "deep json": b"[" * 200_000,
    "deep json in a field": b'{"logId":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "a list": b"[1, 2]",
    "null": b"null",
    "no utf-8": b'{"file": "\xff\xfe"}',
    "half a surrogate": b'{"file": "\\ud800", "logId": "\\udfff"}',
    "not a number": b'{"file":"eA==","fileType":1,"textDetThresh":NaN}',
    "infinity": b'{"file":"eA==","fileType":1,"textDetUnclipRatio":Infinity}',
    "unending number": b'{"file":"eA==","fileType":1,"textDetLimitSideLen":' + b"9" * 5000 + b"}",
    "doubled keys": b'{"file":1,"file":2}',
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_no_error_of_ours(case: str, client: TestClient) -> None:
    answer = client.post("/ocr", content=BAD_BODIES[case], headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errorCode"] == 422
    assert json.loads(answer.json()["errorMsg"])[0]["loc"].startswith("body")


def test_the_kind_of_file_must_be_said(client: TestClient) -> None:
    answer = client.post("/ocr", json={"file": encoded()})
    assert (answer.status_code, answer.json()["errorMsg"]) == (422, "File type cannot be determined")


def test_what_the_pipeline_can_not_do_is_said(client: TestClient) -> None:
    for field, sentence in (("useDocUnwarping", "not supported"), ("useTextlineOrientation", "needs a model")):
        answer = client.post("/ocr", json={"file": encoded(), "fileType": 1, field: True})
        assert answer.status_code == 422
        assert sentence in answer.json()["errorMsg"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""]
)
def test_only_json_is_read(kind: str, client: TestClient) -> None:
    answer = client.post("/ocr", content=b"{}", headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["errorMsg"]


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post("/ocr", content=b"x", headers=headers).status_code == 415


def test_other_paths_and_methods_answer_in_the_same_form(client: TestClient) -> None:
    assert client.get("/ocr").json()["errorCode"] == client.get("/ocr").status_code == 405
    assert client.get("/nothing").json()["errorCode"] == 404


def test_a_fault_of_the_pipeline_is_500_and_spoils_no_other(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = FakePipeline(fault=RuntimeError("secret path /root"))
    with client_of(pipeline) as client:
        answer = client.post("/ocr", json={"file": encoded(np.full((9, 9, 3), 13, np.uint8)), "fileType": 1})
        assert client.post("/ocr", json={"file": encoded(), "fileType": 1}).status_code == 200
    assert (answer.status_code, answer.json()["errorMsg"]) == (500, "Internal server error")
    assert "secret path" in caplog.text


def test_a_key_is_asked_for_where_work_is_done() -> None:
    body = {"file": encoded(), "fileType": 1}
    with client_of(api_key="geheim") as client:
        for headers in (
            {},
            {"Authorization": "Bearer no"},
            {"Authorization": "Basic geheim"},
            {"X-API-Key": "geheimnis"},
        ):
            answer = client.post("/ocr", json=body, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["errorCode"] == 401
        for headers in ({"Authorization": "bearer geheim"}, {"X-API-Key": "geheim"}):
            assert client.post("/ocr", json=body, headers=headers).status_code == 200
        assert client.get("/metrics").status_code == client.get("/openapi.json").status_code == 401
        assert [client.get(path).status_code for path in ("/health", "/", "/api")] == [200, 200, 200]


def test_health_metrics_and_description(client: TestClient) -> None:
    client.post("/ocr", json={"file": encoded(), "fileType": 1})
    health = client.get("/health").json()
    assert (health["errorCode"], health["errorMsg"]) == (0, "Healthy")
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'plx_requests_total{path="/ocr",status="200"} 1.0' in metrics.text
    assert 'plx_model_info{name="PP-OCRv4_mobile_det",part="TextDetection",run_id="run1"' in metrics.text
    api = client.get("/openapi.json").json()
    asked = api["paths"]["/ocr"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert asked["required"] == ["file"]
    assert "textDetUnclipRatio" in asked["properties"]


def test_metrics_know_no_paths_of_strangers(client: TestClient) -> None:
    client.get("/a-path-of-a-stranger")
    assert "stranger" not in client.get("/metrics").text


def test_pages_load_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/api"):
        page = client.get(path)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "{{" not in page.text
        assert not [line for line in page.text.splitlines() if "src=" in line or "//cdn" in line or "@import" in line]


def test_no_file_is_left_behind(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client.post("/ocr", json={"file": encoded(), "fileType": 1})
    assert list(tmp_path.iterdir()) == []


def files_of_all_kinds() -> dict[str, bytes]:
    image = np.random.default_rng(2).integers(0, 255, (32, 48, 3), np.uint8)
    kinds = {suffix: cv2.imencode(suffix, image)[1].tobytes() for suffix in (".png", ".jpg", ".bmp", ".webp", ".tif")}
    pages = [Image.fromarray(image), Image.fromarray(image[::-1])]
    for kind in ("GIF", "TIFF", "PDF"):
        file = io.BytesIO()
        pages[0].save(file, kind, save_all=True, append_images=pages[1:])
        kinds[kind] = file.getvalue()
    return kinds


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(1_000_000)
    yield decoder
    decoder.end()


@pytest.mark.parametrize("kind", files_of_all_kinds())
@pytest.mark.filterwarnings("ignore")
def test_no_damaged_file_is_an_error_of_ours(kind: str, decoder: Decoder) -> None:
    generator = np.random.default_rng(3)
    whole, limits = np.frombuffer(files_of_all_kinds()[kind], np.uint8), Limits(1_000_000, 5, 1000, 10, FORMATS, 60.0)
    for _ in range(150):
        content = whole[: generator.integers(1, whole.size)] if generator.random() < 0.3 else whole.copy()
        content = content.copy()
        # Headers are where it hurts most.
        places = generator.integers(0, min(content.size, generator.choice([64, content.size])), 4)
        content[places] = generator.integers(0, 255, 4)
        request = FileRequest(file=as_text(content.tobytes()), fileType=0 if kind == "PDF" else 1)
        try:
            pages, _ = pages_in(source_of(request, limits), decoder, limits)
        except Refusal as refusal:
            assert refusal.status == 422
        else:
            assert sum(page.shape[0] * page.shape[1] for page in pages) <= 1_000_000


LIMITS = Limits(1_000_000, 5, 1000, 10, FORMATS, 60.0)


def memory_for(work: Callable[[], Any]) -> int:
    """Most bytes that it takes at a time, or raises a refusal with."""
    tracemalloc.start()
    try:
        with suppress(Refusal):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("crumb", ["A ", "A\n", "%20A", "%2B", "%2b%0A"])
@pytest.mark.parametrize("head", ["data:image/png;base64,", ""])
def test_base64_in_crumbs_takes_little_more_than_it_is_long(crumb: str, head: str) -> None:
    text = head + crumb * 200_000
    assert memory_for(lambda: content_of(text, LIMITS)) < 5 * len(text)


@pytest.mark.parametrize(
    "body",
    [
        b'{"file":"a","fileType":1,"x":[' + b"1," * 500_000 + b"1]}",
        b'{"file":"a","fileType":[' + b"[]," * 500_000 + b"[]]}",
        b'{"file":"a","fileType":{' + b",".join(b'"%d":""' % number for number in range(100_000)) + b"}}",
    ],
    ids=["unknown field", "wrong type", "object"],
)
def test_a_request_of_many_values_is_refused_before_it_is_parsed(body: bytes) -> None:
    with pytest.raises(Refusal, match="at most 10000 values") as caught:
        parse(body, FileRequest)
    assert caught.value.status == 422
    assert memory_for(lambda: parse(body, FileRequest)) < len(body)
    assert log_id_of(body[:-1] + b',"logId":"mine"}') != "mine"


def test_of_many_faults_the_first_are_told(client: TestClient) -> None:
    wrong = {"file": "a", "fileType": 1, "textDetThresh": ["x"] * 5000, "n" * 5000: 1}
    told = client.post("/ocr", json=wrong).json()["errorMsg"]
    assert 1 <= len(json.loads(told)) <= 20
    assert len(told) < 10_000


def test_a_file_whose_whole_time_is_over_keeps_its_decoder() -> None:
    class Slow:
        def open(self, *_: object) -> Opened:
            time.sleep(0.2)
            return Opened(3, "PDF", False)

        def page(self, *_: object) -> np.ndarray:
            raise AssertionError("it has no time")

    limits = Limits(1_000_000, 5, 1000, 10, FORMATS, 0.05)
    with pytest.raises(Refusal, match="its pages were not decoded within"):
        pages_in(SentFile(b"", True, False, False), cast(Decoder, Slow()), limits)
