"""What the hub asks of the keeper of pods, and how: one line of JSON there, one line back, over a socket."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acre.hub.errors import PodFailedError, PodsUnavailableError
from acre.hub.pods.pod import Pod, PodRecord
from acre.hub.pods.sandbox import Sandbox

__all__ = ["LARGEST_LINE", "PodOrder", "PodsClient"]

LARGEST_LINE = 2**20


@dataclass(frozen=True)
class PodOrder:
    """A server in a new pod.

    Attributes:
        sandbox: What the pod sees; None for a server without isolation.
        arguments: For the Jupyter server.
        env: The whole environment of the server.
        folder: Where the pod is recorded.
        log: What the server prints goes to this file, after what is there.
    """

    sandbox: Sandbox | None
    arguments: list[str]
    env: dict[str, str]
    folder: Path
    log: Path

    def to_line(self) -> bytes:
        """Return the order as it is sent."""
        return json.dumps(asdict(self), default=str).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "PodOrder":
        """Return the order that was sent."""
        order = json.loads(line)
        paths = {"folder": Path(order["folder"]), "log": Path(order["log"])}
        return cls(**{**order, **paths, "sandbox": _sandbox(order["sandbox"])})


class PodsClient:
    """Asks the keeper of pods."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def start(self, order: PodOrder) -> Pod:
        """Start a server in a new pod; a pod that the folder records is ended before.

        Raises:
            PodFailedError: If the pod could not be made; its log says why.
            PodsUnavailableError: If the keeper does not answer.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=LARGEST_LINE)
            try:
                writer.write(order.to_line())
                answer = await reader.readline()
            finally:
                writer.close()
        except OSError as error:
            raise PodsUnavailableError from error
        if not answer:
            raise PodsUnavailableError
        note = json.loads(answer)
        if note["pid"] is None:
            raise PodFailedError
        return Pod(PodRecord(note["pid"], note["created"]), isolated=order.sandbox is not None)


def _sandbox(fields: dict[str, Any] | None) -> Sandbox | None:
    if fields is None:
        return None
    paths = {name: Path(fields[name]) for name in ("home", "doors", "folder", "start_here", "identity")}
    return Sandbox(**{**fields, **paths})
