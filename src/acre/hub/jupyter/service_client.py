"""The hub's side of its conversation with the Acre service."""

from pathlib import Path

import httpx

from acre.hub.errors import HubUnavailableError, InvitationUnknownError
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
            HubUnavailableError: If the service does not answer.
        """
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=self._headers) as client:
            try:
                response = await client.post(
                    "/services/acre/api/invitations/claim", json=Claim(code=code).model_dump(mode="json")
                )
            except httpx.TransportError as error:
                raise HubUnavailableError from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise InvitationUnknownError
        if not response.is_success:
            raise HubUnavailableError
        return Claimed.model_validate(response.json()).name
