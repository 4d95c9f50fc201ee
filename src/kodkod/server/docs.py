"""What does `/v1/docs` show? The routes of our own API as one plain page, made from their OpenAPI document.

No script and no asset from elsewhere: the usual documentation pages load both from a public host.
"""

from __future__ import annotations

from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; } code { font-size: 1em; } .verb { font-weight: 700; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; }
td, th { border-bottom: 1px solid #8884; vertical-align: top; } :root { color-scheme: light dark; }
"""


def page(document: dict[str, Any]) -> str:
    """HTML for an OpenAPI 3 document."""
    title = escape(document["info"]["title"])
    operations = [
        operation(path, verb, about)
        for path, verbs in sorted(document.get("paths", {}).items())
        for verb, about in verbs.items()
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        f"<style>{STYLE}</style></head><body><h1>{title} API {escape(document['info']['version'])}</h1>"
        '<p>The same as a document for programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{''.join(operations)}</body></html>"
    )


def operation(path: str, verb: str, about: dict[str, Any]) -> str:
    described = escape(about.get("description") or about.get("summary") or "").replace("\n\n", "</p><p>")
    return (
        f'<section><h2><span class="verb">{verb.upper()}</span> <code>/v1{escape(path)}</code></h2>'
        f"<p>{described}</p>{parameters(about.get('parameters', []))}</section>"
    )


def parameters(listed: list[dict[str, Any]]) -> str:
    if not listed:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(entry['name'])}</code></td><td>{escape(entry['in'])}"
        f"{', required' if entry.get('required') else ''}</td><td>{escape(entry.get('description', ''))}</td></tr>"
        for entry in listed
    )
    return f"<table><tr><th>Parameter</th><th>Where</th><th>Meaning</th></tr>{rows}</table>"
