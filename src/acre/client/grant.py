"""What of a request is granted: the hub decides where there is one, else this machine's cores do."""

import os
from pathlib import Path

import httpx
from pydantic import ValidationError

from acre.client.errors import ClusterRefusedError
from acre.wire.clusters import ClusterGrant, ClusterRequest
from acre.wire.errors import ErrorCode, Refusal

__all__ = ["SOCKET_VARIABLE", "TOKEN_VARIABLE", "ask", "decide_locally"]

SOCKET_VARIABLE = "ACRE_SERVICE_SOCKET"
TOKEN_VARIABLE = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable

_URL = "http://acre/services/acre/api/clusters/grant"
_WORKERS_PER_CORE = 4


def ask(request: ClusterRequest) -> ClusterGrant:
    """Ask for a cluster.

    Raises:
        ClusterRefusedError: The environment says no, or cannot be asked.
    """
    socket = os.environ.get(SOCKET_VARIABLE)
    if not socket:
        return decide_locally(
            request, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket), timeout=10) as client:
            token = os.environ.get(TOKEN_VARIABLE, "")
            response = client.post(_URL, json=request.model_dump(), headers={"Authorization": f"token {token}"})
    except httpx.HTTPError as error:
        raise _unavailable(f"it does not answer on {Path(socket).name}: {error}") from error
    return _read(response)


def decide_locally(request: ClusterRequest, cores: int) -> ClusterGrant:
    """Grant what is asked, up to four workers for each core of this machine."""
    most = max(1, _WORKERS_PER_CORE * cores // request.cores)
    workers = min(request.workers, most)
    reason = ""
    if workers < request.workers:
        reason = (
            f"This machine has {cores} core{'s' * (cores != 1)}, and more than {_WORKERS_PER_CORE} busy threads on "
            "each only take turns."
        )
    return ClusterGrant(engine=request.engine, workers=workers, cores=request.cores, place="local", reason=reason)


def _read(response: httpx.Response) -> ClusterGrant:
    try:
        if response.is_success:
            return ClusterGrant.model_validate_json(response.content)
        refusal = Refusal.model_validate_json(response.content)
    except ValidationError as error:
        raise _unavailable(f"its answer (status {response.status_code}) makes no sense") from error
    raise ClusterRefusedError(refusal.message, refusal.code)


def _unavailable(why: str) -> ClusterRefusedError:
    return ClusterRefusedError(
        f"The environment could not be asked for a cluster, because {why}. Wait a minute and try again; "
        "if it stays so, tell the people who run this environment.",
        ErrorCode.HUB_UNAVAILABLE,
    )
