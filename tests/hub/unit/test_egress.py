"""The proxy itself, on loopback: what it passes on, what it refuses, and what it writes down."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from acre.hub.domain.egress import Policy, parse_rule
from acre.hub.egress import Dialer, Exchange, exchange, relay
from acre.hub.egress.dial import NoWayError
from acre.hub.egress.exchange import target_of

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: x\r\nX-Data: y\r\n\r\nhello"


@dataclass
class Origin:
    """A host outside that says one thing and keeps what it was asked."""

    port: int = 0
    answer: bytes = HELLO
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
            )
            self.asked.append(head + await reader.readexactly(length))
            writer.write(self.answer)
            await writer.drain()
        writer.close()


@dataclass
class Proxy:
    """The proxy of Ada's pod, with the names that it knows."""

    port: int = 0
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> list[Any]:
        answers = self.names.get(host)
        if not answers:
            raise OSError(-2, "Name or service not known")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]  # another answer each time: rebinding
        return [ipaddress.ip_address(one) for one in answer]

    async def say(self, *pieces: bytes, eof: bool = False) -> bytes:
        """Say something and return all that is answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if eof:
                writer.write_eof()
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()

    async def accounted(self, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(5):
            while len(self.lines) < count:
                await asyncio.sleep(0.01)
        return self.lines


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    one = Origin()
    async with await asyncio.start_server(one.serve, "127.0.0.1", 0) as server:
        one.port = server.sockets[0].getsockname()[1]
        yield one


@pytest.fixture
async def proxy(origin: Origin) -> AsyncIterator[Proxy]:
    one = Proxy(names={"data.example": [["127.0.0.1"]]})
    rules = tuple(map(parse_rule, (f"127.0.0.1:{origin.port}", f"*:{origin.port}")))
    dialer = Dialer(Policy(allow=rules, deny=(parse_rule("*.bad.example"),)), resolve=one.resolve)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Exchange("ada", dialer, account=one.lines.append).run((reader, writer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        one.port = server.sockets[0].getsockname()[1]
        yield one


async def test_plain_http_is_passed_on_as_its_target_says_and_without_what_is_for_the_proxy(origin, proxy):
    answer = await proxy.say(
        b"POST http://data.example:%d/a?key=secret HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: x\r\n"
        b"Proxy-Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\nAuthorization: mine\r\n"
        b"Content-Length: 3\r\n\r\nabc" % origin.port
    )
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"hello")
    assert b"X-Data: y" in answer
    assert b"Keep-Alive" not in answer
    (asked,) = origin.asked
    assert asked.startswith(b"POST /a?key=secret HTTP/1.1\r\n")
    assert b"Host: data.example:%d\r\n" % origin.port in asked
    assert b"Authorization: mine" in asked
    assert not any(word in asked for word in (b"other.example", b"Proxy-", b"X-Hop"))
    assert asked.endswith(b"abc")


async def test_a_tunnel_passes_bytes_on_also_those_that_came_early(origin, proxy):
    answer = await proxy.say(
        b"CONNECT data.example:%d HTTP/1.1\r\nHost: data.example\r\n\r\n" % origin.port, b"GET /secret HTTP/1.1\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(HELLO)
    (line,) = await proxy.accounted()
    assert (line["person"], line["host"], line["port"]) == ("ada", "data.example", origin.port)
    assert (line["decision"], line["up"], line["down"]) == ("allowed", 24, len(HELLO))
    assert 0 <= line["seconds"] < 5


async def test_nothing_is_written_down_but_host_port_and_figures(origin, proxy):
    await proxy.say(
        b"GET http://data.example:%d/path?key=secret HTTP/1.1\r\nHost: x\r\nCookie: c\r\n\r\n" % origin.port
    )
    await proxy.say(b"GET http://a.bad.example/path?key=secret HTTP/1.1\r\nHost: x\r\n\r\n")
    await proxy.say(b"GET http://me:secret@data.example/path HTTP/1.1\r\nHost: x\r\n\r\n")
    lines = await proxy.accounted(3)
    assert [line["decision"] for line in lines] == ["allowed", "refused", "malformed"]
    assert not any(word in str(lines) for word in ("path", "key", "secret", "Cookie"))


async def test_a_name_that_turns_to_this_machine_between_two_questions_gains_nothing(origin, proxy):
    proxy.names["turning.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    answer = await proxy.say(b"CONNECT turning.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
    assert answer.startswith(b"HTTP/1.1 403 turning.example leads to 127.0.0.2, an address of the machine itself")
    assert len(proxy.names["turning.example"]) == 1  # it was asked once
    assert origin.connections == 0


async def test_what_was_checked_is_what_is_connected_to(origin, proxy):
    proxy.names["turning.example"] = [["127.0.0.1"], ["169.254.169.254"]]
    assert (await proxy.say(b"GET http://turning.example:%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)).endswith(
        b"hello"
    )
    answer = await proxy.say(b"GET http://turning.example:%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
    assert b"403 turning.example leads to 169.254.169.254" in answer


@pytest.mark.parametrize(
    ("request_line", "status", "words"),
    [
        (b"CONNECT x.bad.example:443", 403, b"egress.deny"),
        (b"GET http://x.bad.example/", 403, b"egress.deny"),
        (b"CONNECT 169.254.169.254:80", 403, b"link-local"),
        (b"CONNECT [::ffff:169.254.169.254]:80", 403, b"link-local"),
        (b"GET http://[fd00:ec2::254]/latest/", 403, b"private"),
        (b"CONNECT 10.0.0.1:443", 403, b"private"),
        (b"CONNECT data.example:25", 403, b"Port 25"),
        (b"CONNECT nowhere.example:443", 502, b"cannot be found: name or service not known"),
        (b"CONNECT data.example", 400, b"a host and a port"),
        (b"CONNECT data.example:443/x", 400, b"a host and a port"),
        (b"CONNECT me@data.example:443", 400, b"a host and a port"),
        (b"CONNECT data.example:99999", 400, b"not valid"),
        (b"CONNECT 2130706433:443", 400, b"not valid"),
        (b"CONNECT 0x7f.1:443", 400, b"not valid"),
        (b"GET /hub/api", 400, b"way out of your pod"),
        (b"OPTIONS *", 400, b"way out of your pod"),
        (b"GET https://data.example/", 400, b"way out of your pod"),
        (b"GET ftp://data.example/", 400, b"way out of your pod"),
        (b"GET http:///x", 400, b"way out of your pod"),
        (b"GET http://me:pw@data.example/", 400, b"way out of your pod"),
    ],
)
async def test_a_refusal_is_a_sentence_in_status_and_body(origin, proxy, request_line, status, words):
    answer = await proxy.say(request_line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    first, _, rest = answer.partition(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status)
    assert words in first
    assert words in rest.rpartition(b"\r\n\r\n")[2]
    assert origin.connections == 0
    assert len(await proxy.accounted()) == 1


async def test_a_host_that_does_not_listen_is_said_to_be_unreachable(origin, proxy):
    origin_port = origin.port
    proxy.names["down.example"] = [["127.0.0.1"]]
    with contextlib.closing(await asyncio.start_server(origin.serve, "127.0.0.1", 0)) as other:
        free = other.sockets[0].getsockname()[1]
    dialer = Dialer(Policy(allow=(parse_rule(f"127.0.0.1:{free}"),)), resolve=proxy.resolve)
    with pytest.raises(NoWayError, match=rf"down\.example, port {free}, cannot be reached: .*refused") as error:
        await dialer.dial("down.example", free)
    assert (error.value.status, origin_port) != (403, free)


@pytest.mark.parametrize(
    "junk",
    [
        *(
            b"\x16\x03\x01\x02\x00\x01\x00" * 100,
            b"\r\n" * 50_000,
            b"GET " + b"x" * 200_000,
            b"\0" * 1000 + b"\r\n\r\n",
        ),
        b"GET http://data.example/ HTTP/1.1\r\n" + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET http://data.example/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET http://data.example/\r\n\tx HTTP/1.1\r\n\r\n",
        b"CONNECT data.example:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"CONNECT data.example:443 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST http://data.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ],
)
async def test_hostile_requests_are_answered_with_an_error_and_connect_to_nobody(origin, proxy, junk):
    answer = await proxy.say(junk, eof=True)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ", b"HTTP/1.1 501 "))
    assert origin.connections == 0


async def test_who_says_nothing_for_long_is_shown_the_door(proxy, monkeypatch):
    monkeypatch.setattr(exchange, "_HEAD_SECONDS", 0.1)
    assert (await proxy.say(b"GET http://data")).startswith(b"HTTP/1.1 408 ")


async def test_a_tunnel_in_which_nothing_moves_ends(origin, proxy, monkeypatch):
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.2)
    answer = await proxy.say(b"CONNECT data.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
    assert answer.endswith(b"\r\n\r\n")
    (line,) = await proxy.accounted()
    assert line["why"] == "It broke off: TimeoutError"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"no HTTP at all\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n"])
async def test_a_host_that_breaks_off_before_it_answers_is_said(origin, proxy, answer):
    origin.answer = answer
    said = await proxy.say(b"GET http://data.example:%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
    assert said.startswith(b"HTTP/1.1 502 The connection to the host broke off")


async def test_an_answer_of_unknown_length_and_a_hint_before_it_arrive_whole(origin, proxy):
    origin.answer = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + b"z" * 300_000
    said = await proxy.say(b"GET http://data.example:%d/ HTTP/1.0\r\n\r\n" % origin.port)
    assert said.count(b"z") == 300_000
    (line,) = await proxy.accounted()
    assert line["down"] == len(origin.answer)


def test_the_target_keeps_the_path_as_it_was_written():
    assert target_of(b"GET", b"http://Data.Example:8080/a//b/../%2e?q=a%20b#frag").path == b"/a//b/../%2e?q=a%20b"
    assert target_of(b"GET", b"http://data.example?q").path == b"/?q"
    assert target_of(b"GET", b"http://[2606:4700::1]/").authority == "[2606:4700::1]"
