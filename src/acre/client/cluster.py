"""``acre.Cluster``: parallel computing one line away."""

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import ValidationError

from acre.client.display import as_html, as_text
from acre.client.engines import make_engine
from acre.client.errors import ClusterBrokenError, ClusterClosedError, ClusterStartError
from acre.client.executor import ClusterExecutor, Dispatcher
from acre.client.grant import ask
from acre.client.mapping import map_items
from acre.client.processes import Processes, worker_environment
from acre.wire.clusters import ClusterRequest, EngineName, PlaceName

__all__ = ["Cluster", "clusters"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONTROLLER = "controller"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_REPLACEMENTS_PER_WORKER = 3

_open: "dict[int, Cluster]" = {}


def clusters() -> list["Cluster"]:
    """The clusters of this notebook that are open, oldest first."""
    return list(_open.values())


class Cluster:
    """Worker processes that run your functions at the same time.

    The cluster starts when it is made and is ready when the call returns; it ends with ``close()``, at the end of a
    ``with`` block, or with the notebook's kernel, however that ends.
    The workers use the notebook's Python, working directory, import path and environment variables.

    Args:
        workers: How many processes; you may get fewer, and the cluster then says why.
        engine: ``"dask"`` or ``"ipyparallel"``: which native client ``client`` is.
        cores: Threads that each worker may keep busy.
        place: Where; None lets the environment choose.

    Attributes:
        engine: As granted.
        place: As granted.
        workers: How many were granted.
        cores: Threads of each worker.
        reason: Why fewer workers were granted than asked; empty when they were not.

    Raises:
        ValueError: An argument makes no sense.
        ClusterRefusedError: The environment grants no cluster now.
        ClusterStartError: The processes did not come up; nothing is left running.
    """

    def __init__(
        self, workers: int = 2, engine: EngineName = "dask", *, cores: int = 1, place: PlaceName | None = None
    ) -> None:
        grant = ask(_request(engine=engine, workers=workers, cores=cores, place=place))
        self.engine, self.place, self.reason = grant.engine, grant.place, grant.reason
        self.workers, self.cores = grant.workers, grant.cores
        self._asked = workers
        self._owner = os.getpid()
        self._closed = False
        self._broken = ""
        self._ready = False
        self._next = 0
        self._replacements = _REPLACEMENTS_PER_WORKER * self.workers
        self._lost: list[str] = []
        self._lock = threading.RLock()
        self._processes = Processes(self._on_exit)
        self._engine = make_engine(self.engine, self._processes.folder, self.workers, self.cores)
        self._dispatcher = Dispatcher(self._engine.send, self.workers)
        _open[id(self)] = self
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def client(self) -> Any:
        """The native client: an ``ipyparallel.Client`` or a ``distributed.Client``."""
        self._must_be_open()
        return self._engine.client

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, progress: bool = True, label: str = ""
    ) -> list[Result]:
        """Apply ``function`` to every item, on the workers, and return the results in the order of the items.

        Cheap items travel in chunks, so ten thousand short calls are fine.

        Args:
            function: Any function, also a lambda or one defined in the notebook.
            items: Its arguments, one for each call.
            progress: Whether to show a progress bar when it takes longer than half a second.
            label: What stands before the progress bar.

        Raises:
            NotShippableError: The function or an item cannot be sent to a worker.
            WorkerLostError: A worker process ended twice on the same items.
            Exception: Whatever the function raises, with the worker's traceback as cause and the item in a note.
        """
        return map_items(
            ClusterExecutor(self._dispatcher, self.workers), function, items, progress=progress, label=label
        )

    def executor(self) -> Executor:
        """The workers as a ``concurrent.futures.Executor``; shutting it down leaves the cluster running."""
        self._must_be_open()
        return ClusterExecutor(self._dispatcher, self.workers)

    def wait(self, workers: int | None = None, *, timeout: float = _START_SECONDS) -> Self:
        """Wait until so many workers are ready (all of them by default).

        Raises:
            TimeoutError: They are not within ``timeout`` seconds.
            ClusterBrokenError: They never will be.
        """
        wanted = self.workers if workers is None else min(workers, self.workers)
        deadline = time.monotonic() + timeout
        self._must_be_open()
        while (ready := self._engine.count()) < wanted:
            if self._broken:
                raise ClusterBrokenError(self._broken)
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"After {timeout:.0f} s {ready} of {wanted} workers are ready. Wait again, or longer."
                )
            time.sleep(_POLL_SECONDS)
            self._must_be_open()
        return self

    def close(self) -> None:
        """End all processes of the cluster; calling it again does nothing."""
        with self._lock:
            if self._closed or os.getpid() != self._owner:
                return
            self._closed = True
        _open.pop(id(self), None)
        self._dispatcher.stop(ClusterClosedError())
        try:
            self._engine.close()
        finally:
            self._processes.close()

    def __enter__(self) -> Self:
        self._must_be_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return as_text(self._facts())

    def _repr_html_(self) -> str:
        return as_html(self._facts())

    def _facts(self) -> dict[str, str]:
        less = f"{self.workers} of {self._asked} asked. {self.reason}" if self.workers < self._asked else ""
        return {
            "state": "closed" if self._closed else f"broken: {self._broken}" if self._broken else "running",
            "engine": self.engine,
            "place": self.place,
            "workers": f"{self.workers} with {self.cores} core{'s' * (self.cores != 1)} each",
            "ready": "" if self._closed or self._broken else f"{self._engine.count()} of {self.workers}",
            "granted": less or self.reason,
        }

    def _must_be_open(self) -> None:
        if self._closed:
            raise ClusterClosedError

    def _start(self) -> None:
        self._engine.prepare()
        environment = worker_environment(self.cores)
        self._processes.start(_CONTROLLER, self._engine.controller(), environment)
        for _ in range(self.workers):
            self._start_worker()
        self._until(self._engine.is_listening, "its controller did not answer")
        self._engine.connect()
        self._until(lambda: self._engine.count() >= self.workers, "its workers were not ready")
        self._engine.activate()
        with self._lock:
            self._fail_if_lost()
            self._ready = True

    def _start_worker(self) -> None:
        number, self._next = self._next, self._next + 1
        self._processes.start(f"worker-{number}", self._engine.worker(number), worker_environment(self.cores))

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not reached():
            self._fail_if_lost()
            if time.monotonic() > deadline:
                raise ClusterStartError(f"{what} after {_START_SECONDS:.0f} s", self._processes.log(_CONTROLLER))
            time.sleep(_POLL_SECONDS)

    def _fail_if_lost(self) -> None:
        if self._lost:
            raise ClusterStartError(f"its {self._lost[0]} ended", self._processes.log(self._lost[0]))

    def _on_exit(self, name: str, _: int) -> None:
        with self._lock:
            if self._closed:
                return
            if not self._ready:
                self._lost.append(name)
                return
            self._broken = self._why_broken(name)
            if self._broken:
                self._dispatcher.stop(ClusterBrokenError(self._broken))
                return
            self._replacements -= 1
            self._start_worker()
        self._engine.lost(int(name.rpartition("-")[2]))

    def _why_broken(self, ended: str) -> str:
        if self._broken or not self._processes.can_start:
            return self._broken or "the process that watches the others ended"
        if ended == _CONTROLLER:
            return "the process that connects its workers ended"
        return "" if self._replacements > 0 else "its workers ended again and again"


def _request(**wishes: Any) -> ClusterRequest:
    try:
        return ClusterRequest(**wishes)
    except ValidationError as error:
        wrong = "; ".join(f"{one['loc'][0]}={one['input']!r}: {one['msg']}" for one in error.errors())
        raise ValueError(f"acre.Cluster cannot be made with {wrong}.") from None


@atexit.register
def _close_all() -> None:
    for cluster in clusters():
        cluster.close()
