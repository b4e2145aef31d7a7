"""What the keeper of pods and the zygote say to each other, over a socket that nobody else has."""

import json
from dataclasses import asdict, dataclass

__all__ = ["DONE", "LARGEST_ORDER", "READY", "ServerOrder"]

READY = b"ready\n"
"""The zygote says it once, when it has imported everything."""

DONE = b"done\n"
"""A child says it when it is in its pod and has given up every privilege; anything else is why it could not."""

LARGEST_ORDER = 2**17
"""In bytes; an order travels as one packet, with four descriptors beside it."""


@dataclass(frozen=True)
class ServerOrder:
    """Which server a child of the zygote becomes.

    Beside it travel four descriptors: the pod's first process as a folder of ``/proc``, the log, a pipe to report on,
    and a pipe that the server holds open for as long as it lives.

    Attributes:
        arguments: For the Jupyter server.
        environment: The whole environment of the server.
        folder: Where it starts, as the pod sees it.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str

    def to_bytes(self) -> bytes:
        """Return the packet."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, packet: bytes) -> "ServerOrder":
        """Return the order in a packet."""
        return cls(**json.loads(packet))
