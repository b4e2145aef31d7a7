"""The keeper of pods: starts servers in pods, by the zygote where it can, and holds none of them when it ends."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Literal

from acre.hub.errors import PodFailedError, ZygoteFailedError
from acre.hub.pods.launching import launch, launch_waiting
from acre.hub.pods.orders import LARGEST_LINE, PodOrder
from acre.hub.pods.pod import Pod, find
from acre.hub.pods.zygote import Zygote
from acre.wire.pods import ServerOrder

__all__ = ["PodService"]

_log = logging.getLogger(__name__)


class PodService:
    """Answers orders.

    Args:
        start: ``zygote`` forks servers from a warm process, and ``fresh`` starts each as a new program.
    """

    def __init__(self, start: Literal["zygote", "fresh"]) -> None:
        self._zygote = Zygote() if start == "zygote" else None

    async def serve(self, socket: Path) -> None:
        """Answer on a socket until cancelled."""
        server = await asyncio.start_unix_server(self._answer, socket, limit=LARGEST_LINE)
        async with server, asyncio.TaskGroup() as group:
            if self._zygote:
                group.create_task(self._zygote.keep())
            group.create_task(server.serve_forever())

    async def start(self, order: PodOrder) -> Pod:
        """Start a server in a new pod; a pod that the folder records is ended before.

        Raises:
            PodFailedError: If the pod could not be made; its log says why.
        """
        if left := find(order.folder):  # by a keeper or a hub that was killed before it took note of it
            await left.stop(now=True)
        if self._zygote and order.sandbox:
            try:
                return await self._fork(self._zygote, order)
            except ZygoteFailedError as error:
                _log.warning("The zygote cannot start the server of %s, so it starts fresh: %s", _name(order), error)
            if left := find(order.folder):
                await left.stop(now=True)
        program = [sys.executable, "-m", "acre.server", *order.arguments]
        return await launch(order.sandbox, program, env=order.env, folder=order.folder, log=order.log)

    async def _fork(self, zygote: Zygote, order: PodOrder) -> Pod:
        assert order.sandbox  # noqa: S101 -- servers without isolation are not forked
        with order.log.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            async with launch_waiting(order.sandbox, folder=order.folder, log=log.fileno()) as (pod, alive):
                server = ServerOrder(order.arguments, order.env, str(order.sandbox.home_inside))
                await zygote.ask(server, pod=pod.record.pid, log=log.fileno(), alive=alive)
                return pod

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not (line := await reader.readline()):  # somebody only looked whether it is here
                return
            order = PodOrder.from_line(line)
            try:
                pod = await self.start(order)
                note = {"pid": pod.record.pid, "created": pod.record.created}
            except PodFailedError as error:
                _log.warning("The pod of %s could not be made %s; its log: %s", _name(order), error, order.log)
                note = {"pid": None, "created": ""}
            writer.write(json.dumps(note).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()


def _name(order: PodOrder) -> str:
    return order.folder.name
