"""Passing on: a tunnel byte by byte, plain HTTP event by event; both end when nothing moves for long."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator

import h11

from acre.hub.egress.wire import Wire

__all__ = ["end_to_end", "forward", "tunnel"]

IDLE_SECONDS = 900.0
"""Long, since who asks for a computation elsewhere may wait for its answer in silence."""

_STEP_SECONDS = 5.0
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te"}
    | {b"trailer", b"upgrade"}
)
_FRAMING = {b"host", b"content-length", b"transfer-encoding"}
_Touch = Callable[[], None]
_Work = Callable[[Wire, Wire, _Touch], Coroutine[None, None, None]]


def end_to_end(headers: Iterable[tuple[bytes, bytes]], *without: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers that are meant for the other end: not those for this proxy (RFC 9110, section 7.6.1)."""
    plain = [(name.lower(), name, value) for name, value in headers]
    named = {one.strip() for key, _, value in plain if key == b"connection" for one in value.lower().split(b",")}
    dropped = _HOP_BY_HOP.union(without, named - _FRAMING)
    if any(key == b"transfer-encoding" for key, _, _ in plain):
        dropped |= {b"content-length"}  # two lengths would let two readers disagree
    yield from ((name, value) for key, name, value in plain if key not in dropped)


async def tunnel(client: Wire, server: Wire) -> None:
    """Answer a CONNECT, and pass bytes in both directions until the server has ended.

    Raises:
        OSError: If one breaks off, or nothing moves for long.
        h11.ProtocolError: If what came is no CONNECT without a body.
    """
    await client.next_event()  # the end of the request: its beginning was checked to have no body
    await client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
    early, _ = client.http.trailing_data
    if early:
        await server.write(early)
    await _both(client, server, up=_pump, down=_pump)


async def forward(client: Wire, server: Wire, request: h11.Request) -> None:
    """Pass a request on, and its answer back; the answer ends it.

    Raises:
        OSError: If one breaks off, or nothing moves for long.
        h11.ProtocolError: If one does not speak HTTP.
    """
    await server.send(request)
    await _both(client, server, up=_upload, down=_download)


async def _both(client: Wire, server: Wire, *, up: _Work, down: _Work) -> None:
    """Work in both directions until the one that comes down has ended, or either fails."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(IDLE_SECONDS) as patience:

        def touch() -> None:
            until = loop.time() + IDLE_SECONDS
            if until - (patience.when() or 0) > _STEP_SECONDS:
                patience.reschedule(until)

        upward = asyncio.create_task(up(client, server, touch))
        downward = asyncio.create_task(down(server, client, touch))
        waiting = {upward, downward}
        try:
            while not downward.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (upward, downward):
                task.cancel()
            await asyncio.gather(upward, downward, return_exceptions=True)


async def _pump(source: Wire, sink: Wire, touch: _Touch) -> None:
    while data := await source.read():
        touch()
        await sink.write(data)
    sink.finish()


async def _upload(client: Wire, server: Wire, touch: _Touch) -> None:
    while isinstance(event := await client.next_event(), h11.Data | h11.EndOfMessage):
        touch()
        try:
            await server.send(event)
        except OSError:  # it takes no more, and may have answered why
            return
        if isinstance(event, h11.EndOfMessage):
            return


async def _download(server: Wire, client: Wire, touch: _Touch) -> None:
    while True:
        event = await server.next_event()
        touch()
        if isinstance(event, h11.InformationalResponse):
            await client.send(h11.InformationalResponse(status_code=event.status_code, headers=[]))
        elif isinstance(event, h11.Response):
            headers = [*end_to_end(event.headers.raw_items()), (b"Connection", b"close")]
            await client.send(h11.Response(status_code=event.status_code, headers=headers, reason=event.reason))
        elif isinstance(event, h11.Data | h11.EndOfMessage):
            await client.send(event)
        if isinstance(event, h11.EndOfMessage):
            return
        if not isinstance(event, h11.InformationalResponse | h11.Response | h11.Data):
            raise ConnectionResetError
