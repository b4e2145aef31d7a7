"""What the service asks JupyterHub, against a tiny hub on a socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acre.hub.errors import HubRefusedError, HubUnavailableError, PersonExistsError, PersonUnknownError
from acre.hub.storage import HubApi


@pytest.fixture
async def api(hub) -> AsyncIterator[HubApi]:
    async with HubApi(hub.socket, "our-token") as api:
        yield api


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 401])
async def test_all_people_are_found_however_many(hub, api: HubApi, count: int):
    hub.put(*[f"p{number:04}" for number in reversed(range(count))])
    assert [person.name for person in await api.people()] == [f"p{number:04}" for number in range(count)]
    assert len(hub.asked) == count // 200 + 1
    assert {token for _, _, token in hub.asked} == {"token our-token"}


async def test_a_person_is_translated(hub, api: HubApi):
    hub.put("ada", admin=True)
    hub.users["ada"] |= {"server": "/user/ada/", "last_activity": "2026-11-22T12:00:00.5Z", "unknown": 1}
    (ada,) = await api.people()
    assert (ada.name, ada.admin, ada.server) == ("ada", True, True)
    assert ada.last_seen.isoformat() == "2026-11-22T12:00:00.500000+00:00"


async def test_adding_twice_is_a_conflict(hub, api: HubApi):
    await api.add("ada", admin=False)
    assert "ada" in hub.users
    with pytest.raises(PersonExistsError, match="acre user add ada --renew"):
        await api.add("ada", admin=False)


async def test_somebody_is_made_administrator(hub, api: HubApi):
    hub.put("ada")
    await api.make_admin("ada")
    assert [person.admin for person in await api.people()] == [True]


async def test_removing_nobody_is_said(hub, api: HubApi):
    hub.put("ada")
    await api.remove("ada")
    assert not hub.users
    with pytest.raises(PersonUnknownError):
        await api.remove("ada")


async def test_a_token_is_whose_the_hub_says(hub, api: HubApi):
    hub.put("ada")
    hub.tokens["adas"] = "ada"
    assert (await api.whose("adas")).name == "ada"
    assert await api.whose("nobodys") is None
    hub.answers["GET", "/user"] = (200, '{"kind": "service", "name": "acre"}')
    assert await api.whose("our-token") is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, '{"message": "Action is not authorized"}', "Action is not authorized"),
        (400, '{"message": "ada is pending stop"}', "ada is pending stop"),
        (500, "<html>Internal</html>", "status 500"),
        (502, "", "status 502"),
        (500, "[1]", "status 500"),
        (500, "null", "status 500"),
    ],
)
async def test_what_the_hub_refuses_is_passed_on_without_the_token(
    hub, api: HubApi, status: int, body: str, words: str
):
    hub.answers["GET", "/users"] = (status, body)
    with pytest.raises(HubRefusedError, match=words) as error:
        await api.people()
    assert "GET /users" in str(error.value)
    assert "our-token" not in str(error.value)
    assert "acre logs hub" in str(error.value)


async def test_a_hub_that_fails_is_not_up(hub, api: HubApi):
    assert await api.is_up()
    hub.answers["GET", "/"] = (500, "")
    assert not await api.is_up()


async def test_a_hub_that_is_away_is_said_to_be(short_folder: Path):
    async with HubApi(short_folder / "none.sock", "our-token") as api:
        assert not await api.is_up()
        with pytest.raises(HubUnavailableError):
            await api.people()
