"""Starting pods: with a program of their own, or waiting for one that joins them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from acre.hub.errors import PodFailedError
from acre.hub.pods.pod import Pod, record
from acre.hub.pods.sandbox import Sandbox, command

__all__ = ["launch", "launch_waiting", "reading"]

_SECONDS = 10.0
_WAIT = ["/bin/sh", "-c", "trap '' TERM INT HUP; echo; read _"]
"""Says that the pod is finished, and ends when nobody holds the other end of its input any more: with its server."""


async def launch(sandbox: Sandbox | None, program: list[str], *, env: dict[str, str], folder: Path, log: Path) -> Pod:
    """Start a program in a new pod; a normal return means that the program was started, not that it is ready.

    Args:
        sandbox: What the pod sees; None runs the program without isolation.
        program: The command.
        env: The whole environment of the program.
        folder: Where the pod is recorded.
        log: What the program prints goes to this file, after what is there.

    Raises:
        PodFailedError: If it ended at once; the log says why.
    """
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        if sandbox is not None:
            pid = await _bubble(sandbox, program, env=env, stdin=asyncio.subprocess.DEVNULL, log=output.fileno())
            return record(folder, pid, isolated=True)
        process = await asyncio.create_subprocess_exec(
            *program, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, cwd=env["HOME"],
        )  # fmt: skip
        return record(folder, process.pid, isolated=False)


@asynccontextmanager
async def launch_waiting(sandbox: Sandbox, *, folder: Path, log: int) -> AsyncIterator[tuple[Pod, int]]:
    """Give a finished pod in which nothing runs yet, and what keeps it alive.

    Args:
        sandbox: What the pod sees.
        folder: Where the pod is recorded.
        log: A descriptor; bubblewrap says there why it could not make the pod.

    Yields:
        The pod, and a descriptor; the pod ends as soon as no process holds that one open. Ours is closed at the end.

    Raises:
        PodFailedError: If the pod could not be made; the log says why.
    """
    waits, alive = os.pipe()
    ready, says = os.pipe()
    try:
        try:
            pid = await _bubble(sandbox, _WAIT, env={"PATH": "/usr/bin:/bin"}, stdin=waits, log=log, output=says)
        except PodFailedError:
            os.close(ready)
            raise
        finally:
            os.close(waits)
            os.close(says)
        pod = record(folder, pid, isolated=True)
        # Bubblewrap tells the number before the sandbox is finished: who joins then lands in a half-made one.
        if not await reading(ready, asyncio.StreamReader.readline):
            raise PodFailedError
        yield pod, alive
    finally:
        os.close(alive)


async def reading(descriptor: int, read: Callable[[asyncio.StreamReader], Awaitable[bytes]]) -> bytes:
    """Read from a pipe and close it.

    Returns:
        What was read; nothing when the other end was closed before, or did not write in time.
    """
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        return await asyncio.wait_for(read(reader), _SECONDS)
    except (asyncio.IncompleteReadError, TimeoutError):
        return b""
    finally:
        transport.close()


async def _bubble(
    sandbox: Sandbox, program: list[str], *, env: dict[str, str], stdin: int, log: int, output: int | None = None
) -> int:
    """Start bubblewrap, and return the number of the pod's first process."""
    info, write = os.pipe()
    try:
        await asyncio.create_subprocess_exec(
            *command(sandbox, program, info_fd=write), env=env, stdin=stdin, stdout=log if output is None else output,
            stderr=log, pass_fds=[write], start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        os.close(info)
        raise PodFailedError(str(error)) from error
    finally:
        os.close(write)
    note = await reading(info, lambda reader: reader.readuntil(b"}"))  # the record comes in pieces
    if not note:
        raise PodFailedError
    return int(json.loads(note)["child-pid"])
