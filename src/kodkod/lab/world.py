"""Who lives in the practice cluster? The workshop's workloads and Services, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NODE_PAUSE_S = 3
POD_USER = 64123
"""Number of the unprivileged user that everything in a pod runs as; no account of the host has it."""
CLUSTER_DOMAIN = "cluster.local"
OUTSIDE_NAMES = (
    "www.google.com", "google.com", "www.example.com", "example.com", "www.restricted.com", "restricted.com",
)  # fmt: skip
"""The names of the world outside that the workshop asks for. In the lab they lead to a web server of the lab."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of pod.

    deployed: made by a Deployment, so its pods are called `{name}-{hash}-{id}`; a bare pod is called `name`.
    site: port and page title of its nginx; None runs `script` in a shell instead.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    image: str
    script: str = ""
    port: int | None = None
    replicas: int = 1
    deployed: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """selector: labels of the pods behind it, in `behind` (its own namespace unless it says another)."""

    namespace: str
    name: str
    selector: Mapping[str, str]
    port: int = 80
    target_port: int = 80
    behind: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class World:
    namespaces: Mapping[str, Mapping[str, str]]
    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    outside_names: tuple[str, ...] = field(default=OUTSIDE_NAMES)


def loop(target: str, every_s: int = NODE_PAUSE_S) -> str:
    """The workshop's traffic: one request every few seconds, its answer's code in the pod's log."""
    request = f"curl -m3 -s -o /dev/null -w '%{{http_code}} {target}\\n' {target}"
    return f"while :; do {request}; sleep {every_s}; done"


IDLE = "exec sleep infinity"

WORKSHOP = World(
    namespaces=MappingProxyType(
        {
            "default": {},
            "dev": {"compliance": "open", "environment": "development"},
            "uat": {"environment": "testing"},
        }
    ),
    workloads=(
        Workload(
            "dev", "dev-nginx", {"app": "nginx", "security": "strict"}, "nginx", port=80, replicas=2, deployed=True
        ),
        Workload("dev", "centos", {"app": "centos"}, "centos", script=loop("http://nginx-svc")),
        Workload("dev", "netshoot", {"app": "netshoot"}, "netshoot", script=loop("http://nginx-svc")),
        # uat stays silent: a loop from here would be the lateral movement that an alert of the workshop waits for.
        Workload("uat", "netshoot", {"app": "netshoot"}, "netshoot", script=IDLE),
        Workload("default", "frontend", {"app": "frontend"}, "frontend", port=8080, deployed=True),
        Workload(
            "default", "loadgenerator", {"app": "loadgenerator"}, "loadgenerator", script=loop("http://frontend"),
            deployed=True,
        ),
    ),
    services=(
        Service("dev", "nginx-svc", {"app": "nginx"}),
        Service("uat", "nginx-svc", {"app": "nginx"}, behind="dev"),
        Service("default", "frontend", {"app": "frontend"}, target_port=8080),
        Service("default", "frontend-external", {"app": "frontend"}, target_port=8080, external=True),
    ),
)  # fmt: skip


def nginx_configuration(port: int) -> str:
    """A small site that an unprivileged nginx can serve from a read-only root."""
    temporary = "\n".join(
        f"  {name}_temp_path /tmp/nginx-{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
{temporary}
  access_log /dev/stdout;
  default_type text/html;
  server {{
    listen {port} default_server;
    root /srv/www;
  }}
}}
"""


def page(title: str) -> str:
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n<p>A practice pod of Kodkod's lab.</p>\n"
