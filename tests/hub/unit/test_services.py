"""Accounts and clusters, with a database in a file and a hub in memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acre.hub.errors import (
    HubUnavailableError,
    InvalidNameError,
    InvitationUnknownError,
    LastAdministratorError,
    PersonExistsError,
    PersonUnknownError,
)
from acre.hub.services import ClusterService, PeopleService
from acre.hub.storage import FolderStorage, InvitationStorage, open_database
from acre.wire.clusters import ClusterRequest
from acre.wire.people import NewPerson, Person


class MemoryHub:
    """A hub that keeps people in a dictionary."""

    def __init__(self) -> None:
        self.found: dict[str, Person] = {}
        self.deleted: Callable[[str], None] | None = None

    async def people(self) -> list[Person]:
        return sorted(self.found.values(), key=lambda person: person.name)

    async def add(self, name: str, *, admin: bool) -> None:
        if name in self.found:
            raise PersonExistsError(name)
        self.found[name] = Person(name=name, admin=admin, server=False, last_seen=None)

    async def make_admin(self, name: str) -> None:
        self.found[name] = self.found[name].model_copy(update={"admin": True})

    async def remove(self, name: str) -> None:
        if self.found.pop(name, None) is None:
            raise PersonUnknownError(name)
        if self.deleted is not None:  # as JupyterHub calls its authenticator
            self.deleted(name)


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def memory_hub() -> MemoryHub:
    return MemoryHub()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path, memory_hub: MemoryHub, clock: Clock) -> PeopleService:
    for name in ("people", "removed"):
        (tmp_path / name).mkdir()
    service = PeopleService(
        memory_hub,
        InvitationStorage(open_database(tmp_path / "acre.sqlite")),
        FolderStorage(tmp_path / "people", tmp_path / "removed"),
        lifetime=timedelta(hours=72),
        now=clock,
    )
    memory_hub.deleted = service.forget
    return service


async def test_an_invitation_makes_an_account_and_opens_once(people: PeopleService, memory_hub: MemoryHub):
    invitation = await people.invite(NewPerson(name="ada", admin=True))
    assert memory_hub.found["ada"].admin
    assert invitation.path == f"/hub/welcome#code={invitation.code}"
    assert people.claim(invitation.code) == "ada"
    with pytest.raises(InvitationUnknownError):
        people.claim(invitation.code)


@pytest.mark.parametrize("code", ["", "wrong", "a" * 10_000, "é\n\0", "' OR 1=1 --", "%"])
async def test_a_code_that_nobody_made_opens_nothing(people: PeopleService, code: str):
    await people.invite(NewPerson(name="ada"))
    with pytest.raises(InvitationUnknownError):
        people.claim(code)


async def test_an_invitation_expires(people: PeopleService, clock: Clock):
    invitation = await people.invite(NewPerson(name="ada"))
    clock.time = invitation.expires
    with pytest.raises(InvitationUnknownError):
        people.claim(invitation.code)
    clock.time -= timedelta(seconds=1)
    assert people.claim(invitation.code) == "ada"


async def test_a_renewal_replaces_the_invitation(people: PeopleService):
    old = await people.invite(NewPerson(name="ada"))
    with pytest.raises(PersonExistsError):
        await people.invite(NewPerson(name="ada"))
    assert people.claim(old.code) == "ada"
    new = await people.invite(NewPerson(name="ada", renew=True))
    with pytest.raises(InvitationUnknownError):
        people.claim(old.code)
    assert people.claim(new.code) == "ada"


async def test_a_refused_second_invitation_leaves_the_first_as_it_was(people: PeopleService):
    first = await people.invite(NewPerson(name="ada"))
    with pytest.raises(PersonExistsError):
        await people.invite(NewPerson(name="ada"))
    assert people.claim(first.code) == "ada"


@pytest.mark.parametrize(
    ("before", "asked", "after"), [(False, True, True), (True, False, True), (False, False, False)]
)
async def test_a_renewal_can_make_an_administrator_and_never_takes_it_back(
    people: PeopleService, memory_hub: MemoryHub, *, before: bool, asked: bool, after: bool
):
    await people.invite(NewPerson(name="ada", admin=before))
    await people.invite(NewPerson(name="ada", admin=asked, renew=True))
    assert memory_hub.found["ada"].admin is after


async def test_a_person_who_is_named_first_administrator_becomes_one(people: PeopleService, memory_hub: MemoryHub):
    await people.invite(NewPerson(name="ada"))
    assert await people.invite_first("ada") is not None
    assert memory_hub.found["ada"].admin


async def test_nobody_cannot_be_renewed(people: PeopleService):
    with pytest.raises(PersonUnknownError):
        await people.invite(NewPerson(name="ada", renew=True))


@pytest.mark.parametrize("name", ["", "../ben", "a/b", "Ada", "a\n"])
async def test_hostile_names_reach_neither_hub_nor_disk(people: PeopleService, memory_hub: MemoryHub, name: str):
    for ask in (people.invite(NewPerson(name=name)), people.remove(name), people.invite_first(name)):
        with pytest.raises(InvalidNameError):
            await ask
    assert not memory_hub.found


async def test_the_first_administrator_is_invited_until_somebody_came(people: PeopleService, memory_hub: MemoryHub):
    first = await people.invite_first("admin")
    assert memory_hub.found["admin"].admin
    again = await people.invite_first("admin")
    with pytest.raises(InvitationUnknownError):
        people.claim(first.code)
    people.claim(again.code)
    assert await people.invite_first("admin") is None


async def test_no_first_administrator_is_made_where_another_administrates(people: PeopleService):
    await people.invite(NewPerson(name="ada", admin=True))
    assert await people.invite_first("admin") is None


async def test_removing_takes_the_account_the_invitation_and_the_files(
    people: PeopleService, memory_hub: MemoryHub, tmp_path: Path
):
    invitation = await people.invite(NewPerson(name="ada"))
    (tmp_path / "people" / "ada").mkdir()
    aside = await people.remove("ada")
    assert aside.parent == tmp_path / "removed"
    assert not memory_hub.found
    with pytest.raises(InvitationUnknownError):
        people.claim(invitation.code)
    with pytest.raises(PersonUnknownError):
        await people.remove("ada")


async def test_nothing_is_lost_when_the_hub_is_away_while_removing(
    people: PeopleService, memory_hub: MemoryHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    invitation = await people.invite(NewPerson(name="ada"))
    (tmp_path / "people" / "ada").mkdir()

    async def away(_name: str) -> None:
        raise HubUnavailableError

    monkeypatch.setattr(memory_hub, "remove", away)
    with pytest.raises(HubUnavailableError):
        await people.remove("ada")
    assert (tmp_path / "people" / "ada").is_dir()
    assert people.claim(invitation.code) == "ada"


class TwelveCores:
    """A place."""

    def cores(self) -> int:
        return 12


@pytest.mark.parametrize(("limit", "granted"), [(None, 24), (3, 3), (500, 100)])
def test_a_cluster_may_have_the_limit_or_twice_the_cores(limit: int | None, granted: int):
    service = ClusterService(TwelveCores(), limit=limit)
    assert service.grant(ClusterRequest(engine="dask", workers=100)).workers == granted


async def test_the_last_administrator_stays(people: PeopleService, memory_hub: MemoryHub):
    await people.invite(NewPerson(name="ada", admin=True))
    with pytest.raises(LastAdministratorError, match="only administrator"):
        await people.remove("ada")
    assert "ada" in memory_hub.found
    await people.invite(NewPerson(name="ben", admin=True))
    await people.remove("ada")
    assert set(memory_hub.found) == {"ben"}
