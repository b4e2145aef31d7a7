"""The environment as one tree of processes: all of it runs, or none."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import acre
from acre.hub.app.components import components
from acre.hub.app.front import front_config
from acre.hub.app.keeper import Keeper
from acre.hub.app.logbook import Logbook
from acre.hub.app.orphans import adopt_orphans, bury_dead, end_descendants
from acre.hub.config import Config, Home, freeze
from acre.hub.errors import AlreadyRunningError, ComponentFailedError
from acre.hub.pods import recorded

__all__ = ["Supervisor", "locked", "read_state"]

_READY_SECONDS = 60.0
_BURY_SECONDS = 5.0
_LOCK_SECONDS = 1.0
STARTING_PAGE = Path(__file__).parent.parent / "jupyter" / "static" / "starting.html"


class Supervisor:
    """Starts front, hub, service and the keeper of pods, keeps them alive, and ends them together."""

    def __init__(self, config: Config, home: Home) -> None:
        self._config = config
        self._home = home
        self._logbook = Logbook(home.logs, megabytes=config.logs.megabytes)
        self._began = time.time()
        caddy_file = home.run / "front.json"
        caddy_file.write_text(json.dumps(front_config(config, home, STARTING_PAGE), indent=1))
        freeze(config, home)
        self._keepers = [Keeper(one, self._logbook, self._write_state) for one in components(config, home, caddy_file)]
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()

    async def start(self) -> None:
        """Start everything: on return all of it works.

        Raises:
            ComponentFailedError: If a component does not come up.
        """
        self._catch_signals()
        adopt_orphans()
        self._tasks = [asyncio.create_task(keeper.keep()) for keeper in self._keepers]
        self._tasks.append(asyncio.create_task(self._bury_dead()))
        ready = asyncio.create_task(self._all_ready())
        await self._first_of(ready, patience=_READY_SECONDS)
        if not ready.done() and not self._ended.is_set():
            ready.cancel()
            late = next(keeper.component.name for keeper in self._keepers if keeper.state != "running")
            raise ComponentFailedError(
                late, f"it was not ready after {_READY_SECONDS:.0f} seconds", self._logbook.file(late)
            )

    async def run(self) -> None:
        """Wait until somebody ends the environment.

        Raises:
            ComponentFailedError: If a component cannot be kept alive.
        """
        await self._first_of()

    async def stop(self) -> None:
        """End everything: on return no process is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        front, *others = reversed(self._keepers)
        await front.stop()
        await asyncio.gather(*(pod.stop() for pod in recorded(self._home.pods)))
        for keeper in others:
            await keeper.stop()
        end_descendants()
        shutil.rmtree(self._home.run)

    async def _all_ready(self) -> None:
        await asyncio.gather(*(keeper.wait_ready() for keeper in self._keepers))

    async def _first_of(self, *others: asyncio.Task[None], patience: float | None = None) -> None:
        """Wait for another task, for somebody who ends the environment, or for a component that failed."""
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait({*self._tasks, *others, ended}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _bury_dead(self) -> None:
        while True:
            await asyncio.sleep(_BURY_SECONDS)
            bury_dead({pid for keeper in self._keepers if (pid := keeper.pid) is not None})

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ended.set)

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "version": acre.__version__,
            "address": self._config.front.url,
            "began": self._began,
            "components": {keeper.component.name: keeper.to_record() for keeper in self._keepers},
        }
        draft = self._home.state_file.with_suffix(".draft")
        try:
            draft.write_text(json.dumps(state))
            draft.rename(self._home.state_file)
        except OSError as error:  # a full disk makes ``acre status`` old, and must not end the environment
            self._logbook.write("supervisor", f"WARNING: the state could not be written: {error}")


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Hold the home, so that no second environment uses it.

    Raises:
        AlreadyRunningError: If one does.
    """
    with home.lock_file.open("a+") as lock:
        _take(lock, home)
        run = os.open(home.run, os.O_RDONLY)
        try:
            fcntl.flock(run, fcntl.LOCK_SH)  # who cleans /tmp by age leaves a locked folder alone: tmpfiles.d(5)
            yield
        finally:
            os.close(run)


def _take(lock: IO[str], home: Home) -> None:
    """Try for a moment, since ``acre status`` holds the lock while it looks."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            state = read_state(home)
            if state is not None or time.monotonic() > deadline:
                raise AlreadyRunningError(home.root, state["pid"] if state else None) from error
            time.sleep(0.05)
        else:
            return


def read_state(home: Home) -> dict[str, Any] | None:
    """Return what the running supervisor says of itself; None when none runs."""
    try:
        with home.lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError):
            state: dict[str, Any] = json.loads(home.state_file.read_text())
            return state
    except OSError:
        return None
    return None
