"""What a person asks for, and what is granted."""

from typing import Literal

from pydantic import Field

from acre.wire.record import Record

__all__ = ["ClusterGrant", "ClusterRequest", "EngineName", "PlaceName"]

EngineName = Literal["ipyparallel", "dask"]
PlaceName = Literal["local"]


class ClusterRequest(Record):
    """A request for workers.

    Attributes:
        workers: How many processes.
        cores: Threads that each worker may keep busy.
        place: Where; None lets the hub choose.
    """

    engine: EngineName
    workers: int = Field(ge=1, le=100_000)
    cores: int = Field(default=1, ge=1, le=1024)
    place: PlaceName | None = None


class ClusterGrant(Record):
    """What the person gets.

    Attributes:
        workers: At most what was asked.
        reason: One sentence that says why it is less than asked; empty when it is not.
    """

    engine: EngineName
    workers: int
    cores: int
    place: PlaceName
    reason: str = ""
