"""The one seam through which everything runs: a ``concurrent.futures.Executor`` over either engine."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from acre.client.errors import WorkerLostError
from acre.client.shipping import Parcel, Portable, pack, unpack

__all__ = ["ClusterExecutor", "Dispatcher", "Send"]

Send = Callable[[Parcel, Callable[["Parcel | BaseException"], None]], None]
"""Give a parcel to an engine; the callback receives the answer, or the engine's error."""

Result = TypeVar("Result")

_AHEAD = 2  # tasks per worker that are under way: one running, one at hand; the rest can still be cancelled
_TRIES = 2


@dataclass(eq=False)
class _Task:
    parcel: Parcel
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class Dispatcher:
    """Keeps every worker of a cluster supplied, and tries a task again when its worker is lost."""

    def __init__(self, send: Send, workers: int) -> None:
        self._send = send
        self._room = _AHEAD * workers
        self._waiting: deque[_Task] = deque()
        self._flying: set[_Task] = set()
        self._broken: BaseException | None = None
        self._lock = threading.Lock()

    def submit(self, parcel: Parcel) -> Future[Any]:
        """Queue a packed task.

        Raises:
            ClusterError: The cluster is closed, or all its workers are lost.
        """
        task = _Task(parcel)
        with self._lock:
            if self._broken is not None:
                raise self._broken
            self._waiting.append(task)
        self._feed()
        return task.future

    def stop(self, reason: BaseException) -> None:
        """Refuse new tasks and end those at hand with ``reason``."""
        with self._lock:
            self._broken = reason
            tasks = [*self._waiting, *self._flying]
            self._waiting.clear()
            self._flying.clear()
        for task in tasks:
            if not task.future.cancel() and not task.future.done():
                task.future.set_exception(reason)

    def _feed(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or len(self._flying) >= self._room:
                    return
                task = self._waiting.popleft()
                self._flying.add(task)
            if task.tries or task.future.set_running_or_notify_cancel():
                task.tries += 1
                self._launch(task)
            else:
                self._land(task)

    def _launch(self, task: _Task) -> None:
        try:
            self._send(task.parcel, lambda answer: self._arrived(task, answer))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises belongs to the future
            self._arrived(task, error)

    def _arrived(self, task: _Task, answer: Parcel | BaseException) -> None:
        if not self._land(task):
            return
        if isinstance(answer, WorkerLostError) and task.tries < _TRIES:
            with self._lock:
                if self._broken is None:
                    self._waiting.appendleft(task)
        elif isinstance(answer, BaseException):
            task.future.set_exception(answer)
        else:
            _resolve(task.future, answer)
        self._feed()

    def _land(self, task: _Task) -> bool:
        with self._lock:
            known = task in self._flying
            self._flying.discard(task)
        return known


def _resolve(future: Future[Any], answer: Parcel) -> None:
    try:
        worked, value = unpack(answer)
    except Exception as error:  # noqa: BLE001 - a result that does not unpickle here is the future's error
        future.set_exception(error)
        return
    if worked:
        future.set_result(value)
    else:
        future.set_exception(value.rebuild())


class ClusterExecutor(Executor):
    """The workers of a cluster as a ``concurrent.futures.Executor``.

    ``submit`` raises NotShippableError at once for what cannot travel; a future that waits can be cancelled, one that
    runs cannot.
    ``shutdown`` ends this executor and leaves the cluster running.

    Attributes:
        workers: How many tasks run at the same time.
    """

    def __init__(self, dispatcher: Dispatcher, workers: int) -> None:
        self.workers = workers
        self._dispatcher = dispatcher
        self._open = True
        self._futures: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Run ``fn(*args, **kwargs)`` on a worker."""
        if not self._open:
            raise RuntimeError("This executor was shut down; ask the cluster for another with cluster.executor().")
        name = getattr(fn, "__qualname__", repr(fn))
        future = self._dispatcher.submit(pack((Portable(fn), args, kwargs), f"An argument of {name}"))
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - PEP 3148
        """Take no more tasks; with ``wait``, return when those given are done."""
        self._open = False
        for future in list(self._futures):
            if cancel_futures:
                future.cancel()
        for future in list(self._futures) if wait else []:
            try:
                future.exception()
            except CancelledError:
                continue
