"""Keeping a component alive, with small programs instead of ours."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from acre.hub.app import keeper as keeper_module
from acre.hub.app.components import _answers, _environment, _listens, components
from acre.hub.app.keeper import Keeper
from acre.hub.app.logbook import Logbook
from acre.hub.app.reading import read_events
from acre.hub.config import Config, Home, Pods
from acre.hub.errors import ComponentFailedError


async def _at_once() -> bool:
    return True


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Keeper]:
    def make(code: str, ready: Callable[[], Awaitable[bool]] = _at_once) -> Keeper:
        component = keeper_module.Component("hub", [sys.executable, "-c", code], {"PATH": os.environ["PATH"]}, ready)
        return Keeper(component, Logbook(tmp_path, megabytes=1), changed=lambda: None)

    return make


async def _end(keeper: Keeper, task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await keeper.stop()


async def test_a_component_that_is_killed_is_started_again(make, tmp_path: Path):
    keeper = make("import time; print('hello', flush=True); time.sleep(100)")
    task = asyncio.create_task(keeper.keep())
    await keeper.wait_ready()
    first = keeper.pid
    psutil.Process(first).kill()
    async with asyncio.timeout(10):
        while keeper.pid == first or keeper.state != "running":
            await asyncio.sleep(0.02)
    assert keeper.to_record() == {"state": "running", "pid": keeper.pid, "restarts": 1}
    await _end(keeper, task)
    assert keeper.state == "stopped"
    assert not psutil.pid_exists(keeper.pid)
    (said,) = list(read_events(tmp_path, "supervisor", last=9, follow=False))
    assert (said["level"], said["message"]) == ("warning", "the hub ended with signal SIGKILL")


async def test_a_component_that_dies_again_and_again_ends_the_environment_with_its_last_words(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keeper_module, "restart_delay", lambda deaths, now: None if len(deaths) > 2 else 0.0)
    keeper = make("print('no such database'); raise SystemExit(3)")
    with pytest.raises(ComponentFailedError) as error:
        await keeper.keep()
    for words in ("The hub could not be kept alive", "3 times", "exit code 3", "no such database", "hub.jsonl"):
        assert words in str(error.value)


async def test_a_stubborn_component_is_killed(make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeper_module, "_STOP_SECONDS", 0.3)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(100)"
    )
    keeper = make(code)
    task = asyncio.create_task(keeper.keep())
    await keeper.wait_ready()
    await asyncio.sleep(0.2)
    await _end(keeper, task)
    assert not psutil.pid_exists(keeper.pid)


async def test_it_is_not_ready_before_it_answers(make):
    answers = asyncio.Event()

    async def ready() -> bool:
        return answers.is_set()

    keeper = make("import time; time.sleep(100)", ready)
    task = asyncio.create_task(keeper.keep())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keeper.wait_ready(), 0.3)
    assert keeper.state == "starting"
    answers.set()
    await asyncio.wait_for(keeper.wait_ready(), 5)
    await _end(keeper, task)


async def test_a_line_without_end_does_not_stop_the_log(make, tmp_path: Path):
    keeper = make("print('x' * 3_000_000); print('after', flush=True); import time; time.sleep(100)")
    task = asyncio.create_task(keeper.keep())
    log = tmp_path / "hub.jsonl"
    async with asyncio.timeout(10):
        while not log.exists() or '"after"' not in log.read_text():
            await asyncio.sleep(0.02)
    await _end(keeper, task)


async def test_what_is_not_there_is_not_ready(short_folder: Path):
    assert not await _answers(short_folder / "none.sock", "/")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await _listens("0.0.0.0", port)  # noqa: S104 -- nothing is bound
    server.close()
    await server.wait_closed()
    assert not await _listens("127.0.0.1", port)


async def test_a_hub_that_answers_with_an_error_is_not_ready(hub):
    assert await _answers(hub.socket, "/hub/api/")
    hub.answers["GET", "/"] = (503, "")
    assert not await _answers(hub.socket, "/hub/api/")


def test_components_get_what_they_need_and_no_more(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("ACRE_SECRET_OPERATOR", "ab" * 32)
    pods, service, egress, hub, front = (one.env for one in components(Config(), home, home.run / "front.json"))
    assert {env["ACRE_HOME"] for env in (pods, service, egress, hub, front)} == {str(home.root)}
    assert service["ACRE_SECRET_OPERATOR"] == hub["ACRE_SECRET_OPERATOR"] == "ab" * 32
    assert "ACRE_SECRET_OPERATOR" not in {*pods, *front, *egress}
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & {*pods, *service, *egress, *hub, *front}


def test_a_component_finds_the_same_home_as_the_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    home = Home.at(tmp_path / "home")
    env = _environment(home)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert Home.at(Path(env["ACRE_HOME"])) == home


def test_the_service_starts_before_the_hub_that_asks_it_and_the_front_last(home: Home):
    names = [one.name for one in components(Config(), home, home.run / "front.json")]
    assert names == ["pods", "service", "egress", "hub", "front"]


@pytest.mark.parametrize("pods", [Pods(network="open"), Pods(isolation="none")])
def test_where_pods_share_the_machines_network_there_is_no_egress(home: Home, pods: Pods):
    names = [one.name for one in components(Config(pods=pods), home, home.run / "front.json")]
    assert names == ["pods", "service", "hub", "front"]
