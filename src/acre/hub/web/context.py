"""What a route receives, and who is asking."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from acre.hub.errors import NotAllowedError
from acre.hub.services import ClusterService, PeopleService
from acre.wire.people import Person

__all__ = ["Caller", "Context", "HubOnly", "InContext", "OperatorOnly", "require_hub", "require_operator"]


@dataclass(frozen=True)
class Context:
    """The services, and the two tokens that open what people may not ask themselves."""

    people: PeopleService
    clusters: ClusterService
    operator_token: str
    hub_token: str


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _token(authorization: Annotated[str, Header()] = "") -> str:
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() in {"token", "bearer"} and token.isascii() else ""


InContext = Annotated[Context, Depends(_context)]
_Token = Annotated[str, Depends(_token)]


def require_operator(context: InContext, token: _Token) -> None:
    """Refuse everybody but the operator's own commands."""
    _require(token, context.operator_token)


def require_hub(context: InContext, token: _Token) -> None:
    """Refuse everybody but the hub's own process."""
    _require(token, context.hub_token)


async def _caller(context: InContext, token: _Token) -> Person:
    person = await context.people.whose(token) if token else None
    if person is None:
        raise NotAllowedError
    return person


def _require(token: str, expected: str) -> None:
    if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
        raise NotAllowedError


OperatorOnly = Depends(require_operator)
HubOnly = Depends(require_hub)
Caller = Annotated[Person, Depends(_caller)]
