"""What stands in a server's place, or before it, answers: proxies, captive portals, login pages, broken machines."""

from __future__ import annotations

from dataclasses import dataclass, field

JSON = "application/json"
HTML = b"<!doctype html><title>Sign in</title><form action=/login>"
RUN = (
    b'{"run": {"info": {"run_id": "' + b"0" * 32 + b'", "status": "RUNNING", "artifact_uri": "mlflow-artifacts:/0/0",'
    b' "experiment_id": "7"}, "data": {}}, "experiment_id": "7",'
    b' "experiment": {"experiment_id": "7", "name": "Default", "lifecycle_stage": "active"}}'
)


@dataclass(frozen=True)
class BadAnswer:
    status: int = 200
    kind: str = JSON
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_endless: bool = False


BAD_ANSWERS = {
    "empty object": BadAnswer(body=b"{}"),
    "page": BadAnswer(kind="text/html", body=HTML),
    "page that calls itself JSON": BadAnswer(body=HTML),
    "login": BadAnswer(302, "text/html", b"", {"Location": "/login"}),
    "login elsewhere": BadAnswer(307, "text/html", b"", {"Location": "http://127.0.0.1:9/login"}),
    "no content": BadAnswer(204),
    "empty": BadAnswer(),
    "list": BadAnswer(body=b"[]"),
    "null": BadAnswer(body=b"null"),
    "other run": BadAnswer(body=RUN),
    "garbage as gzip": BadAnswer(body=b"\x1f\x8b not packed", headers={"Content-Encoding": "gzip"}),
    "proxy wants a password": BadAnswer(407, "text/html", HTML, {"Proxy-Authenticate": "Basic"}),
    "page not found": BadAnswer(404, "text/html", HTML),
    "bad request": BadAnswer(400, JSON, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}'),
    "error that calls itself a success": BadAnswer(body=b'{"error": "quota"}'),
    "endless": BadAnswer(is_endless=True),
}
