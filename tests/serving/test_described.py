"""The description of the API says what is taken and what is answered, of every kind of pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as draw
from pydantic import ValidationError

from kit.fake_pipeline import FakePipeline
from kit.local_server import grey
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.endpoints import endpoint_of, servable

TRIES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
NEAR = draw.one_of(
    draw.none(),
    draw.booleans(),
    draw.integers(-3, 3000),
    draw.floats(-2, 3000, allow_nan=False),
    draw.sampled_from(["", "0", "1", "0.5", "true", "min", "max", " 1 ", "1e3", "1_0", "inf", "\u0663"]),
    draw.text(max_size=5),
)
ANY = draw.recursive(
    NEAR, lambda inner: draw.lists(inner, max_size=3) | draw.dictionaries(draw.text(max_size=3), inner, max_size=3)
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a JSON value is what a schema of ours describes."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return any(value == one and type(value) is type(one) for one in schema.get("enum", [schema.get("const")]))
    kind = schema["type"]
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str) and len(value) <= schema.get("maxLength", len(value))
    if kind == "array":
        return isinstance(value, list) and all(fits(one, schema["items"]) for one in value)
    if kind == "object":
        return isinstance(value, dict) and all(fits(one, schema["additionalProperties"]) for one in value.values())
    return _is_number(value, kind) and _is_within(value, schema)


def _is_number(value: Any, kind: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return kind == "number" or float(value).is_integer()


def _is_within(value: float, schema: dict[str, Any]) -> bool:
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )


@pytest.mark.long
@pytest.mark.parametrize("name", servable())
def test_exactly_what_is_described_is_taken(name: str) -> None:
    model = endpoint_of(FakePipeline(name=name)).request
    fields = model.model_json_schema()["properties"]
    file = model.FILE_FIELD

    @TRIES
    @given(draw.sampled_from(sorted(set(fields) - {file})), ANY)
    def check(field: str, value: Any) -> None:
        body = json.dumps({file: "eA==", field: value})
        try:
            model.model_validate_json(body)
        except ValidationError:
            assert not fits(value, fields[field]), f"{field}={value!r} is described and refused"
        else:
            assert fits(value, fields[field]), f"{field}={value!r} is taken and not described"

    check()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(FakePipeline(), ServeOptions(max_wait_ms=0.0))) as client:
        yield client


def checked(client: TestClient, content: bytes, kind: str = "application/json") -> int:
    """The status of an answer that is as described."""
    answer = client.post("/ocr", content=content, headers={"Content-Type": kind})
    described = client.get("/openapi.json").json()["paths"]["/ocr"]["post"]["responses"]
    assert str(answer.status_code) in described
    told = answer.json()
    assert told["errorCode"] == (0 if answer.status_code == 200 else answer.status_code)
    assert isinstance(told["errorMsg"], str) and told["errorMsg"]
    assert 0 < len(told["logId"]) <= 256
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code


def test_whatever_is_sent_the_answer_is_described(client: TestClient) -> None:
    statuses = set()

    @TRIES
    @given(draw.binary(max_size=200) | ANY.map(lambda value: json.dumps(value).encode()))
    def check(content: bytes) -> None:
        statuses.add(checked(client, content))

    check()
    assert statuses == {422}


def test_whatever_is_sent_with_a_good_file_the_answer_is_described(client: TestClient) -> None:
    fields = endpoint_of(FakePipeline()).request.model_json_schema()["properties"]
    names = sorted(set(fields) - {"file", "fileType", "visualize"})
    statuses = set()

    @TRIES
    @given(draw.dictionaries(draw.sampled_from(names) | draw.text(max_size=5), ANY, max_size=3))
    def check(more: dict[str, Any]) -> None:
        statuses.add(checked(client, json.dumps({**more, **grey(5)}).encode()))

    check()
    assert statuses == {200, 422}


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data; boundary=a", "application/jsonx"])
def test_whatever_the_type_the_answer_is_described(kind: str, client: TestClient) -> None:
    assert checked(client, b"{}", kind) == 415
