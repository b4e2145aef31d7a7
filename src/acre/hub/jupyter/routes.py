"""JupyterHub's proxy class for a front in which a route is a socket in a folder.

The front's configuration is static: ``/user/NAME/`` goes to ``routes/user-NAME.sock``, and to the hub when there is
no such socket. So adding a route links a socket, and nothing is reloaded when people come and go.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyterhub.proxy import Proxy
from traitlets import Unicode

from acre.hub.domain.names import check_name
from acre.hub.errors import InvalidNameError

__all__ = ["SocketProxy", "link_name", "socket_of"]


def link_name(routespec: str) -> str:
    """Return the file name of a route.

    Raises:
        ValueError: If the route is not one that the front knows.
    """
    match routespec.strip("/").split("/"):
        case [""]:
            return "hub.sock"
        case ["user", name]:
            try:
                return f"user-{check_name(name)}.sock"
            except InvalidNameError as error:
                raise ValueError(str(error)) from error
    raise ValueError(f"the front has no route {routespec!r}")


def socket_of(target: str) -> Path:
    """Return the socket of a target; JupyterHub appends ``:80`` to it."""
    address = urlsplit(target)
    if address.scheme != "http+unix":
        raise ValueError(f"the front reaches unix sockets only, not {target!r}")
    return Path(unquote(address.netloc.removesuffix(":80")))


class SocketProxy(Proxy):
    """Links, unlinks and lists."""

    folder = Unicode(config=True, help="The folder of the routes")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.should_start = False

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Make a route: on return the front uses it."""
        link = self._link(routespec)
        draft = link.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.symlink_to(socket_of(target))
        draft.rename(link)  # the front never meets a missing link while a route changes
        note = {"routespec": routespec, "target": target, "data": data}
        link.with_suffix(".json").write_text(json.dumps(note))

    async def delete_route(self, routespec: str) -> None:
        """Remove a route, if it is there."""
        link = self._link(routespec)
        link.unlink(missing_ok=True)
        link.with_suffix(".json").unlink(missing_ok=True)

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        """Return every route by its specification."""
        return {note["routespec"]: note for note in self._notes()}

    def _notes(self) -> list[dict[str, Any]]:
        files = Path(self.folder).glob("*.json")
        notes = (_read(file) for file in files if file.with_suffix(".sock").is_symlink())
        return [note for note in notes if note]

    def _link(self, routespec: str) -> Path:
        return Path(self.folder) / link_name(routespec)


def _read(note: Path) -> dict[str, Any]:
    """A note that was cut short when the hub was killed is no route; JupyterHub makes it again."""
    try:
        content: dict[str, Any] = json.loads(note.read_text())
    except ValueError:
        return {}
    return content
