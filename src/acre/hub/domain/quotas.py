"""How much a person gets of what was asked."""

from acre.wire.clusters import ClusterGrant, ClusterRequest

__all__ = ["grant"]


def grant(request: ClusterRequest, *, limit: int, cores: int) -> ClusterGrant:
    """Return what the person gets on this machine: never more workers than the limit.

    Args:
        request: What is asked.
        limit: Workers that one cluster may have.
        cores: Cores of the machine, to say why.
    """
    workers = min(request.workers, limit)
    reason = ""
    if workers < request.workers:
        reason = (
            f"{workers} of the {request.workers} workers asked for: a cluster here may have {limit}, "
            f"and this machine has {cores} cores"
        )
    return ClusterGrant(
        engine=request.engine, workers=workers, cores=request.cores, place=request.place or "local", reason=reason
    )
