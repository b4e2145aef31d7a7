"""Dask: one scheduler and plain workers on loopback, TLS with keys that live as long as the cluster."""

import asyncio
import json
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import distributed
from distributed.scheduler import KilledWorker
from distributed.security import Security

from acre.client.engines import AbstractEngine
from acre.client.errors import WorkerLostError
from acre.client.shipping import Parcel, run

__all__ = ["Engine"]


class Engine(AbstractEngine):
    """A Dask scheduler and its workers; ``client`` is a ``distributed.Client`` and Dask's default for collections."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._carrying: set[Future[Parcel]] = set()

    def prepare(self) -> None:
        """Make the key and the certificate; only who can read them is let in, and may let others in."""
        self._security = Security.temporary()
        for name, text in (("key", self._security.tls_client_key), ("cert", self._security.tls_client_cert)):
            file = self.folder / f"{name}.pem"
            file.touch(mode=0o600)
            file.write_text(text)

    def controller(self) -> list[str]:
        """The command of the scheduler."""
        return [*self._node, "scheduler", str(self.folder)]

    def worker(self, number: int) -> list[str]:
        """The command of one worker."""
        return [*self._node, "worker", str(self.folder), str(number), str(self.cores), str(self.workers)]

    def is_listening(self) -> bool:
        """Whether the scheduler has written its address."""
        return (self.folder / "scheduler.json").exists()

    def connect(self) -> None:
        """Connect; results come straight from the workers."""
        address = json.loads((self.folder / "scheduler.json").read_text())["address"]
        self.client = distributed.Client(
            address, security=self._security, direct_to_workers=True, timeout=30, name="acre"
        )

    def activate(self) -> None:
        """Nothing: a new client is Dask's default by itself."""

    def count(self) -> int:
        """How many workers have registered."""
        return len(self.client.nthreads())

    def send(self, parcel: Parcel, deliver: Callable[[Parcel | BaseException], None]) -> None:
        """Submit a parcel as one task."""
        carrying = asyncio.run_coroutine_threadsafe(self._carry(parcel), self.client.loop.asyncio_loop)
        self._carrying.add(carrying)
        carrying.add_done_callback(lambda done: deliver(_answer(done)))
        carrying.add_done_callback(self._carrying.discard)

    def lost(self, number: int) -> None:
        """Nothing: the scheduler sees the connection close."""

    def close(self) -> None:
        """Disconnect."""
        for carrying in list(self._carrying):
            carrying.cancel()
        if self.client is not None:
            self.client.close(timeout=2)

    @property
    def _node(self) -> list[str]:
        return [sys.executable, "-m", "acre.client.engines.dask_node"]

    async def _carry(self, parcel: Parcel) -> Parcel:
        """Large arrays go straight to a worker, and not through the scheduler."""
        head, *beside = parcel
        placed = await self.client.scatter(beside, direct=True, hash=False, asynchronous=True) if beside else []
        task = self.client.submit(run, head, *placed, pure=False)
        answer: Parcel = await self.client.gather(task, asynchronous=True)
        return answer


def _answer(done: Future[Parcel]) -> Parcel | BaseException:
    try:
        return done.result()
    except (KilledWorker, CancelledError):
        return WorkerLostError()
    except Exception as error:  # noqa: BLE001 - whatever distributed raises belongs to the person's future
        return error
