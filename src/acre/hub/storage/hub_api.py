"""JupyterHub's REST API, over its unix socket."""

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from acre.hub.errors import HubRefusedError, HubUnavailableError, PersonExistsError, PersonUnknownError
from acre.wire.people import Person

__all__ = ["HubApi"]


class HubApi:
    """What the service may ask of the hub."""

    def __init__(self, socket: Path, token: str) -> None:
        self._token = token
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://hub/hub/api", timeout=30
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def people(self) -> list[Person]:
        """Return everybody who has an account, by name."""
        found: list[Person] = []
        page = 200
        while True:
            response = await self._ask("GET", f"/users?offset={len(found)}&limit={page}")
            people = [_to_person(one) for one in response.json()]
            found.extend(people)
            if len(people) < page:
                return sorted(found, key=lambda person: person.name)

    async def add(self, name: str, *, admin: bool) -> None:
        """Make an account.

        Raises:
            PersonExistsError: If the name is taken.
        """
        response = await self._ask("POST", f"/users/{name}", json={"admin": admin}, accept=(httpx.codes.CONFLICT,))
        if response.status_code == httpx.codes.CONFLICT:
            raise PersonExistsError(name)

    async def make_admin(self, name: str) -> None:
        """Let somebody administrate."""
        await self._ask("PATCH", f"/users/{name}", json={"admin": True})

    async def remove(self, name: str) -> None:
        """Stop a person's server and delete the account.

        Raises:
            PersonUnknownError: If there is none.
        """
        response = await self._ask("DELETE", f"/users/{name}", accept=(httpx.codes.NOT_FOUND,))
        if response.status_code == httpx.codes.NOT_FOUND:
            raise PersonUnknownError(name)

    async def whose(self, token: str) -> Person | None:
        """Return the person a token belongs to, or None."""
        response = await self._ask(
            "GET", "/user", token=token, accept=(httpx.codes.FORBIDDEN, httpx.codes.UNAUTHORIZED)
        )
        if response.status_code != httpx.codes.OK or response.json().get("kind") != "user":
            return None
        return _to_person(response.json())

    async def is_up(self) -> bool:
        """Return whether the hub answers, and not with an error."""
        try:
            await self._ask("GET", "/")
        except (HubUnavailableError, HubRefusedError):
            return False
        return True

    async def _ask(
        self, method: str, path: str, *, json: Any = None, token: str | None = None, accept: tuple[int, ...] = ()
    ) -> httpx.Response:
        headers = {"Authorization": f"token {token or self._token}"}
        try:
            response = await self._client.request(method, path, json=json, headers=headers)
        except httpx.TransportError as error:
            raise HubUnavailableError from error
        if response.is_success or response.status_code in accept:
            return response
        raise HubRefusedError(f"{method} {path.partition('?')[0]}", _reason(response))


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"


def _to_person(model: dict[str, Any]) -> Person:
    seen = model.get("last_activity")
    return Person(
        name=model["name"],
        admin=bool(model.get("admin")),
        server=model.get("server") is not None,
        last_seen=datetime.fromisoformat(seen) if seen else None,
    )
