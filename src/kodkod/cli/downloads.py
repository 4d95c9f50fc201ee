"""How is a file fetched from an address that somebody typed?

Bounded in size and time; redirects stay on the host that was named; the address we are connected to is checked, not
only its name, so that a name cannot lead us into the local network. Proxies of the environment are not used: behind
one, the address could not be checked.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from urllib.parse import SplitResult, urljoin, urlsplit

BYTES_MAX = 128 * 1024 * 1024
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
TOTAL_TIMEOUT_S = 300.0
REDIRECTS_MAX = 5
CHUNK = 256 * 1024
_REDIRECTS = {301, 302, 303, 307, 308}


class DownloadError(Exception):
    """Nothing was fetched. Never holds the query of the address, which may be a secret."""


def fetch(url: str, *, allow_private: bool = False) -> bytes:
    """The content behind an http or https address. Raises DownloadError.

    allow_private: also connect to loopback, link-local and private addresses.
    """
    deadline = time.monotonic() + TOTAL_TIMEOUT_S
    named = urlsplit(url)
    for _ in range(REDIRECTS_MAX + 1):
        status, location, content = _get(urlsplit(url), deadline, allow_private=allow_private)
        if location is None:
            if status != http.client.OK:
                raise DownloadError(f"{_shown(named)}: the server answered {status}")
            return content
        url = urljoin(url, location)
        _check_redirect(named, urlsplit(url))
    raise DownloadError(f"{_shown(named)}: more than {REDIRECTS_MAX} redirects")


def _check_redirect(named: SplitResult, target: SplitResult) -> None:
    if target.hostname != named.hostname or (named.scheme == "https" and target.scheme != "https"):
        raise DownloadError(
            f"{_shown(named)}: redirects to {_shown(target)}, another place; name that one if you trust it"
        )


def _get(url: SplitResult, deadline: float, *, allow_private: bool) -> tuple[int, str | None, bytes]:
    """Status, where it redirects to, content."""
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise DownloadError(f"{_shown(url)}: only http and https addresses")
    try:
        connection = _connect(url, url.hostname, allow_private=allow_private)
        try:
            path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
            connection.request("GET", path, headers={"User-Agent": "kodkod", "Accept-Encoding": "identity"})
            response = connection.getresponse()
            if response.status in _REDIRECTS:
                return response.status, response.headers.get("Location", ""), b""
            return response.status, None, _body(url, response, deadline)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{_shown(url)}: {error or type(error).__name__}") from error


def _connect(url: SplitResult, host: str, *, allow_private: bool) -> http.client.HTTPConnection:
    port = url.port or (443 if url.scheme == "https" else 80)
    sock = _socket(url, host, port, allow_private=allow_private)
    if url.scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    sock.settimeout(READ_TIMEOUT_S)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = sock
    return connection


def _socket(url: SplitResult, host: str, port: int, *, allow_private: bool) -> socket.socket:
    """Connect to the first address of the name that answers and that we may use."""
    refused: OSError | None = None
    for _, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not (ip.is_global or allow_private):
            raise DownloadError(f"{_shown(url)}: {ip} is not a public address; --allow-private permits it")
        try:
            return socket.create_connection((str(ip), port), timeout=CONNECT_TIMEOUT_S)
        except OSError as error:
            refused = error
    raise refused or OSError("the name has no address")


def _body(url: SplitResult, response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole body; http.client itself raises IncompleteRead where the server hangs up too early."""
    pieces: list[bytes] = []
    length = 0
    while chunk := response.read(CHUNK):
        length += len(chunk)
        if length > BYTES_MAX:
            raise DownloadError(f"{_shown(url)}: larger than {BYTES_MAX} bytes")
        if time.monotonic() > deadline:
            raise DownloadError(f"{_shown(url)}: took longer than {TOTAL_TIMEOUT_S:.0f} s")
        pieces.append(chunk)
    expected = response.headers.get("Content-Length")
    if expected is not None and expected.isdigit() and int(expected) != length:
        raise DownloadError(f"{_shown(url)}: {length} of {expected} bytes arrived; try again")
    return b"".join(pieces)


def _shown(url: SplitResult) -> str:
    """Without user, password, query and fragment."""
    return f"{url.scheme}://{url.hostname or ''}{f':{url.port}' if url.port else ''}{url.path}"
