"""What lies outside of the cluster? One web server, which answers every request with a line.

    outside.py ADDRESS

Runs in the control plane's network. lib/dns.yaml gives it the names that practice pods ask for; no other names exist.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"The outside world\n"


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(PAGE)


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], 80), Page).serve_forever()
