"""One listener in every pod; which pod it is in says whose connections they are."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from acre.hub.egress import porter
from acre.hub.pods import EGRESS_PORT, PodRecord, find

__all__ = ["Gate", "Serve", "open_listener"]

Serve = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection of one person until it ends; told the person's name."""

_JOINING_AT_ONCE = 2
_BUFFER = 2**16
_TOO_MANY = b"HTTP/1.1 503 Your pod has too many connections open; close some\r\nConnection: close\r\n\r\n"


@dataclass
class _Listener:
    record: PodRecord
    server: asyncio.Server
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    def close(self) -> None:
        self.server.close()
        for connection in self.connections:
            connection.cancel()


class Gate:
    """Listens in every pod that is recorded, and hands what comes to ``serve``."""

    def __init__(self, pods: Path, serve: Serve, *, connections: int, say: Callable[[str], None]) -> None:
        self._pods = pods
        self._serve = serve
        self._most = connections
        self._say = say
        self._listeners: dict[str, _Listener] = {}
        self._looking = asyncio.Lock()
        self._turns = asyncio.Semaphore(_JOINING_AT_ONCE)

    async def look(self) -> None:
        """Listen in pods that are new, and leave those that ended."""
        async with self._looking:
            there = {folder.name: pod.record for folder in self._pods.iterdir() if (pod := find(folder))}
            for name, listener in list(self._listeners.items()):
                if there.get(name) != listener.record:
                    self._listeners.pop(name).close()
            new = {name: record for name, record in there.items() if name not in self._listeners}
            await asyncio.gather(*(self._open(name, record) for name, record in new.items()))

    async def close(self) -> None:
        """End every connection: on return all are accounted for."""
        listeners = list(self._listeners.values())
        for listener in listeners:
            listener.close()
        await asyncio.gather(*(one for each in listeners for one in each.connections), return_exceptions=True)

    async def _open(self, name: str, record: PodRecord) -> None:
        try:
            async with self._turns:
                inside = await open_listener(record.pid, EGRESS_PORT)
        except OSError as error:
            if record.process() is not None:
                self._say(f"{name} has no way out of the pod: {error.strerror or error}. It is tried again")
            return
        if record.process() is None:  # it ended meanwhile: another process may have had its number
            inside.close()
            return
        connections: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 -- asyncio runs this in one
            try:
                if len(connections) >= self._most:
                    writer.write(_TOO_MANY)
                    return
                connections.add(task)
                await self._serve(name, reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()
            finally:
                connections.discard(task)
                writer.close()

        server = await asyncio.start_server(accept, sock=inside, limit=_BUFFER)
        self._listeners[name] = _Listener(record, server, connections)


async def open_listener(pid: int, port: int) -> socket.socket:
    """Return a socket that listens on the loopback of a process's network.

    Raises:
        OSError: If that cannot be done; the text says why.
    """
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as both:
        both.enter_context(ours)
        with theirs:
            program = [sys.executable, "-I", "-S", porter.__file__, str(pid), str(theirs.fileno()), str(port)]
            process = await asyncio.create_subprocess_exec(
                *program, pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
        _, errors = await process.communicate()
        if process.returncode != 0:
            why = errors.decode(errors="replace").strip().splitlines()
            raise OSError(f"joining its network failed: {why[-1] if why else process.returncode}")
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=descriptors[0])
