"""Accounts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acre.hub.domain.invitations import hash_code, invite, is_valid
from acre.hub.domain.names import check_name
from acre.hub.errors import InvitationUnknownError, LastAdministratorError, PersonUnknownError
from acre.hub.storage.folders import FolderStorage
from acre.hub.storage.hub_api import HubApi
from acre.hub.storage.invitations import InvitationStorage
from acre.wire.people import Invitation, NewPerson, Person

__all__ = ["PeopleService"]


def _now() -> datetime:
    return datetime.now(UTC)


class PeopleService:
    """Invites people, lets them in once, and removes them."""

    def __init__(
        self,
        hub: HubApi,
        invitations: InvitationStorage,
        folders: FolderStorage,
        *,
        lifetime: timedelta,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._hub = hub
        self._invitations = invitations
        self._folders = folders
        self._lifetime = lifetime
        self._now = now

    async def list_people(self) -> list[Person]:
        """Return everybody who has an account, by name."""
        return await self._hub.people()

    async def whose(self, token: str) -> Person | None:
        """Return the person whom the hub gave a token, or None."""
        return await self._hub.whose(token)

    async def hub_answers(self) -> bool:
        """Return whether the hub works."""
        return await self._hub.is_up()

    async def invite(self, new: NewPerson) -> Invitation:
        """Make an account and a one-time way into it.

        Raises:
            InvalidNameError: If the name is not safe.
            PersonExistsError: If the name is taken and no renewal was asked.
            PersonUnknownError: If a renewal was asked for nobody.
        """
        name = check_name(new.name)
        if new.renew:
            person = next((one for one in await self._hub.people() if one.name == name), None)
            if person is None:
                raise PersonUnknownError(name)
            if new.admin and not person.admin:
                await self._hub.make_admin(name)
        else:
            await self._hub.add(name, admin=new.admin)
        return self._make_invitation(name)

    async def invite_first(self, name: str) -> Invitation | None:
        """Make the first administrator, or renew an invitation that nobody used.

        Returns:
            None once an administrator has come in, or when somebody else administrates.
        """
        people = await self._hub.people()
        if any(person.admin and person.name != name for person in people):
            return None
        earlier = self._invitations.of(name)
        if earlier is not None and earlier.claimed is not None:
            return None
        known = name in {person.name for person in people}
        return await self.invite(NewPerson(name=name, admin=True, renew=known))

    def claim(self, code: str) -> str:
        """Use an invitation, and return whose it was.

        Raises:
            InvitationUnknownError: If it was used, has expired or never was.
        """
        code_hash = hash_code(code)
        now = self._now()
        invitation = self._invitations.find(code_hash)
        if invitation is None or not is_valid(invitation, now=now) or not self._invitations.claim(code_hash, now=now):
            raise InvitationUnknownError
        return invitation.name

    async def remove(self, name: str) -> Path | None:
        """Remove an account; the files are put aside, and where they are is returned.

        Raises:
            PersonUnknownError: If there is no such account.
            LastAdministratorError: If nobody could administrate any more.
        """
        admins = {person.name for person in await self._hub.people() if person.admin}
        if admins == {check_name(name)}:
            raise LastAdministratorError(name)
        before = self._folders.aside_of(name)
        await self._hub.remove(name)
        after = self._folders.aside_of(name)
        return after if after != before else None

    def forget(self, name: str) -> None:
        """Keep nothing that would let the next person of this name in, or at the files of the last.

        JupyterHub asks for it whenever an account is deleted, so that no way of deleting one goes past it.
        """
        self._invitations.remove(check_name(name))
        self._folders.put_aside(name)

    def _make_invitation(self, name: str) -> Invitation:
        code, stored = invite(name, now=self._now(), lifetime=self._lifetime)
        self._invitations.put(stored)
        return Invitation(name=name, code=code, path=f"/hub/welcome#code={code}", expires=stored.expires)
