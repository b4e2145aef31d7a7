"""The service's HTTP interface: who may ask what, and how refusals look."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

import acre
from acre.hub.config import Config, Home
from acre.hub.factory import Factory
from acre.hub.web import make_api
from acre.wire.clusters import ClusterGrant
from acre.wire.environment import Health
from acre.wire.errors import ErrorCode, Refusal

PREFIX = "/services/acre/api"
OPERATOR_ROUTES = [
    ("GET", "/people", None),
    ("POST", "/people", {"name": "ada"}),
    ("DELETE", "/people/ada", None),
    ("POST", "/people/first", {"name": "admin"}),
]
HUB_ROUTES = [("POST", "/invitations/claim", {"code": "x"}), ("POST", "/people/ada/forget", {})]
PEOPLE_ROUTES = [("POST", "/clusters/grant", {"engine": "dask", "workers": 2})]


@pytest.fixture
def factory(home: Home) -> Factory:
    return Factory(Config(), home)


@pytest.fixture
async def web(hub, factory: Factory) -> AsyncIterator[httpx.AsyncClient]:
    hub.put("ben")
    hub.tokens["bens"] = "ben"
    api = make_api(factory)
    transport = httpx.ASGITransport(api)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=transport, base_url=f"http://service{PREFIX}") as client,
    ):
        yield client


def _refused(answer: httpx.Response, status: int, code: ErrorCode) -> str:
    assert answer.status_code == status, answer.text
    refusal = Refusal.model_validate_json(answer.content)
    assert refusal.code == code
    return refusal.message


@pytest.mark.parametrize(("method", "path", "body"), OPERATOR_ROUTES + HUB_ROUTES + PEOPLE_ROUTES)
@pytest.mark.parametrize("who", ["nobody", "empty", "wrong", "basic", "service_to_hub", "other", "hostile"])
async def test_every_route_refuses_all_others(  # noqa: PLR0917 -- the table's columns
    web: httpx.AsyncClient, hub, factory: Factory, who: str, method: str, path: str, body: dict
):
    secrets = factory.secrets
    is_operators = (method, path, body) in OPERATOR_ROUTES
    is_hubs = (method, path, body) in HUB_ROUTES
    own = secrets.operator if is_operators else secrets.hub_to_service if is_hubs else "bens"
    others = {secrets.operator, secrets.hub_to_service, "bens"} - {own}
    headers = {
        "nobody": [None],
        "empty": ["", "token", "token ", "Bearer  "],
        "wrong": ["token wrong", f"token {own}x", f"token {own[:-1]}"],
        "basic": [f"Basic {own}", own],
        "service_to_hub": [f"token {secrets.service_to_hub}"],
        "other": [f"token {token}" for token in others],
        "hostile": [b"token \xff\xfe", b"token \xc3\xa9", b"token a b c"],
    }[who]
    for header in headers:
        answer = await web.request(method, path, json=body, headers={} if header is None else {"Authorization": header})
        assert "ask an administrator" in _refused(answer, 403, ErrorCode.NOT_ALLOWED)
    assert set(hub.users) == {"ben"}


async def test_a_service_without_secrets_lets_nobody_in(web: httpx.AsyncClient):
    api = web._transport.app
    context = api.state.context
    api.state.context = type(context)(context.people, context.clusters, operator_token="", hub_token="")
    _refused(await web.get("/people"), 403, ErrorCode.NOT_ALLOWED)
    _refused(await web.post("/invitations/claim", json={"code": "x"}), 403, ErrorCode.NOT_ALLOWED)


async def test_the_operator_invites_lists_and_removes(web: httpx.AsyncClient, factory: Factory):
    web.headers["Authorization"] = f"token {factory.secrets.operator}"
    answer = await web.post("/people", json={"name": "ada"})
    assert answer.status_code == 201
    assert [one["name"] for one in (await web.get("/people")).json()] == ["ada", "ben"]
    claim = await web.post(
        "/invitations/claim",
        json={"code": answer.json()["code"]},
        headers={"Authorization": f"Bearer {factory.secrets.hub_to_service}"},
    )
    assert claim.json() == {"name": "ada"}
    assert (await web.delete("/people/ada")).json() == {"name": "ada", "files": None}
    assert (await web.post("/people/first", json={"name": "admin"})).status_code == 200


async def test_a_person_is_granted_workers(web: httpx.AsyncClient):
    answer = await web.post(
        "/clusters/grant", json={"engine": "dask", "workers": 1}, headers={"Authorization": "token bens"}
    )
    assert ClusterGrant.model_validate_json(answer.content).workers == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"name": "ada", "administrator": true}', "body.administrator"),
        ("{}", "body.name"),
        ('{"name": ["ada"]}', "body.name"),
        ("not json", "body"),
        ("", "body"),
        ('{"name": "ada", "admin": "perhaps"}', "body.admin"),
    ],
)
async def test_a_request_of_the_wrong_form_says_where(web: httpx.AsyncClient, factory: Factory, body: str, words: str):
    headers = {"Authorization": f"token {factory.secrets.operator}", "Content-Type": "application/json"}
    message = _refused(await web.post("/people", content=body, headers=headers), 422, ErrorCode.REQUEST_INVALID)
    assert words in message


@pytest.mark.parametrize("workers", [0, -1, 100_001, 1.5, "many"])
async def test_numbers_out_of_range_are_refused(web: httpx.AsyncClient, workers: object):
    answer = await web.post(
        "/clusters/grant", json={"engine": "dask", "workers": workers}, headers={"Authorization": "token bens"}
    )
    assert "workers" in _refused(answer, 422, ErrorCode.REQUEST_INVALID)


@pytest.mark.parametrize("name", ["Ada", "a%20b", "%2e%2e", "a%00", "a" * 40, "a%0A"])
async def test_hostile_names_in_an_address_are_refused(web: httpx.AsyncClient, hub, factory: Factory, name: str):
    answer = await web.delete(f"/people/{name}", headers={"Authorization": f"token {factory.secrets.operator}"})
    _refused(answer, 422, ErrorCode.INVALID_NAME)
    assert not [path for _, path, _ in hub.asked if path.startswith("/hub/api/users/")]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/people", 405), ("DELETE", "/people/a%2fb", 404)]
)
async def test_an_unknown_address_is_a_refusal_too(web: httpx.AsyncClient, method: str, path: str, status: int):
    _refused(await web.request(method, path), status, ErrorCode.REQUEST_INVALID)


async def test_refusals_carry_their_own_code_and_status(web: httpx.AsyncClient, hub, factory: Factory):
    web.headers["Authorization"] = f"token {factory.secrets.operator}"
    _refused(await web.post("/people", json={"name": "ben"}), 409, ErrorCode.PERSON_EXISTS)
    _refused(await web.delete("/people/ada"), 404, ErrorCode.PERSON_UNKNOWN)
    hub.answers["GET", "/users"] = (500, "")
    _refused(await web.get("/people"), 502, ErrorCode.HUB_REFUSED)
    web.headers["Authorization"] = f"token {factory.secrets.hub_to_service}"
    _refused(await web.post("/invitations/claim", json={"code": "x"}), 404, ErrorCode.INVITATION_UNKNOWN)


@pytest.mark.parametrize("body", ["[" * 5000, '{"code": "\\ud800"}', '{"code": "\\u0000"}'])
async def test_hostile_bodies_are_refused_and_not_thrown(web: httpx.AsyncClient, factory: Factory, body: str):
    headers = {"Authorization": f"token {factory.secrets.hub_to_service}", "Content-Type": "application/json"}
    answer = await web.post("/invitations/claim", content=body, headers=headers)
    assert answer.status_code in {400, 404}
    assert Refusal.model_validate_json(answer.content).message


async def test_a_hub_that_is_away_is_told_apart(web: httpx.AsyncClient, hub):
    assert Health.model_validate_json((await web.get("/health")).content) == Health(version=acre.__version__, hub=True)
    await hub.go_away()
    assert not (await web.get("/health")).json()["hub"]
    answer = await web.post(
        "/clusters/grant", json={"engine": "dask", "workers": 1}, headers={"Authorization": "token bens"}
    )
    _refused(answer, 503, ErrorCode.HUB_UNAVAILABLE)


def test_every_route_is_described(factory: Factory):
    paths = make_api(factory).openapi()["paths"]
    routes = {(method.upper(), path.removeprefix(PREFIX)) for path, one in paths.items() for method in one}
    known = {
        (method, re.sub("/ada\\b", "/{name}", path)) for method, path, _ in OPERATOR_ROUTES + HUB_ROUTES + PEOPLE_ROUTES
    }
    assert routes == known | {("GET", "/health")}, "a new route needs a line in the lists above"
    assert all(route["summary"] for one in paths.values() for route in one.values())
