"""Accounts."""

from fastapi import APIRouter

from acre.hub.web.context import HubOnly, InContext, OperatorOnly
from acre.wire.people import Claim, Claimed, FirstAdmin, Invitation, NewPerson, Person, Removed

__all__ = ["router"]

router = APIRouter(tags=["people"])


@router.get("/people", summary="Everybody who has an account", dependencies=[OperatorOnly])
async def get_people(context: InContext) -> list[Person]:
    return await context.people.list_people()


@router.post("/people", summary="Invite somebody", status_code=201, dependencies=[OperatorOnly])
async def post_people(context: InContext, new: NewPerson) -> Invitation:
    return await context.people.invite(new)


@router.delete("/people/{name}", summary="Remove somebody; the files are put aside", dependencies=[OperatorOnly])
async def delete_person(context: InContext, name: str) -> Removed:
    aside = await context.people.remove(name)
    return Removed(name=name, files=str(aside) if aside else None)


@router.post("/people/first", summary="Invite the first administrator, until one came", dependencies=[OperatorOnly])
async def post_first(context: InContext, first: FirstAdmin) -> Invitation | None:
    return await context.people.invite_first(first.name)


@router.post("/people/{name}/forget", summary="Forget somebody whose account is deleted", dependencies=[HubOnly])
async def post_forget(context: InContext, name: str) -> Claimed:
    context.people.forget(name)
    return Claimed(name=name)


@router.post("/invitations/claim", summary="Use an invitation", dependencies=[HubOnly])
async def post_claim(context: InContext, claim: Claim) -> Claimed:
    return Claimed(name=context.people.claim(claim.code))
