"""One connection of a pod: understand what is asked, connect, pass on, and account for it."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from acre.hub.domain.egress import Address, check_host
from acre.hub.egress.dial import Dialer, NoWayError, Stream
from acre.hub.egress.relay import end_to_end, forward, tunnel
from acre.hub.egress.wire import Wire

__all__ = ["Exchange", "Target", "target_of"]

_HEAD_SECONDS = 20.0
_DECISIONS = {403: "refused", 502: "failed", 504: "failed"}
_BODY = {b"content-length", b"transfer-encoding"}


@dataclass(frozen=True)
class Target:
    """Where a request wants to go.

    Attributes:
        path: What the host itself is asked; empty for a tunnel. It is passed on and never written down.
    """

    host: str | Address
    port: int
    path: bytes = b""

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in str(self.host) else str(self.host)
        return host if self.port == 80 else f"{host}:{self.port}"  # noqa: PLR2004 -- HTTP's own


class Exchange:
    """One connection from its first byte to its line in the log."""

    def __init__(self, person: str, dialer: Dialer, *, account: Callable[[dict[str, Any]], None]) -> None:
        self._person = person
        self._dialer = dialer
        self._account = account
        self._target: Target | None = None
        self._server: Wire | None = None
        self._began = time.monotonic()

    async def run(self, stream: Stream) -> None:
        """Serve the connection until it ends; afterwards it is accounted for, whatever ended it."""
        client = Wire(stream, h11.SERVER)
        decision, why = "allowed", ""
        try:
            await self._serve(client)
        except NoWayError as error:
            decision, why = _DECISIONS.get(error.status, "malformed"), str(error)
            await _refuse(client, error)
        except (OSError, h11.ProtocolError) as error:  # either end went away or broke the rules half-way
            decision = "allowed" if self._server else "failed"
            why = f"It broke off: {type(error).__name__}"
            await _refuse(
                client, NoWayError(502, "The connection to the host broke off before it answered. Try again.")
            )
        finally:
            if self._server is not None:
                self._server.writer.close()
            if client.received:  # not for a connection that was only tried
                self._account(self._line(decision, why))

    async def _serve(self, client: Wire) -> None:
        request = await _head(client)
        self._target = target = target_of(request.method, request.target)
        server = Wire(await self._dialer.dial(target.host, target.port), h11.CLIENT)
        self._server = server
        if request.method == b"CONNECT":
            await tunnel(client, server)
        else:
            await forward(client, server, _outgoing(request, target))
            await client.linger()

    def _line(self, decision: str, why: str) -> dict[str, Any]:
        target, server = self._target, self._server
        up, down = (server.sent, server.received) if server else (0, 0)
        seconds = round(time.monotonic() - self._began, 3)
        host, port = (str(target.host), target.port) if target else ("", 0)
        message = (
            f"{self._person} to {host or 'nowhere'} port {port}: {decision}, {up} B up, {down} B down, {seconds} s"
        )
        return {
            "level": "info" if decision == "allowed" else "warning", "message": message, "person": self._person,
            "host": host, "port": port, "decision": decision, "why": why, "up": up, "down": down, "seconds": seconds,
        }  # fmt: skip


def target_of(method: bytes, target: bytes) -> Target:
    """Return where a request wants to go.

    Raises:
        NoWayError: If it says so in no form that a proxy understands; the sentence does not repeat it, since a path
            may hold a secret.
    """
    text = target.decode("latin-1")
    try:
        if method == b"CONNECT":
            parts = urlsplit(f"//{text}")
            if parts.port is None or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
                raise NoWayError(400, "A tunnel needs a host and a port, as in: CONNECT example.org:443")
            return Target(check_host(parts.hostname or ""), parts.port)
        parts = urlsplit(text)
        if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
            raise NoWayError(400, "This is the way out of your pod, a proxy for http:// and, by CONNECT, https:// only")
        port = 80 if parts.port is None else parts.port
        rest = text[len("http://") + len(parts.netloc) :].partition("#")[0]
        path = rest if rest.startswith("/") else f"/{rest}"
        return Target(check_host(parts.hostname), port, path.encode("latin-1"))
    except ValueError as error:
        raise NoWayError(400, "The host or port in the address is not valid") from error


async def _head(client: Wire) -> h11.Request:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            event = await client.next_event()
    except TimeoutError as error:
        raise NoWayError(408, "Your program opened a connection and did not say what it wants") from error
    except h11.RemoteProtocolError as error:
        raise NoWayError(error.error_status_hint, "What your program said is not HTTP, or too long") from error
    if not isinstance(event, h11.Request):
        raise ConnectionResetError
    if event.method == b"CONNECT" and any(key in _BODY and value != b"0" for key, value in event.headers):
        raise NoWayError(400, "A request for a tunnel has no body")
    return event


async def _refuse(client: Wire, error: NoWayError) -> None:
    """Say no, unless an answer has begun; in the status line too: of a refused tunnel most programs show no more."""
    body = f"{error}\n".encode()
    reason = str(error).encode("ascii", errors="replace")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    answer = h11.Response(status_code=error.status, headers=headers, reason=reason)
    with contextlib.suppress(OSError, h11.ProtocolError):  # who does not listen need not be told
        await client.send(answer)
        await client.send(h11.Data(data=body))
        await client.send(h11.EndOfMessage())
        await client.linger()


def _outgoing(request: h11.Request, target: Target) -> h11.Request:
    """Return the request as the host gets it: its ``Host`` is where it really goes, whatever the program wrote."""
    host = target.authority.encode("ascii")
    headers = [(b"Host", host), *end_to_end(request.headers.raw_items(), b"host"), (b"Connection", b"close")]
    return h11.Request(method=request.method, target=target.path, headers=headers)
