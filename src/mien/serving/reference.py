"""The API's description as a page of its own: no script, nothing from elsewhere, so that it also reads offline."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{overflow:auto;padding:.8rem;background:#8882;border-radius:.4rem}h2{margin-top:2.5rem}summary{cursor:pointer}"
)


def render(openapi: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    info = openapi["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(info['title'])}: the API</title><style>{STYLE}</style>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['summary'])}</p>",
        "<p>For programs: <a href=openapi.json>openapi.json</a>, of which clients can be generated.</p>",
    ]
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation)
    return "\n".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"
    if body := operation.get("requestBody"):
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in body["content"])
        yield f"<p>Body: {kinds}. {escape(body['description'])}</p>"
    for status, answer in operation["responses"].items():
        yield f"<details><summary><b>{status}</b> {escape(answer['description'])}</summary>"
        for kind, content in answer.get("content", {}).items():
            yield from (f"<p>{escape(kind)}</p><pre>{escape(text)}</pre>" for text in _examples(content))
        yield "</details>"


def _examples(content: dict[str, Any]) -> Iterator[str]:
    named = [example["value"] for example in content.get("examples", {}).values()]
    for value in named or [content["example"]]:
        yield value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
