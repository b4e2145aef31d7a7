"""Listening in the pods that are recorded, and in no others."""

import asyncio
import json
import os
import socket
from dataclasses import dataclass, field

import pytest

from acre.hub.config import Home
from acre.hub.egress import Gate, gate
from acre.hub.egress.gate import open_listener
from acre.hub.pods import proxy_settings, tell_egress
from acre.hub.pods.pod import _created


@dataclass
class Pods:
    """Pods that are this very process, and the sockets that would be inside them."""

    home: Home
    inside: list[socket.socket] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def record(self, name: str) -> None:
        folder = self.home.pods / name
        folder.mkdir(exist_ok=True)
        note = {"pid": os.getpid(), "created": _created(os.getpid()), "isolated": True}
        (folder / "pod.json").write_text(json.dumps(note))

    async def open_listener(self, pid: int, port: int) -> socket.socket:
        self.inside.append(socket.create_server(("127.0.0.1", 0)))
        return self.inside[-1]

    async def serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served.append(name)
        writer.write(b"served")
        await writer.drain()
        await reader.read()

    async def connect(self, number: int = -1) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(*self.inside[number].getsockname())
        self.writers.append(writer)  # a writer that is forgotten is closed
        return reader


@pytest.fixture
def pods(home: Home, monkeypatch: pytest.MonkeyPatch) -> Pods:
    one = Pods(home)
    monkeypatch.setattr(gate, "open_listener", one.open_listener)
    return one


@pytest.fixture
async def watch(pods: Pods):
    one = Gate(pods.home.pods, pods.serve, connections=2, say=pods.said.append)
    yield one
    for writer in pods.writers:
        writer.close()
    await one.close()


async def test_every_recorded_pod_gets_one_listener_that_knows_its_person(pods: Pods, watch: Gate):
    for name in ("ada", "ben"):
        pods.record(name)
    await watch.look()
    await watch.look()
    assert len(pods.inside) == 2
    for number in (0, 1):
        assert await (await pods.connect(number)).readexactly(6) == b"served"
    assert sorted(pods.served) == ["ada", "ben"]


async def test_more_connections_than_allowed_are_refused_in_words(pods: Pods, watch: Gate):
    pods.record("ada")
    await watch.look()
    first, second = await pods.connect(), await pods.connect()
    assert await first.readexactly(6) == await second.readexactly(6) == b"served"
    assert (await asyncio.wait_for((await pods.connect()).read(), 10)).startswith(
        b"HTTP/1.1 503 Your pod has too many connections open"
    )


async def test_a_pod_that_ended_loses_its_listener_and_its_connections(pods: Pods, watch: Gate):
    pods.record("ada")
    await watch.look()
    reader = await pods.connect()
    await reader.readexactly(6)
    place = pods.inside[0].getsockname()
    (pods.home.pods / "ada" / "pod.json").unlink()
    await watch.look()
    assert await asyncio.wait_for(reader.read(), 10) == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*place)


async def test_a_pod_that_cannot_be_joined_is_said_and_tried_again(pods: Pods, watch: Gate, monkeypatch):
    async def fail(pid: int, port: int) -> socket.socket:
        raise OSError("joining its network failed: Operation not permitted")

    pods.record("ada")
    monkeypatch.setattr(gate, "open_listener", fail)
    await watch.look()
    assert pods.said == [
        "ada has no way out of the pod: joining its network failed: Operation not permitted. It is tried again"
    ]
    monkeypatch.setattr(gate, "open_listener", pods.open_listener)
    await watch.look()
    assert await (await pods.connect()).readexactly(6) == b"served"


async def test_a_process_that_is_gone_cannot_be_joined():
    with pytest.raises(OSError, match="joining its network failed: No such file or directory"):
        await open_listener(2**22 + 1, 3128)


async def test_an_egress_that_is_away_delays_nobody(home: Home):
    assert not await tell_egress(home.egress_socket)


def test_programs_are_told_of_the_proxy_in_both_spellings_and_go_to_their_own_loopback_directly():
    settings = proxy_settings()
    for name in ("http_proxy", "https_proxy"):
        assert settings[name] == settings[name.upper()] == "http://127.0.0.1:3128"
    assert {"localhost", "127.0.0.1", "::1"} <= set(settings["no_proxy"].split(","))
    assert settings["no_proxy"] == settings["NO_PROXY"]
