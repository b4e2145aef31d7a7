"""Requests for clusters."""

from fastapi import APIRouter

from acre.hub.web.context import Caller, InContext
from acre.wire.clusters import ClusterGrant, ClusterRequest

__all__ = ["router"]

router = APIRouter(tags=["clusters"])


@router.post("/clusters/grant", summary="What a person gets of the workers asked for")
async def post_grant(context: InContext, _caller: Caller, request: ClusterRequest) -> ClusterGrant:
    return context.clusters.grant(request)
