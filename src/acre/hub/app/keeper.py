"""Keeping one component alive."""

import asyncio
import contextlib
import ctypes
import signal
import time
from collections.abc import Callable
from typing import Any

from acre.hub.app.components import Component
from acre.hub.app.logbook import Logbook
from acre.hub.domain.restarts import restart_delay
from acre.hub.errors import ComponentFailedError

__all__ = ["Keeper"]

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 5.0
_libc = ctypes.CDLL(None)


class Keeper:
    """Starts a component, starts it again when it dies, and stops it."""

    def __init__(self, component: Component, logbook: Logbook, changed: Callable[[], None]) -> None:
        self.component = component
        self.state = "starting"
        self.restarts = 0
        self._logbook = logbook
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._last_line = ""
        self._running = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process else None

    async def keep(self) -> None:
        """Run until cancelled.

        Raises:
            ComponentFailedError: If the component dies again and again.
        """
        deaths: list[float] = []
        while True:
            code = await self._run_once()
            deaths.append(time.monotonic())
            self._say(f"ended with {_describe(code)}")
            delay = restart_delay(deaths, now=time.monotonic())
            if delay is None:
                reason = f"it ended {len(deaths)} times within a minute, last with {_describe(code)}"
                raise ComponentFailedError(
                    self.component.name, f"{reason}: {self._last_line}", self._logbook.file(self.component.name)
                )
            await asyncio.sleep(delay)
            self.restarts += 1

    async def wait_ready(self) -> None:
        """Return when the component does its work."""
        await self._running.wait()

    async def stop(self) -> None:
        """End the component: on return its process is gone."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._set("stopped")

    def to_record(self) -> dict[str, Any]:
        """Return what ``acre status`` shows."""
        return {"state": self.state, "pid": self.pid, "restarts": self.restarts}

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self.component.command, env=self.component.env, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=2**20,
            start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
            preexec_fn=_die_with_supervisor,
        )  # fmt: skip
        self._set("starting")
        ready = asyncio.create_task(self._watch())
        try:
            assert self._process.stdout is not None  # noqa: S101 -- it is a pipe
            await self._record(self._process.stdout)
            return await self._process.wait()
        finally:
            ready.cancel()
            if self._process.returncode is not None:
                self._set("restarting")

    async def _watch(self) -> None:
        while not await self.component.ready():  # noqa: ASYNC110 -- another process becomes ready, and tells nobody
            await asyncio.sleep(0.05)
        self._set("running")

    async def _record(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # a line longer than the limit; what follows is readable again
                continue
            if not line:
                return
            self._last_line = line.decode(errors="replace").rstrip()
            self._logbook.write(self.component.name, self._last_line)

    def _say(self, what: str) -> None:
        self._logbook.write("supervisor", f"WARNING: the {self.component.name} {what}")

    def _set(self, state: str) -> None:
        self.state = state
        if state == "running":
            self._running.set()
        else:
            self._running.clear()
        self._changed()


def _die_with_supervisor() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
