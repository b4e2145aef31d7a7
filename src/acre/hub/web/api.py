"""The FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import acre
from acre.hub.errors import RefusedError, RequestInvalidError
from acre.hub.factory import Factory
from acre.hub.web import clusters, health, people
from acre.hub.web.context import Context

__all__ = ["make_api"]

PREFIX = "/services/acre/api"


def make_api(factory: Factory) -> FastAPI:
    """Return the application; what it needs from outside is made when it starts."""

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with factory.hub_api() as hub:
            api.state.context = Context(
                people=factory.people(hub),
                clusters=factory.clusters(),
                operator_token=factory.secrets.operator,
                hub_token=factory.secrets.hub_to_service,
            )
            yield

    api = FastAPI(
        title="Acre", version=acre.__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
    )  # fmt: skip
    for routes in (health, people, clusters):
        api.include_router(routes.router, prefix=PREFIX)
    api.add_exception_handler(RefusedError, _refuse)
    api.add_exception_handler(RequestValidationError, _refuse_invalid)
    api.add_exception_handler(HTTPException, _refuse_http)
    return api


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedError)  # noqa: S101 -- registered for this class only
    return JSONResponse(error.to_refusal().model_dump(mode="json"), status_code=error.status)


async def _refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for this class only
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return await _refuse(request, RequestInvalidError(f"The request does not fit: {where}: {first['msg']}"))


async def _refuse_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this class only
    refusal = RequestInvalidError(f"{request.method} {request.url.path}: {str(error.detail).lower()}").to_refusal()
    return JSONResponse(refusal.model_dump(mode="json"), status_code=error.status_code)
