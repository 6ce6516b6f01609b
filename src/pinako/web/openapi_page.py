"""The OpenAPI document as a page for people: one file, no scripts, nothing fetched from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from typing import Any

Document = dict[str, Any]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #223; }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #dde; } a { color: #9cf; } }
code { font: 0.9em ui-monospace, monospace; } summary { cursor: pointer; padding: .35rem 0; }
details { border-top: 1px solid #8884; } table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
td { vertical-align: top; padding: .2rem .8rem .2rem 0; border-top: 1px solid #8882; }
.method { display: inline-block; min-width: 3.2rem; font-weight: 600; text-transform: uppercase; font-size: .8em; }
"""

POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style, by what it says, and nothing else."""


def page(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    return "".join((
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} API</h1><p>{_prose(info['description'])}</p>",
        '<p>For programs: <a href="openapi.json">openapi.json</a>. A key goes in the header ',
        "<code>Authorization: Bearer KEY</code> or in <code>?token=KEY</code>.</p>",
        *_groups(document),
        "</body></html>",
    ))  # fmt: skip


def _groups(document: Document) -> Iterator[str]:
    grouped: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            grouped.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    for group in sorted(grouped, key=lambda name: (name == "tRPC", name)):
        yield f"<h2>{escape(group)}</h2>"
        yield from grouped[group]


def _operation(path: str, method: str, operation: Document) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(_kind(one))}</td>"
        f"<td>{_prose(one['description'])}</td></tr>"
        for one in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td><code>{code}</code></td><td>{_prose(answer['description'])}</td></tr>"
        for code, answer in sorted(operation["responses"].items())
    )
    return "".join((
        f'<details><summary><span class="method">{method}</span><code>{escape(path)}</code> ',
        f"{_prose(operation['summary'])}</summary>",
        f"<table>{rows}</table>" if rows else "",
        f"<table>{answers}</table></details>",
    ))  # fmt: skip


def _kind(parameter: Document) -> str:
    schema = parameter.get("schema")
    if schema is None:
        return "JSON"
    listed = schema.get("type") == "array"
    schema = schema["items"] if listed else schema
    words = " | ".join(schema["enum"]) if "enum" in schema else str(schema.get("type", "boolean or word"))
    return f"{words}, several" if listed else words


def _prose(text: str) -> str:
    """Text with its `code` marked."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
