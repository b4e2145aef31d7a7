"""The operator's side of the conversation with the running service."""

from types import TracebackType
from typing import Any, Self

import httpx

from acre.hub.config import Home
from acre.hub.errors import AcreError, NotRunningError
from acre.wire.errors import Refusal
from acre.wire.people import FirstAdmin, Invitation, NewPerson, Person, Removed

__all__ = ["Operator"]


class Operator:
    """Asks the service what only the operator may ask; its refusals are raised as errors."""

    def __init__(self, home: Home, token: str) -> None:
        self._home = home
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(home.service_socket)),
            base_url="http://service/services/acre/api",
            headers={"Authorization": f"token {token}"},
            timeout=60,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def people(self) -> list[Person]:
        """Return everybody who has an account."""
        return [Person.model_validate(one) for one in await self._ask("GET", "/people")]

    async def invite(self, new: NewPerson) -> Invitation:
        """Make an account, or renew its invitation."""
        return Invitation.model_validate(await self._ask("POST", "/people", new.model_dump()))

    async def invite_first(self, name: str) -> Invitation | None:
        """Invite the first administrator, until one came."""
        answer = await self._ask("POST", "/people/first", FirstAdmin(name=name).model_dump())
        return Invitation.model_validate(answer) if answer else None

    async def remove(self, name: str) -> Removed:
        """Remove an account."""
        return Removed.model_validate(await self._ask("DELETE", f"/people/{name}"))

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise NotRunningError(self._home.root) from error
        try:
            if response.is_success:
                return response.json()
            message = Refusal.model_validate(response.json()).message
        except ValueError as error:
            raise AcreError(f"The service failed at {method} {path}. Details: acre logs service") from error
        raise AcreError(message)
