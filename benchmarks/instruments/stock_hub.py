"""A stock JupyterHub with SimpleLocalProcessSpawner, as a peer."""

import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import psutil
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from acre.hub.app.visitor import Kernel
from benchmarks.instruments.processes import PATIENCE, end, free_port, start, wait_for_page

if TYPE_CHECKING:
    import subprocess

__all__ = ["NAME", "StockHub"]

NAME = f"JupyterHub {version('jupyterhub')}, SimpleLocalProcessSpawner, asked with a token and without a proxy"
CONFIG = Path(__file__).with_name("stock_hub_config.py")


class StockHub:
    """The peer, for one person at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hub = f"http://127.0.0.1:{(hub_port := free_port())}/hub"
        self._server = f"http://127.0.0.1:{(server_port := free_port())}"
        token = secrets.token_hex(16)
        self._settings = {
            "STOCK_HUB_PORT": str(hub_port),
            "STOCK_SERVER_PORT": str(server_port),
            "STOCK_HUB_TOKEN": token,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        }
        self._headers = {"Authorization": f"token {token}"}
        self._http = httpx.Client(headers=self._headers, timeout=PATIENCE)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def in_folder(cls) -> Iterator[Self]:
        """Give a peer that is not started yet; whatever runs at the end is stopped."""
        folder = Path(tempfile.mkdtemp(prefix="stock-hub-"))
        hub = cls(folder)
        try:
            yield hub
        finally:
            hub.stop()
            shutil.rmtree(folder)

    def start(self) -> float:
        """Start the hub; return the seconds until the sign-in page comes."""
        began = time.perf_counter()
        command = [sys.executable, "-m", "jupyterhub", "-f", CONFIG]
        self._process = start(command, folder=self._folder, settings=self._settings)
        wait_for_page(f"{self._hub}/login", self._process)
        return time.perf_counter() - began

    def stop(self) -> float:
        """Stop the hub with the servers that it started; return the seconds that it took."""
        process, self._process = self._process, None
        return end(process) if process else 0.0

    def start_server(self, name: str) -> float:
        """Start a person's server; return the seconds until JupyterLab's page comes."""
        person = f"{self._hub}/api/users/{name}"
        if self._http.get(person).status_code == httpx.codes.NOT_FOUND:
            self._http.post(person).raise_for_status()
        began = time.perf_counter()
        self._http.post(f"{person}/server").raise_for_status()
        while not self._http.get(person).json()["servers"].get("", {}).get("ready"):
            _give_up_after(began, f"the server of {name}")
        wait_for_page(f"{self._server}/user/{name}/lab", self._running(), headers=self._headers)
        return time.perf_counter() - began

    async def start_servers(self, names: Sequence[str]) -> list[float | None]:
        """Start many servers at once; return the seconds until the hub says of each that it is ready, None if never.

        Args:
            names: People, whose names begin with ``crowd``.
        """
        async with httpx.AsyncClient(headers=self._headers, timeout=PATIENCE) as client:
            for name in names:
                await client.post(f"{self._hub}/api/users/{name}")
            return await asyncio.gather(*(self._start_one(client, name) for name in names))

    async def _start_one(self, client: httpx.AsyncClient, name: str) -> float | None:
        person = f"{self._hub}/api/users/{name}"
        began = time.perf_counter()
        if (await client.post(f"{person}/server")).is_error:
            return None
        while time.perf_counter() - began < PATIENCE:
            server = (await client.get(person)).json()["servers"].get("")
            if server is None or server["ready"]:
                return time.perf_counter() - began if server else None
            await asyncio.sleep(0.3)
        return None

    def servers(self) -> list[psutil.Process]:
        """Return the servers that run."""
        hub = psutil.Process(self._running().pid)
        return [child for child in hub.children() if any("singleuser" in word for word in child.cmdline())]

    def stop_server(self, name: str) -> None:
        """Stop a person's server; on return it is gone."""
        person = f"{self._hub}/api/users/{name}"
        began = time.perf_counter()
        self._http.delete(f"{person}/server").raise_for_status()
        while self._http.get(person).json()["servers"]:
            _give_up_after(began, f"the end of the server of {name}")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise ChildProcessError("the hub was not started")
        return self._process

    def save(self, name: str, path: str, notebook: dict[str, Any]) -> None:
        """Save a notebook in a person's home."""
        body = {"type": "notebook", "format": "json", "content": notebook}
        self._http.put(self._contents(name, path), json=body).raise_for_status()

    def read(self, name: str, path: str) -> dict[str, Any]:
        """Return a notebook of a person's home."""
        content: dict[str, Any] = self._http.get(self._contents(name, path)).raise_for_status().json()["content"]
        return content

    def _contents(self, name: str, path: str) -> str:
        return f"{self._server}/user/{name}/api/contents/{path}"

    async def open_kernel(self, name: str) -> Kernel:
        """Start a kernel in a person's server, and connect to it."""
        kernels = f"{self._server}/user/{name}/api/kernels"
        answer = self._http.post(kernels, json={"name": "python3"}).raise_for_status()
        address = f"{kernels.replace('http', 'ws', 1)}/{answer.json()['id']}/channels"
        return Kernel(await websocket_connect(HTTPRequest(address, headers=self._headers)))


def _give_up_after(began: float, what: str) -> None:
    if time.perf_counter() - began > PATIENCE:
        raise TimeoutError(f"{what} has not come in {PATIENCE:.0f} s")
    time.sleep(0.02)
