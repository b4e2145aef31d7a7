"""HTTP/1.1 over a stream, with what passed counted."""

import asyncio
import contextlib

import h11

from acre.hub.egress.dial import Stream

__all__ = ["Wire"]

_PIECE = 2**16
_LARGEST_HEAD = 2**16
_LINGER_SECONDS = 2.0
_MOST_LINGERING = 2**22


class Wire:
    """One end of a connection, in HTTP's events.

    Attributes:
        received: Bytes that came.
        sent: Bytes that went.
    """

    def __init__(self, stream: Stream, role: type[h11.SERVER] | type[h11.CLIENT]) -> None:
        self.reader, self.writer = stream
        self.received = 0
        self.sent = 0
        self.http = h11.Connection(role, max_incomplete_event_size=_LARGEST_HEAD)

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        """Return what the other end said next.

        Raises:
            h11.RemoteProtocolError: If it is not HTTP.
        """
        while True:
            event = self.http.next_event()
            if event is h11.PAUSED or isinstance(event, h11.Event):
                return event
            self.http.receive_data(await self.read())

    async def send(self, event: h11.Event) -> None:
        """Say something, and wait until the other end can take more."""
        await self.write(self.http.send(event) or b"")

    async def read(self) -> bytes:
        """Return bytes as they come; none at the end."""
        data = await self.reader.read(_PIECE)
        self.received += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """Pass bytes on."""
        self.sent += len(data)
        self.writer.write(data)
        await self.writer.drain()

    def finish(self) -> None:
        """Say that nothing more comes."""
        with contextlib.suppress(OSError):
            self.writer.write_eof()

    async def linger(self) -> None:
        """Take what still comes, for a moment: a closed door would make the system discard our last words."""
        self.finish()
        limit = self.received + _MOST_LINGERING
        with contextlib.suppress(OSError):  # TimeoutError is one
            async with asyncio.timeout(_LINGER_SECONDS):
                while self.received < limit and await self.read():
                    pass
