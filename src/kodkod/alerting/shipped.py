"""Which templates come with us? Ten, as YAML beside this file; put in at boot, and what a user changed stays theirs.

An annotation holds the digest of the spec as we wrote it: while it still fits, a newer one of ours may replace it.
"""

from __future__ import annotations

import hashlib
from importlib import resources as package_files
from typing import Any

import orjson
import yaml

from kodkod.resources import Object
from kodkod.resources.kinds import GLOBAL_ALERT_TEMPLATE
from kodkod.store.errors import AlreadyExists, Conflict, NotFound
from kodkod.store.protocol import Resources

SHIPPED = "kodkod.dev/shipped-spec"


def templates() -> list[Object]:
    """The manifests, by name."""
    folder = package_files.files("kodkod.alerting") / "templates"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return [yaml.safe_load(one.read_text()) for one in files]


async def install(store: Resources) -> None:
    """Create what is missing, replace what is ours and older, leave what a user changed."""
    for template in templates():
        spec, name = template["spec"], template["metadata"]["name"]
        try:
            present = await store.get(GLOBAL_ALERT_TEMPLATE, name)
        except NotFound:
            await _create(store, template)
            continue
        mark = (present["metadata"].get("annotations") or {}).get(SHIPPED)
        if mark == digest(present["spec"]) and mark != digest(spec):
            await _replace(store, present, spec)


async def _create(store: Resources, template: Object) -> None:
    try:
        made = await store.create(GLOBAL_ALERT_TEMPLATE, template, field_manager="kodkod-server")
        body = {"metadata": {"annotations": {SHIPPED: digest(made["spec"])}}}
        await store.patch(GLOBAL_ALERT_TEMPLATE, made["metadata"]["name"], body, field_manager="kodkod-server")
    except AlreadyExists:
        return


async def _replace(store: Resources, present: Object, spec: dict[str, Any]) -> None:
    try:
        made = await store.update(GLOBAL_ALERT_TEMPLATE, {**present, "spec": spec}, field_manager="kodkod-server")
        body = {"metadata": {"annotations": {SHIPPED: digest(made["spec"])}}}
        await store.patch(GLOBAL_ALERT_TEMPLATE, made["metadata"]["name"], body, field_manager="kodkod-server")
    except Conflict:
        return


def digest(spec: dict[str, Any]) -> str:
    """Of the spec as stored, defaults filled in."""
    return hashlib.sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
