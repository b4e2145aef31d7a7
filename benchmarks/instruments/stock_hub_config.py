"""The peer's configuration: everything as JupyterHub ships it, but no proxy, since the stock one needs Node.

Without a proxy the peer has one hop less than Acre, so the comparison favours it.
"""

import os
from typing import Any

from jupyterhub.auth import DummyAuthenticator
from jupyterhub.proxy import Proxy
from jupyterhub.spawner import SimpleLocalProcessSpawner


class NoProxy(Proxy):
    """Routes are noted and lead nowhere: hub and servers are asked directly."""

    should_start = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._noted: dict[str, dict[str, Any]] = {}

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Note a route."""
        self._noted[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        """Forget a route."""
        self._noted.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        """Return what was noted."""
        return self._noted


def _choose_port(spawner: Any) -> None:
    """One person's server is where the benchmark looks for it; a crowd's are where they find room."""
    if spawner.user.name.startswith("crowd"):
        spawner.port = 0


c = get_config()  # type: ignore[name-defined]  # noqa: F821 -- JupyterHub hands it to its configuration
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = DummyAuthenticator
c.JupyterHub.spawner_class = SimpleLocalProcessSpawner
c.JupyterHub.hub_port = int(os.environ["STOCK_HUB_PORT"])
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['STOCK_HUB_PORT']}"
c.JupyterHub.log_level = "WARN"
c.Authenticator.allow_all = True
c.Spawner.args = ["--allow-root"]
c.Spawner.port = int(os.environ["STOCK_SERVER_PORT"])
c.Spawner.pre_spawn_hook = _choose_port
c.JupyterHub.services = [{"name": "measure", "api_token": os.environ["STOCK_HUB_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "measure", "services": ["measure"], "scopes": ["admin:users", "admin:servers", "access:servers"]}
]
