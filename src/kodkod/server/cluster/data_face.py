"""How does one fetch capture files where `projectcalico.org/v3` is somebody else's? Under a small group of our own.

`data.kodkod.dev/v1` has no objects: only `packetcaptures/{name}/files`, by the same handlers and with the same right as
where v3 is ours, `packetcaptures/files` of projectcalico.org. (The API server asks for it in this group, too.)
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kodkod.access import Caller
from kodkod.access import Request as Right
from kodkod.capture.routes import FileRoutes
from kodkod.resources import kinds
from kodkod.resources.kinds import GroupVersion
from kodkod.server.kube import answers, discovery
from kodkod.server.kube.answers import failure, json_response
from kodkod.server.node_features import Recorder
from kodkod.server.services import Services
from kodkod.store.errors import StoreError

DATA = GroupVersion("data.kodkod.dev", "v1")
ROOT = f"/apis/{DATA}"
FILES = ROOT + "/namespaces/{namespace}/packetcaptures/{name}/files"
EVERYWHERE = ROOT + "/packetcaptures/{name}/files"
"""Where there are files of captures of one name, though their objects be gone."""
VERBS = ["get", "delete"]
KIND = "PacketCaptureFiles"
TITLE = {"title": "Kodkod", "version": "v1"}

Json = dict[str, Any]


def routes(services: Services, files: FileRoutes) -> list[BaseRoute]:
    async def serve(request: Request) -> Response:
        return await _serve(services, files, request)

    methods = ["GET", "DELETE"]
    return [
        *(document(path, content) for path, content in documents().items()),
        Route("/apis", groups),
        Route(EVERYWHERE, serve, methods=["GET"]),
        Route(FILES, serve, methods=methods),
        Route(FILES + "/{rest:path}", serve, methods=methods),
    ]


async def _serve(services: Services, files: FileRoutes, request: Request) -> Response:
    namespace, name = request.path_params.get("namespace", ""), request.path_params["name"]
    caller: Caller = request.state.caller
    verb = "delete" if request.method == "DELETE" else "get"
    kind = kinds.PACKET_CAPTURE
    try:
        right = Right(verb, kind.group, kind.plural, "files", namespace, name)
        if await services.authorizer.allows(caller, right):
            answer = await files.subresource(request, namespace, name, request.path_params.get("rest", ""))
        else:
            message = f'User "{caller.name}" cannot {verb} packetcaptures/files in the namespace "{namespace}"'
            answer = json_response(failure(403, "Forbidden", message), 403)
    except StoreError as error:
        answer = answers.refused(error)
    Recorder(services)(request, verb=verb, namespace=namespace, name=name, code=answer.status_code)
    return answer


def document(path: str, content: Json) -> BaseRoute:
    async def served(_request: Request) -> Response:
        return json_response(content)

    return Route(path, served)


def documents() -> dict[str, Json]:
    """What clients read of the group, by path."""
    version = {"groupVersion": str(DATA), "version": DATA.version}
    resource = {
        "name": "packetcaptures/files", "singularName": "", "namespaced": True, "kind": KIND, "verbs": VERBS,
    }  # fmt: skip
    v3 = {"openapi": "3.0.0", "info": TITLE, "paths": {}, "components": {"schemas": {}}}
    key = f"apis/{DATA}"
    digest = hashlib.sha256(orjson.dumps(v3)).hexdigest().upper()
    return {
        f"/apis/{DATA.group}": {
            "kind": "APIGroup", "apiVersion": "v1", "name": DATA.group, "versions": [version],
            "preferredVersion": version,
        },
        ROOT: {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": str(DATA), "resources": [resource]},
        "/openapi/v2": {"swagger": "2.0", "info": TITLE, "paths": {}, "definitions": {}},
        "/openapi/v3": {"paths": {key: {"serverRelativeURL": f"/openapi/v3/{key}?hash={digest}"}}},
        f"/openapi/v3/{key}": v3,
    }  # fmt: skip


async def groups(request: Request) -> Response:
    """`/apis`: the legacy list, or aggregated discovery for newer clients."""
    group = documents()[f"/apis/{DATA.group}"]
    accept = request.headers.get("accept", "")
    if "as=APIGroupDiscoveryList" not in accept:
        return json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})
    version = "v2" if "v=v2;" in accept + ";" else "v2beta1"
    answer = json_response(aggregated(version))
    is_v2 = version == "v2"
    answer.headers["content-type"] = discovery.AGGREGATED_V2 if is_v2 else discovery.AGGREGATED_V2BETA1
    return answer


def aggregated(version: str) -> Json:
    """A resource without verbs, below which the files are: there is no object to get here."""
    kind = {"group": DATA.group, "version": DATA.version, "kind": KIND}
    resource = {
        "resource": "packetcaptures", "responseKind": kind, "scope": "Namespaced", "singularResource": "",
        "verbs": [], "subresources": [{"subresource": "files", "responseKind": kind, "verbs": VERBS}],
    }  # fmt: skip
    versions = [{"version": DATA.version, "freshness": "Current", "resources": [resource]}]
    return {
        "kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {},
        "items": [{"metadata": {"name": DATA.group}, "versions": versions}],
    }  # fmt: skip
