"""Whether the service works."""

from fastapi import APIRouter

import acre
from acre.hub.web.context import InContext
from acre.wire.environment import Health

__all__ = ["router"]

router = APIRouter(tags=["environment"])


@router.get("/health", summary="Whether service and hub work")
async def get_health(context: InContext) -> Health:
    return Health(version=acre.__version__, hub=await context.people.hub_answers())
