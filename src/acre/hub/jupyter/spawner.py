"""JupyterHub's spawner: a person's server runs in that person's pod."""

import asyncio
import contextlib
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.spawner import Spawner, SpawnException
from traitlets import Bool, Instance, Integer

from acre.hub.config import Home
from acre.hub.domain.names import check_name
from acre.hub.errors import PodFailedError, PodsUnavailableError
from acre.hub.pods import Inside, Pod, PodOrder, PodRecord, PodsClient, Sandbox, proxy_settings, tell_egress

__all__ = ["PodSpawner", "pin"]

_LARGEST_LOG = 20 * 2**20
_PAUSES_SECONDS = (0.3, 0.7, 1.0, 2.0, 4.0, 8.0)
_turns: dict[int, asyncio.Semaphore] = {}


class PodSpawner(Spawner):
    """Starts a server in a pod, finds it again after a restart of the hub, and stops it."""

    home: Home = Instance(Home).tag(config=True)
    isolated = Bool(True, config=True, help="Whether people are kept apart")
    private_network = Bool(True, config=True, help="Whether a pod has only its own loopback")
    starts_at_once = Integer(2, config=True, help="How many servers start at the same time")

    _pod: Pod | None = None
    _message = "Waiting for a turn to start"

    @property
    def _folder(self) -> Path:
        return self.home.pods / check_name(self.user.name)

    @property
    def _files(self) -> Path:
        return self.home.people / check_name(self.user.name)

    async def start(self) -> str:
        """Start the server: on return it answers.

        Raises:
            SpawnException: If it ended instead.
        """
        turn = _turns.setdefault(self.starts_at_once, asyncio.Semaphore(self.starts_at_once))
        async with turn:
            self._message = "Making your pod and starting JupyterLab in it"
            self._put_log_aside()
            await self._launch()
            await self._wait()
        return f"http+unix://{quote(str(self._socket), safe='')}"

    async def poll(self) -> int | None:
        """Return None while the pod runs."""
        return None if self._pod is not None and self._pod.is_running() else 0

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 -- JupyterHub's signature
        """End every process of the pod."""
        if self._pod is not None:
            await self._pod.stop(now=now)
            self._pod = None

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what is happening, for the page that waits."""
        told = ""
        while True:
            if self._message != told:
                told = self._message
                yield {"progress": 60 if self._pod else 20, "message": told}
            await asyncio.sleep(0.2)

    def get_state(self) -> dict[str, Any]:
        """Return how the pod is found again."""
        state: dict[str, Any] = super().get_state()
        if self._pod is not None:
            state["pod"] = {"pid": self._pod.record.pid, "created": self._pod.record.created}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the pod again after a restart of the hub."""
        super().load_state(state)
        if record := state.get("pod"):
            self._pod = Pod(PodRecord(**record), isolated=self.isolated)

    def clear_state(self) -> None:
        """Forget the pod."""
        super().clear_state()
        self._pod = None

    def get_env(self) -> dict[str, str]:
        """Return the whole environment of the server: nothing of the hub's own gets in."""
        env: dict[str, str] = super().get_env()
        home = self._home_inside()
        env.update(
            HOME=str(home),
            USER=self.user.name,
            LOGNAME=self.user.name,
            SHELL="/bin/bash",
            PATH=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            LANG=os.environ.get("LANG", "C.UTF-8"),
            ACRE_START_HERE=str(Inside.start_here if self.isolated else self.home.start_here),
            ACRE_SERVICE_SOCKET=str(self._door(self.home.service_socket)),
            JUPYTERHUB_SERVICE_URL=f"http+unix://{quote(str(self._socket_inside), safe='')}{self.server.base_url}",
            JUPYTERHUB_API_URL=f"http+unix://{quote(str(self._door(self.home.hub_socket)), safe='')}/hub/api",
        )
        if self._has_egress:
            env.update(proxy_settings())
        env["JUPYTERHUB_ACTIVITY_URL"] = f"{env['JUPYTERHUB_API_URL']}/users/{self.user.escaped_name}/activity"
        return env

    async def _launch(self) -> None:
        order = PodOrder(
            sandbox=self._sandbox() if self.isolated else None,
            arguments=[f"--ServerApp.sock={self._socket_inside}"],
            env=self.get_env(),
            folder=self._folder,
            log=self._log,
        )
        try:
            self._pod = await self._order(order)
        except PodFailedError as error:
            raise _ended(_last_line(self._log)) from error
        if self._has_egress:
            await tell_egress(self.home.egress_socket)

    @property
    def _has_egress(self) -> bool:
        return bool(self.isolated and self.private_network)

    async def _order(self, order: PodOrder) -> Pod:
        """Have the pod made; when the keeper of pods dies over it, its next one begins anew."""
        for pause in _PAUSES_SECONDS:
            self._prepare()
            with contextlib.suppress(PodsUnavailableError):
                return await PodsClient(self.home.pods_socket).start(order)
            await asyncio.sleep(pause)
        raise _refused(str(PodsUnavailableError()))

    def _put_log_aside(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))

    @property
    def _log(self) -> Path:
        return self.home.server_logs / f"{self.user.name}.log"

    def _prepare(self) -> None:
        """Make the folders of the pod, the door anew: the person may have put anything there."""
        shutil.rmtree(self._door_of_server.parent, ignore_errors=True)
        for folder in (self._files, self._folder, self._folder / "identity", self._door_of_server.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        name = self.user.name
        identity = self._folder / "identity"
        (identity / "passwd").write_text(f"{name}:x:1000:1000::{self._home_inside()}:/bin/bash\n")
        (identity / "group").write_text(f"{name}:x:1000:\n")
        (identity / "hosts").write_text("127.0.0.1 localhost acre\n::1 localhost\n")
        self._socket.unlink(missing_ok=True)

    def _sandbox(self) -> Sandbox:
        return Sandbox(
            name=self.user.name,
            home=self._files,
            doors=self.home.doors,
            folder=self._door_of_server.parent,
            start_here=self.home.start_here,
            identity=self._folder / "identity",
            network="private" if self.private_network else "open",
        )

    def _home_inside(self) -> Path:
        return self._sandbox().home_inside if self.isolated else self._files

    @property
    def _door_of_server(self) -> Path:
        """Where the server puts its socket; the person can put anything else there too."""
        return self._folder / "door" / Inside.socket.name

    @property
    def _socket(self) -> Path:
        """The same socket where the person cannot reach it: what hub and front connect to."""
        return self._folder / Inside.socket.name

    @property
    def _socket_inside(self) -> Path:
        return Inside.socket if self.isolated else self._door_of_server

    def _door(self, path: Path) -> Path:
        return Inside.doors / path.name if self.isolated else path

    async def _wait(self) -> None:
        while not pin(self._door_of_server, self._socket):
            if await self.poll() is not None:
                raise _ended(_last_line(self._log))
            await asyncio.sleep(0.02)


def _ended(last: str) -> SpawnException:
    sentence = (
        f"Your server ended while it started. The last it said: {last}. "
        "Try again; if it happens again, show this to an administrator."
    )
    return _refused(sentence)


def _refused(sentence: str) -> SpawnException:
    error = SpawnException(sentence, reason="exited")
    error.jupyterhub_message = sentence  # what JupyterHub shows instead of the exception's own text
    return error


def pin(source: Path, target: Path) -> bool:
    """Give a socket a second name, and return whether it is there.

    A hard link and no path: a person who later puts a symbolic link in place of the socket would otherwise lead
    the front to any socket of the machine.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except (FileNotFoundError, PermissionError):  # nothing is there, or a folder
        return False
    if stat.S_ISSOCK(target.lstat().st_mode):
        return True
    target.unlink()
    return False


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError), log.open("rb") as stream:  # the person wrote it, and may have written much
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - 4096))
        if lines := stream.read().decode(errors="replace").strip().splitlines():
            return lines[-1][:300]
    return "nothing"
