"""How many workers people get."""

from acre.hub.domain.quotas import grant
from acre.hub.places.local import LocalPlace
from acre.wire.clusters import ClusterGrant, ClusterRequest

__all__ = ["ClusterService"]


class ClusterService:
    """Answers requests for clusters."""

    def __init__(self, place: LocalPlace, *, limit: int | None) -> None:
        self._place = place
        self._limit = limit

    def grant(self, request: ClusterRequest) -> ClusterGrant:
        """Return what the person gets, and why when it is less than asked."""
        cores = self._place.cores()
        return grant(request, limit=self._limit or 2 * cores, cores=cores)
