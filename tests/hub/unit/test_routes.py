"""A route is a socket in a folder."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from acre.hub.jupyter.routes import SocketProxy, link_name, socket_of
from acre.hub.jupyter.spawner import pin

HUB = "http+unix://%2Frun%2Facre%2Fdoors%2Fhub.sock:80"


@pytest.fixture
def proxy(tmp_path: Path) -> SocketProxy:
    return SocketProxy(folder=str(tmp_path))


def _target(path: str) -> str:
    return f"http+unix://{quote(path, safe='')}:80"


async def test_a_route_is_a_link_to_the_socket(proxy: SocketProxy, tmp_path: Path):
    await proxy.add_route("/user/ada/", _target("/run/acre/pods/ada/server.sock"), {"user": "ada"})
    await proxy.add_route("/", HUB, {"hub": True})
    assert (tmp_path / "user-ada.sock").readlink() == Path("/run/acre/pods/ada/server.sock")
    assert (tmp_path / "hub.sock").readlink() == Path("/run/acre/doors/hub.sock")
    routes = await proxy.get_all_routes()
    assert set(routes) == {"/", "/user/ada/"}
    assert routes["/user/ada/"]["data"] == {"user": "ada"}
    assert routes["/"]["target"] == HUB


async def test_adding_and_deleting_twice_is_as_once(proxy: SocketProxy, tmp_path: Path):
    for path in ("/a.sock", "/a.sock", "/b.sock"):
        await proxy.add_route("/user/ada/", _target(path), {})
    assert (tmp_path / "user-ada.sock").readlink() == Path("/b.sock")
    for _ in range(2):
        await proxy.delete_route("/user/ada/")
    assert not list(tmp_path.iterdir())
    assert await proxy.get_all_routes() == {}


async def test_a_draft_that_was_left_does_not_hinder(proxy: SocketProxy, tmp_path: Path):
    (tmp_path / "user-ada.draft").symlink_to("/old.sock")
    await proxy.add_route("/user/ada/", _target("/new.sock"), {})
    assert (tmp_path / "user-ada.sock").readlink() == Path("/new.sock")
    assert not (tmp_path / "user-ada.draft").is_symlink()


async def test_routes_survive_a_restart_of_the_hub(proxy: SocketProxy, tmp_path: Path):
    await proxy.add_route("/user/ada/", _target("/a.sock"), {"user": "ada"})
    assert await SocketProxy(folder=str(tmp_path)).get_all_routes() == await proxy.get_all_routes()


@pytest.mark.parametrize("cut", ["", '{"routespec": "/us'])
async def test_a_note_that_was_cut_short_is_no_route_and_harms_no_other(proxy: SocketProxy, tmp_path: Path, cut: str):
    for name in ("ada", "ben"):
        await proxy.add_route(f"/user/{name}/", _target(f"/{name}.sock"), {})
    (tmp_path / "user-ada.json").write_text(cut)
    assert set(await proxy.get_all_routes()) == {"/user/ben/"}
    await proxy.add_route("/user/ada/", _target("/ada.sock"), {})
    assert set(await proxy.get_all_routes()) == {"/user/ada/", "/user/ben/"}


async def test_a_note_without_its_link_is_no_route(proxy: SocketProxy, tmp_path: Path):
    await proxy.add_route("/user/ada/", _target("/a.sock"), {})
    (tmp_path / "user-ada.sock").unlink()
    assert await proxy.get_all_routes() == {}


@pytest.mark.parametrize(
    "routespec",
    [
        "/user/", "/user/Ada/", "/user/../", "/user/../../etc/x/", "/user/a/b/", "/user/ada/../ben/", "/user/%2e%2e/",
        "/user/a%2fb/", "/user/ada\n/", "/services/acre/", "/hub/", "user", "host.example/user/ada/", "/user/a\0/",
    ],
)  # fmt: skip
async def test_hostile_routes_are_refused_and_leave_nothing(proxy: SocketProxy, tmp_path: Path, routespec: str):
    with pytest.raises(ValueError, match=r"name|route"):
        await proxy.add_route(routespec, _target("/a.sock"), {})
    with pytest.raises(ValueError, match=r"name|route"):
        await proxy.delete_route(routespec)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["http://127.0.0.1:80", "https://example.org", "unix:///a.sock", "", "/a.sock"])
async def test_only_sockets_can_be_reached(proxy: SocketProxy, tmp_path: Path, target: str):
    with pytest.raises(ValueError, match="unix sockets only"):
        await proxy.add_route("/user/ada/", target, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "path", ["/run/a b/ü.sock", "/run/x:80/y.sock", "/a%2Fb.sock", "/run/acre-1000-0f/pods/a.b_c-d"]
)
def test_a_socket_is_found_with_and_without_jupyterhubs_port(path: str):
    quoted = f"http+unix://{quote(path, safe='')}"
    assert socket_of(quoted) == socket_of(f"{quoted}:80") == Path(path)


def test_all_ways_to_write_a_route_are_one():
    assert link_name("/") == link_name("") == "hub.sock"
    assert link_name("/user/ada/") == link_name("/user/ada") == "user-ada.sock"


@pytest.fixture
def listening() -> Iterator[Callable[[Path], socket.socket]]:
    """Return a function that listens on a socket and answers with one letter."""
    opened = []

    def listen(path: Path) -> socket.socket:
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(path))
        one.listen()
        opened.append(one)
        return one

    yield listen
    for one in opened:
        one.close()


def test_a_socket_is_pinned(short_folder: Path, listening):
    source, target = short_folder / "door.sock", short_folder / "pinned.sock"
    assert not pin(source, target)
    listening(source)
    assert pin(source, target)
    assert target.samefile(source)


def test_what_is_put_in_place_of_a_pinned_socket_has_no_effect(short_folder: Path, listening):
    source, target, others = (short_folder / name for name in ("door.sock", "pinned.sock", "others.sock"))
    own, other = listening(source), listening(others)
    assert pin(source, target)
    source.unlink()
    source.symlink_to(others)
    other.setblocking(False)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(target))
        connection, _ = own.accept()
        connection.close()
    with pytest.raises(BlockingIOError):
        other.accept()


@pytest.mark.parametrize("what", ["link", "dangling link", "file", "folder", "pipe"])
def test_what_is_no_socket_is_not_pinned_and_not_left(short_folder: Path, listening, what: str):
    source, target = short_folder / "door.sock", short_folder / "pinned.sock"
    listening(short_folder / "others.sock")
    match what:
        case "link":
            source.symlink_to(short_folder / "others.sock")
        case "dangling link":
            source.symlink_to("/nothing")
        case "file":
            source.write_text("x")
        case "folder":
            source.mkdir()
        case _:
            os.mkfifo(source)
    assert not pin(source, target)
    assert not os.path.lexists(target)
