"""The keeper of pods and its zygote: what is asked, what is answered, and what happens when either fails."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.errors import PodFailedError, PodsUnavailableError, ZygoteFailedError
from acre.hub.pods import PodOrder, PodsClient, PodService, Sandbox, find, zygote
from acre.hub.pods import service as service_module
from acre.hub.pods.zygote import Zygote
from acre.wire.pods import ServerOrder

SLEEPER = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(1000)"]
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@pytest.fixture
def order(sandbox: Sandbox) -> PodOrder:
    folder = sandbox.folder.parent
    env = {"HOME": str(sandbox.home_inside), "PATH": os.environ["PATH"]}
    return PodOrder(sandbox, ["--x=y"], env, folder, folder / "log")


@pytest.fixture
async def client(short_folder: Path) -> AsyncIterator[PodsClient]:
    """A client of a keeper without a zygote."""
    task = asyncio.create_task(PodService("fresh").serve(short_folder / "pods.sock"))
    async with asyncio.timeout(5):
        while not (short_folder / "pods.sock").exists():
            await asyncio.sleep(0.01)
    yield PodsClient(short_folder / "pods.sock")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _run_sleeper_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    real = service_module.launch
    monkeypatch.setattr(service_module, "launch", lambda sandbox, _, **rest: real(sandbox, SLEEPER, **rest))


@given(st.lists(texts), st.dictionaries(texts, texts), texts)
def test_an_order_to_the_zygote_arrives_as_it_was_sent(arguments: list[str], environment: dict[str, str], folder: str):
    order = ServerOrder(arguments, environment, folder)
    assert ServerOrder.from_bytes(order.to_bytes()) == order


def test_an_order_to_the_keeper_arrives_as_it_was_sent(order: PodOrder):
    assert PodOrder.from_line(order.to_line()) == order
    alone = PodOrder(None, [], {"A": "ü\n"}, order.folder, order.log)
    assert PodOrder.from_line(alone.to_line()) == alone
    assert alone.to_line().count(b"\n") == 1


async def test_the_keeper_starts_a_pod_and_ends_what_was_left_in_its_folder(
    client: PodsClient, order: PodOrder, monkeypatch: pytest.MonkeyPatch, can_make_pods: None
):
    _run_sleeper_instead(monkeypatch)
    first = await client.start(order)
    second = await client.start(order)
    assert not first.is_running()
    assert find(order.folder).record == second.record
    await second.stop(now=True)


async def test_a_pod_that_cannot_be_made_is_told_to_the_hub(
    client: PodsClient, order: PodOrder, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object, **__: object) -> None:
        raise PodFailedError

    monkeypatch.setattr(service_module, "launch", fail)
    with pytest.raises(PodFailedError):
        await client.start(order)


async def test_a_keeper_that_is_away_or_dies_over_an_order_is_said_to_be(short_folder: Path, order: PodOrder):
    with pytest.raises(PodsUnavailableError):
        await PodsClient(short_folder / "nobody.sock").start(order)
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), short_folder / "dying.sock")
    with pytest.raises(PodsUnavailableError):
        await PodsClient(short_folder / "dying.sock").start(order)
    server.close()


async def test_when_the_zygote_fails_the_server_starts_fresh_and_the_log_says_why(
    order: PodOrder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, can_make_pods: None
):
    async def fail(*_: object, **__: object) -> None:
        raise ZygoteFailedError("it cannot fork")

    _run_sleeper_instead(monkeypatch)
    monkeypatch.setattr(Zygote, "ask", fail)
    pod = await PodService("zygote").start(order)
    assert pod.is_running()
    assert "server of ada, so it starts fresh: it cannot fork" in caplog.text
    await pod.stop(now=True)


async def test_a_zygote_that_never_becomes_ready_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    keeper = Zygote()
    task = asyncio.create_task(keeper.keep())
    try:
        async with asyncio.timeout(5):
            while "The zygote ended with code 1" not in caplog.text:
                await asyncio.sleep(0.01)
            with pytest.raises(ZygoteFailedError, match="before it is ready"):
                await keeper.ask(ServerOrder([], {}, "/"), pod=1, log=1, alive=1)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_pod_ends_when_the_keeper_is_killed_before_a_server_holds_it(sandbox: Sandbox, can_make_pods: None):
    code = f"""
import asyncio, os, pickle, sys
from acre.hub.pods.launching import launch_waiting
async def main():
    sandbox = pickle.loads({__import__("pickle").dumps(sandbox)!r})
    async with launch_waiting(sandbox, folder=sandbox.folder.parent, log=2) as (pod, _):
        assert pod.is_running()
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == -9
    with contextlib.suppress(TimeoutError):
        asyncio.run(_gone(sandbox.folder.parent))
    assert find(sandbox.folder.parent) is None


async def _gone(folder: Path) -> None:
    async with asyncio.timeout(5):
        while find(folder):
            await asyncio.sleep(0.02)


def test_the_interpreter_that_servers_run_cannot_be_written_through(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda *_: True)
    with zygote._sealed_interpreter() as (path, passed):
        with open(path, "r+b", buffering=0) as copy, pytest.raises(OSError, match="not permitted"):  # noqa: PTH123
            copy.write(b"x")
        said = subprocess.run([sys.executable, "-c", "import sys; print(sys.prefix)"], executable=path,
                              pass_fds=passed, capture_output=True, text=True, check=True)  # fmt: skip
        assert said.stdout.strip() == sys.prefix
    monkeypatch.setattr(os, "access", lambda *_: False)
    with zygote._sealed_interpreter() as found:
        assert found == (sys.executable, [])


def test_the_zygote_ends_with_its_keeper(short_folder: Path):
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "acre.server.zygote", str(its.fileno())]
    process = subprocess.Popen(command, pass_fds=[its.fileno()], cwd=short_folder)
    its.close()
    ours.settimeout(60)
    assert ours.recv(64) == b"ready\n"
    ours.close()
    assert process.wait(timeout=10) == 0
