"""What the environment consists of: its programs and how one sees that each is ready."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from acre.hub.config import Config, Home
from acre.hub.pods import tell_egress

__all__ = ["Component", "components"]


@dataclass(frozen=True)
class Component:
    """A program that the supervisor keeps alive.

    Attributes:
        ready: Returns whether the program does its work.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    ready: Callable[[], Awaitable[bool]]


def components(config: Config, home: Home, caddy_file: Path) -> list[Component]:
    """Return the components, in the order in which they start; they stop in the reverse order."""
    plain = _environment(home)
    env = {**plain, **{name: value for name, value in os.environ.items() if name.startswith("ACRE_SECRET_")}}
    python = sys.executable
    caddy = str(Path(python).parent / "caddy")
    settings = Path(__file__).parent.parent / "jupyter" / "jupyterhub_config.py"

    async def pods_ready() -> bool:
        return await _accepts(home.pods_socket)

    async def service_ready() -> bool:
        return await _answers(home.service_socket, "/services/acre/api/health")

    async def hub_ready() -> bool:
        return await _answers(home.hub_socket, "/hub/health")

    async def egress_ready() -> bool:
        return await tell_egress(home.egress_socket)

    async def front_ready() -> bool:
        return await _listens(config.front.address, config.front.port)

    egress = Component("egress", [python, "-m", "acre.hub.app.egress"], plain, egress_ready)
    private = config.pods.isolation == "pods" and config.pods.network == "private"
    return [
        Component("pods", [python, "-m", "acre.hub.app.pods"], plain, pods_ready),
        Component("service", [python, "-m", "acre.hub.app.service"], env, service_ready),
        *([egress] if private else []),
        Component("hub", [python, "-m", "jupyterhub", "--config", str(settings)], env, hub_ready),
        Component("front", [caddy, "run", "--config", str(caddy_file)], plain, front_ready),
    ]


def _environment(home: Home) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "SSL_CERT_FILE", "SSL_CERT_DIR")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    return {**env, "ACRE_HOME": str(home.root), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


async def _answers(socket: Path, path: str) -> bool:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://component", timeout=5) as client:
        try:
            return (await client.get(path)).is_success
        except httpx.TransportError:
            return False


async def _accepts(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


async def _listens(address: str, port: int) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 -- nothing is bound here
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
