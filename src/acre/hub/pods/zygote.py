"""The keeper's side of the zygote: it is started, asked for servers, and started again when it dies."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from acre.hub.domain.restarts import restart_delay
from acre.hub.errors import ZygoteFailedError
from acre.hub.pods.launching import reading
from acre.wire.pods import DONE, READY, ServerOrder

__all__ = ["Zygote"]

_READY_SECONDS = 20.0
_LONGEST_PAUSE = 30.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_log = logging.getLogger(__name__)


class Zygote:
    """A process that forks servers."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self._door: socket.socket | None = None
        self._ready = asyncio.Event()
        self._broken = False
        self._turn = asyncio.Lock()

    async def keep(self) -> None:
        """Keep one alive until cancelled; servers that were forked are not touched by its death."""
        deaths: list[float] = []
        while True:
            try:
                how = f"ended with code {await self._run_once()}"
            except OSError as error:
                how = f"does not start: {error}"
                self._broken = True
            self._ready.clear()
            deaths.append(time.monotonic())
            _log.warning("The zygote %s; servers that run are not touched, and another one is started", how)
            delay = restart_delay(deaths, now=time.monotonic())
            await asyncio.sleep(_LONGEST_PAUSE if delay is None else delay)

    async def ask(self, order: ServerOrder, *, pod: int, log: int, alive: int) -> None:
        """Have a server started in a pod: on return it runs there, without any privilege.

        Args:
            order: Which server.
            pod: The pod's first process.
            log: The descriptor for what it prints.
            alive: The descriptor that it holds open.

        Raises:
            ZygoteFailedError: If there is no zygote, or its child could not become the server.
        """
        if self._broken:
            raise ZygoteFailedError("it ends before it is ready")
        try:
            await asyncio.wait_for(self._ready.wait(), _READY_SECONDS)
        except TimeoutError as error:
            raise ZygoteFailedError("it is not ready") from error
        async with self._turn:
            report, write = os.pipe()
            try:
                self._send(order, pod, [log, write, alive])
            except OSError as error:
                os.close(report)
                raise ZygoteFailedError(str(error)) from error
            finally:
                os.close(write)
            answer = await reading(report, asyncio.StreamReader.readline)
        if not answer:
            self._replace()
            raise ZygoteFailedError("neither it nor its child said a word")
        if answer != DONE:
            raise ZygoteFailedError(answer.decode(errors="replace"))

    def _send(self, order: ServerOrder, pod: int, descriptors: list[int]) -> None:
        if self._door is None:
            raise ZygoteFailedError("it has just ended")
        process = os.open(f"/proc/{pod}", os.O_RDONLY | os.O_DIRECTORY)
        try:
            socket.send_fds(self._door, [order.to_bytes()], [process, *descriptors])
        finally:
            os.close(process)

    def _replace(self) -> None:
        """End a zygote that may hang, so that nobody else waits for it."""
        self._ready.clear()
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    async def _run_once(self) -> int:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            ours.setblocking(False)
            with its, _sealed_interpreter() as (interpreter, passed):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "acre.server.zygote", str(its.fileno()), executable=interpreter,
                    env={name: os.environ[name] for name in _KEPT if name in os.environ},
                    stdin=asyncio.subprocess.DEVNULL, pass_fds=[its.fileno(), *passed], cwd="/",
                )  # fmt: skip
            self.pid = process.pid
            try:
                if await asyncio.get_running_loop().sock_recv(ours, len(READY)) == READY:
                    self._door, self._broken = ours, False
                    self._ready.set()
                    _log.info("The zygote is ready, process %d", process.pid)
                else:
                    self._broken = True
                return await process.wait()
            finally:
                self.pid = self._door = None


@contextlib.contextmanager
def _sealed_interpreter() -> Iterator[tuple[str, list[int]]]:
    """Give a path of the interpreter that no pod can write through, and the descriptors that it needs.

    A child of the zygote was not executed in its pod, so ``/proc/self/exe`` leads past the pod's read-only mounts to
    the machine's own file. Where the hub's user may write it, that would be a way out: so a sealed copy is executed.
    """
    file = Path(sys.executable).resolve()
    if not os.access(file, os.W_OK):
        yield sys.executable, []
        return
    copy = os.memfd_create(file.name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(copy), "wb") as stream:
            stream.write(file.read_bytes())
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
        yield f"/proc/self/fd/{copy}", [copy]
    finally:
        os.close(copy)
