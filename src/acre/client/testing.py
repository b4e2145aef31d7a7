"""A pretend Acre service, for tests of code that asks for clusters."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

from acre.wire.record import Record

__all__ = ["Asked", "pretend_service"]


@dataclass(frozen=True)
class Asked:
    """One request that the pretend service received."""

    path: str
    token: str
    body: bytes


@contextlib.contextmanager
def pretend_service(socket: Path, answer: Record, *, status: int = 200) -> Iterator[list[Asked]]:
    """Serve on a unix socket, give every request the same answer, and yield the list of what was asked.

    Args:
        socket: Where to listen; at most some 100 characters.
        answer: A ``ClusterGrant``, or a ``Refusal`` with a ``status`` of 400 or more.
        status: The HTTP status of the answer.
    """
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(Asked(self.path, self.headers.get("Authorization", ""), body))
            content = answer.model_dump_json().encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def address_string(self) -> str:
            return "unix"

    with ThreadingUnixStreamServer(str(socket), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield asked
        finally:
            server.shutdown()
