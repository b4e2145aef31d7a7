"""The operator's commands and the hub, as clients of the service."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.netutil import bind_unix_socket

from acre.hub.app.operator import Operator
from acre.hub.config import Home
from acre.hub.errors import AcreError, InvitationUnknownError, ServiceUnavailableError
from acre.hub.jupyter.service_client import ServiceClient


@pytest.fixture
async def answer(home: Home) -> AsyncIterator[Callable[[int, bytes], list[HTTPServerRequest]]]:
    """Return a function that says what the service answers to everything."""
    said: list[bytes] = []
    asked: list[HTTPServerRequest] = []

    def reply(request: HTTPServerRequest) -> None:
        asked.append(request)
        request.connection.write_headers(*said[-1][0])
        request.connection.write(said[-1][1])
        request.connection.finish()

    def answer(status: int, body: bytes) -> list[HTTPServerRequest]:
        start = ResponseStartLine("HTTP/1.1", status, "")
        said.append(((start, HTTPHeaders({"Content-Length": str(len(body))})), body))
        return asked

    server = HTTPServer(reply)
    server.add_socket(bind_unix_socket(str(home.service_socket)))
    yield answer
    server.stop()
    await server.close_all_connections()


async def _ask(home: Home, question: Callable[[Operator], Awaitable[object]]) -> object:
    async with Operator(home, "operators-token") as operator:
        return await question(operator)


async def test_a_refusal_is_raised_as_its_sentence(home: Home, answer):
    asked = answer(409, b'{"code": "person_exists", "message": "ada already has an account"}')
    with pytest.raises(AcreError, match=r"^ada already has an account$"):
        await _ask(home, lambda operator: operator.people())
    assert asked[0].headers["Authorization"] == "token operators-token"


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"Internal Server Error"), (502, b""), (200, b"<html>"), (400, b'{"detail": 1}')]
)
async def test_a_broken_service_is_said_in_words(home: Home, answer, status: int, body: bytes):
    answer(status, body)
    with pytest.raises(AcreError, match=r"The service failed at GET /people\. Details: acre logs service"):
        await _ask(home, lambda operator: operator.people())


async def test_no_first_administrator_is_none(home: Home, answer):
    answer(200, b"null")
    assert await _ask(home, lambda operator: operator.invite_first("admin")) is None


async def test_without_an_environment_the_command_to_start_one_is_told(home: Home):
    with pytest.raises(AcreError, match="acre up"):
        await _ask(home, lambda operator: operator.people())


async def test_the_hub_claims_an_invitation(home: Home, answer):
    asked = answer(200, b'{"name": "ada"}')
    assert await ServiceClient(home.service_socket, "hubs-token").claim("the-code") == "ada"
    assert asked[0].headers["Authorization"] == "token hubs-token"
    assert asked[0].body == b'{"code":"the-code"}'
    assert "the-code" not in asked[0].uri


@pytest.mark.parametrize(
    ("status", "error"), [(404, InvitationUnknownError), (403, ServiceUnavailableError), (500, ServiceUnavailableError)]
)
async def test_a_claim_that_fails_is_told_apart(home: Home, answer, status: int, error: type[Exception]):
    answer(status, b"{}")
    with pytest.raises(error):
        await ServiceClient(home.service_socket, "hubs-token").claim("the-code")


async def test_a_service_that_is_away_is_unavailable(home: Home):
    with pytest.raises(ServiceUnavailableError):
        await ServiceClient(home.service_socket, "hubs-token").claim("the-code")
