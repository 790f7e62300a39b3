"""Programs of a few lines that ask a served pipeline about a file, to be copied and run as they are."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from typing import Any

from plx_train.studio.servers import KEY_VARIABLE


def snippets(address: str, endpoint: Mapping[str, Any], sample: str) -> dict[str, str]:
    """The programs by language.

    Args:
        endpoint: ``path``, ``field``, ``answer`` and the ``key`` of its list, as `pipelines.described` has it.
        sample: the file that is asked about.
    """
    url, field = address + endpoint["path"], endpoint["field"]
    fields = {"fileType": 1} if field == "file" else {}
    if endpoint["answer"] not in ("label",):
        fields["visualize"] = False
    has_key = bool(os.environ.get(KEY_VARIABLE))
    return {
        "curl": _curl(url, field, fields, sample, has_key),
        "Python": _python(url, field, fields, sample, has_key, endpoint),
        "JavaScript": _javascript(url, field, fields, sample, has_key, endpoint),
    }


def _curl(url: str, field: str, fields: Mapping[str, Any], sample: str, has_key: bool) -> str:
    rest = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items())
    key = f' \\\n  -H "Authorization: Bearer ${KEY_VARIABLE}"' if has_key else ""
    # A file may be longer than an argument can be, so it comes through a pipe.
    return (
        f"(printf '{{\"{field}\": \"'; base64 < {shlex.quote(sample)} | tr -d '\\n'; printf '\"{rest}}}') |\n"
        f"  curl -sS {shlex.quote(url)} -H 'Content-Type: application/json'{key} --data-binary @-"
    )


def _python(
    url: str, field: str, fields: Mapping[str, Any], sample: str, has_key: bool, endpoint: Mapping[str, Any]
) -> str:
    rest = "".join(f", {name!r}: {value!r}" for name, value in fields.items())
    key = f', "Authorization": "Bearer " + os.environ["{KEY_VARIABLE}"]' if has_key else ""
    found = _found(endpoint, "result")
    shown = f"base64.b64decode({found}).decode()" if endpoint["answer"] == "table" else found
    return (
        f"import base64, json, {'os, ' if has_key else ''}urllib.request\n\n"
        f"content = base64.b64encode(open({sample!r}, 'rb').read()).decode()\n"
        f"body = json.dumps({{{field!r}: content{rest}}}).encode()\n"
        f'request = urllib.request.Request({url!r}, body, {{"Content-Type": "application/json"{key}}})\n'
        f'result = json.load(urllib.request.urlopen(request))["result"]\n'
        f"print({shown})"
    )


def _javascript(
    url: str, field: str, fields: Mapping[str, Any], sample: str, has_key: bool, endpoint: Mapping[str, Any]
) -> str:
    rest = "".join(f", {name}: {json.dumps(value)}" for name, value in fields.items())
    key = f", Authorization: `Bearer ${{process.env.{KEY_VARIABLE}}}`" if has_key else ""
    found = _found(endpoint, "told.result")
    shown = f'Buffer.from({found}, "base64").toString()' if endpoint["answer"] == "table" else found
    return (
        "// node ask.mjs\n"
        'import { readFile } from "node:fs/promises";\n\n'
        f'const content = await readFile({json.dumps(sample)}, "base64");\n'
        f"const answer = await fetch({json.dumps(url)}, {{\n"
        f'  method: "POST", headers: {{ "Content-Type": "application/json"{key} }},\n'
        f"  body: JSON.stringify({{ {field}: content{rest} }}),\n"
        "});\n"
        "const told = await answer.json();\n"
        f"console.log(answer.ok ? {shown} : told.errorMsg);"
    )


def _found(endpoint: Mapping[str, Any], result: str) -> str:
    """What an answer is asked for, in brackets that both languages read."""
    places = {
        "categories": '["categories"]',
        "boxes": '["detectedObjects"]',
        "label_map": '["classes"]',
        "attributes": f'["{endpoint["key"]}"]',
        "pages": f'["{endpoint["key"]}"][0]["prunedResult"]',
        "table": '["csv"]',
        "label": '["label"]',
    }
    return result + places.get(endpoint["answer"], "")
