#!/usr/bin/env python
"""Tries a started server against its own description with Schemathesis, on this machine only.

    python -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
    python -m plx_train mode=serve pipeline=ocr device=cpu &
    python scripts/check_api.py --schemathesis /tmp/schemathesis/bin/schemathesis \
        --file datasets/pages/images/debian-reference-en_0001.jpg

Twice: with files that are any text, as the description has them, where all that is tried is that nothing undescribed
is answered and nothing wrong accepted; then with --file in their place, which lets the rest of a request come to work.
Ends with 1 if Schemathesis found something.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from load_target import Target

FILE_FIELDS = ("file", "image", "csv")
CANT_BE_DESCRIBED = "positive_data_acceptance"
"""A text that is no file is refused, and what a pipeline has no model for; a description can say neither."""


def with_file(description: dict[str, Any], content: bytes) -> dict[str, Any]:
    """The description of an API that takes this file only."""
    told = json.loads(json.dumps(description))
    for operations in told["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            fields = body.get("schema", {}).get("properties", {})
            for name in FILE_FIELDS:
                if name in fields:
                    fields[name] = {"type": "string", "const": base64.b64encode(content).decode()}
            if "fileType" in fields:
                fields["fileType"] = {"type": "integer", "const": 1}
                body["schema"]["required"] = [*body["schema"]["required"], "fileType"]
    return dict(told)


def try_with(command: str, description: Path, options: argparse.Namespace) -> int:
    """Schemathesis's exit code for a description."""
    arguments = [
        "run",
        str(description),
        "--url",
        options.url,
        "--checks",
        "all",
        "--exclude-checks",
        CANT_BE_DESCRIBED,
    ]
    arguments += ["--max-time", str(options.seconds), "--continue-on-failure", "--no-color"]
    if options.key:
        arguments += ["-H", f"Authorization: Bearer {options.key}"]
    return subprocess.run([command, *arguments], check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", help="the server's API key")
    parser.add_argument("--schemathesis", default="schemathesis", help="the program")
    parser.add_argument("--file", type=Path, required=True, help="an image or table that the pipeline can work on")
    parser.add_argument("--seconds", type=int, default=60, help="for each of the two")
    options = parser.parse_args()
    description = json.loads(Target(options.url, options.key).get("/openapi.json"))
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        tries = (description, with_file(description, options.file.read_bytes()))
        for number, told in enumerate(tries):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(told), "utf-8")
            codes.append(try_with(options.schemathesis, path, options))
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
