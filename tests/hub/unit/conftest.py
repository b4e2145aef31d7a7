"""Homes, sandboxes and a tiny hub for the tests of single parts."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.web import Application, RequestHandler

from acre.hub.config import Home
from acre.hub.pods import Sandbox, probe


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="acre-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(short_folder: Path) -> Home:
    """The prepared home of an environment."""
    home = Home(root=short_folder / "home", run=short_folder / "run")
    home.prepare()
    return home


@pytest.fixture
def sandbox(home: Home) -> Sandbox:
    """What Ada's pod sees, with all folders made."""
    folder = home.pods / "ada"
    sandbox = Sandbox(
        name="ada",
        home=home.people / "ada",
        doors=home.doors,
        folder=folder / "door",
        start_here=home.start_here,
        identity=folder / "identity",
    )
    for one in (sandbox.home, sandbox.folder, sandbox.identity):
        one.mkdir(parents=True)
    (sandbox.identity / "passwd").write_text("ada:x:1000:1000::/home/ada:/bin/bash\n")
    (sandbox.identity / "group").write_text("ada:x:1000:\n")
    (sandbox.identity / "hosts").write_text("127.0.0.1 localhost acre\n")
    return sandbox


@pytest.fixture(scope="session")
def can_make_pods() -> None:
    """Skip where the machine forbids pods, and say why."""
    if why := probe():
        pytest.skip(f"this machine cannot make pods: {why}")


@dataclass
class FakeHub:
    """Answers like JupyterHub's REST API, on a socket.

    Attributes:
        users: Models by name.
        answers: Status and body that win over everything, by method and path.
        asked: Method, path with query, and token of every request.
    """

    socket: Path
    server: HTTPServer | None = None
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def put(self, *names: str, admin: bool = False) -> None:
        """Give people accounts."""
        for name in names:
            self.users[name] = {"kind": "user", "name": name, "admin": admin, "server": None, "last_activity": None}

    async def go_away(self) -> None:
        """Close the door, as a hub that is killed."""
        self.server.stop()
        await self.server.close_all_connections()


class _Handler(RequestHandler):
    hub: FakeHub

    def initialize(self, hub: FakeHub) -> None:
        self.hub = hub

    def prepare(self) -> None:
        token = self.request.headers.get("Authorization", "")
        self.hub.asked.append((self.request.method, self.request.uri, token))
        path = self.request.path.removeprefix("/hub/api")
        if (answer := self.hub.answers.get((self.request.method, path))) is not None:
            self.set_status(answer[0])
            self.finish(answer[1])

    def get(self, path: str) -> None:
        if path == "/user":
            name = self.hub.tokens.get(self.request.headers["Authorization"].removeprefix("token "))
            self._answer(self.hub.users[name]) if name else self._answer({"message": "Missing or invalid"}, 403)
        elif path == "/users":
            offset, limit = int(self.get_query_argument("offset")), int(self.get_query_argument("limit"))
            self._answer(list(self.hub.users.values())[offset : offset + limit])
        else:
            self._answer({"version": "6"})

    def post(self, path: str) -> None:
        name = path.removeprefix("/users/")
        if name in self.hub.users:
            self._answer({"message": f"User {name} already exists"}, 409)
        else:
            self.hub.put(name)
            self._answer(self.hub.users[name], 201)

    def patch(self, path: str) -> None:
        name = path.removeprefix("/users/")
        self.hub.users[name] |= json.loads(self.request.body)
        self._answer(self.hub.users[name])

    def delete(self, path: str) -> None:
        known = self.hub.users.pop(path.removeprefix("/users/"), None)
        self.set_status(204 if known else 404)

    def _answer(self, body: Any, status: int = 200) -> None:
        self.set_status(status)
        self.finish(json.dumps(body))


@pytest.fixture
async def hub(home: Home) -> AsyncIterator[FakeHub]:
    """A running fake hub on the home's hub socket."""
    fake = FakeHub(home.hub_socket)
    server = HTTPServer(Application([(r"/hub/api(/.*)", _Handler, {"hub": fake})]))
    server.add_socket(bind_unix_socket(str(fake.socket)))
    fake.server = server
    yield fake
    await fake.go_away()
