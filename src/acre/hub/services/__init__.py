"""What the control plane does for people: decisions with what they have from below."""

from acre.hub.services.clusters import ClusterService
from acre.hub.services.people import PeopleService

__all__ = ["ClusterService", "PeopleService"]
