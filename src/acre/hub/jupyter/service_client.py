"""The hub's side of its conversation with the Acre service."""

from pathlib import Path

import httpx

from acre.hub.errors import InvitationUnknownError, ServiceUnavailableError
from acre.wire.people import Claim, Claimed

__all__ = ["ServiceClient"]


class ServiceClient:
    """Asks the service on its unix socket."""

    def __init__(self, socket: Path, token: str) -> None:
        self._socket = socket
        self._headers = {"Authorization": f"token {token}"}

    async def claim(self, code: str) -> str:
        """Use an invitation, and return whose it was.

        Raises:
            InvitationUnknownError: If it opens nothing.
            ServiceUnavailableError: If the service does not answer.
        """
        answer = await self._post("/invitations/claim", Claim(code=code).model_dump(mode="json"))
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise InvitationUnknownError
        if not answer.is_success:
            raise ServiceUnavailableError
        return Claimed.model_validate(answer.json()).name

    async def forget(self, name: str) -> None:
        """Let the service forget somebody whose account is deleted.

        Raises:
            ServiceUnavailableError: If it does not answer; the account must not be deleted then.
        """
        if not (await self._post(f"/people/{name}/forget", {})).is_success:
            raise ServiceUnavailableError

    async def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=self._headers) as client:
            try:
                return await client.post(f"/services/acre/api{path}", json=body)
            except httpx.TransportError as error:
                raise ServiceUnavailableError from error
