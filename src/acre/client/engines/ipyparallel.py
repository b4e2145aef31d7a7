"""IPython Parallel: CurveZMQ on loopback, signed messages, every file in the cluster's private folder.

CurveZMQ and not ``ipc``: ipyparallel 9.2 builds the engines' ipc addresses wrongly (``ipc://path:1`` where the
controller binds ``ipc://path-1``).
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import ipyparallel
from ipyparallel.error import EngineError
from IPython.core.getipython import get_ipython

from acre.client.engines import AbstractEngine
from acre.client.errors import WorkerLostError
from acre.client.shipping import Parcel, run

__all__ = ["Engine"]

_REPLACEMENT_POLL_SECONDS = 0.1


class Engine(AbstractEngine):
    """An ipyparallel controller and its engines; ``client`` is an ``ipyparallel.Client``.

    Tasks go to the engine with the least at hand, directly: when an engine is lost, ipyparallel then says at once
    which tasks it had, and its task scheduler (slower, and five seconds late with that) stays free for other users
    of ``client``.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._at_hand: Counter[int] = Counter()
        self._gone: set[int] = set()
        self._closed = False
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Nothing: the controller makes its own keys."""

    def controller(self) -> list[str]:
        """The command of the controller."""
        return [*self._node, "controller", str(self.folder)]

    def worker(self, number: int) -> list[str]:
        """The command of one engine; its id in ``client.ids`` is its number."""
        return [*self._node, "engine", str(self.folder), str(number)]

    def is_listening(self) -> bool:
        """Whether the controller has written how to reach it."""
        return self._connection() is not None

    def connect(self) -> None:
        """Connect, and make ``%px`` work in a notebook without further ado."""
        self.client = ipyparallel.Client(self._connection(), ipython_dir=str(self.folder))

    def count(self) -> int:
        """How many engines have registered."""
        return len(self.client.ids)

    def activate(self) -> None:
        """Let ``%px`` and ``%%px`` of the notebook mean this cluster's engines."""
        if get_ipython() is not None:
            view = self.client[:]
            view.block = True
            view.activate()

    def send(self, parcel: Parcel, deliver: Callable[[Parcel | BaseException], None]) -> None:
        """Run a parcel on the engine with the least at hand."""
        with self._lock:
            living = set(self.client.ids) - self._gone
            engine = min(living, key=lambda number: (self._at_hand[number], number), default=None)
            if engine is not None:
                self._at_hand[engine] += 1
        if engine is None:
            self._send_later(parcel, deliver)
            return
        answer = self.client[engine].apply_async(run, *parcel)
        answer.add_done_callback(lambda done: self._deliver(engine, done, deliver))

    def lost(self, number: int) -> None:
        """Tell the hub, which would notice only by missing heartbeats; it tells everybody else."""
        self._gone.add(number)
        if self._closed:
            return
        self.client._send(self.client._query_stream, "unregistration_request", content={"id": number})  # noqa: SLF001

    def close(self) -> None:
        """Disconnect."""
        self._closed = True
        if self.client is not None:
            self.client.close()

    @property
    def _node(self) -> list[str]:
        return [sys.executable, "-m", "acre.client.engines.ipyparallel_node"]

    def _connection(self) -> dict[str, Any] | None:
        try:
            connection: dict[str, Any] = json.loads((self.folder / "security/ipcontroller-client.json").read_text())
        except (OSError, ValueError):  # not there, or half written
            return None
        return connection

    def _send_later(self, parcel: Parcel, deliver: Callable[[Parcel | BaseException], None]) -> None:
        """All engines are lost at this moment; those that replace them are on their way."""
        if not self._closed:
            timer = threading.Timer(_REPLACEMENT_POLL_SECONDS, self.send, (parcel, deliver))
            timer.daemon = True
            timer.start()

    def _deliver(self, engine: int, done: Any, deliver: Callable[[Parcel | BaseException], None]) -> None:
        with self._lock:
            self._at_hand[engine] -= 1
        error = done.exception()
        answer = done.result() if error is None else error
        for message in done.msg_ids:  # the client would keep every result for ever
            self.client.results.pop(message, None)
            self.client.metadata.pop(message, None)
        deliver(WorkerLostError() if _is_lost(error) else answer)


def _is_lost(error: BaseException | None) -> bool:
    return isinstance(error, EngineError) or getattr(error, "ename", "") == "EngineError"
