"""The environment as a whole."""

from acre.wire.record import Record

__all__ = ["Health"]


class Health(Record):
    """What works.

    Attributes:
        version: Of Acre.
        hub: Whether JupyterHub answers the service.
    """

    version: str
    hub: bool
