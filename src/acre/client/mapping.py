"""``map``: ordered results, cheap items in chunks, a progress bar, and an error that says which item it was."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from tqdm.auto import tqdm

from acre.client.executor import ClusterExecutor
from acre.client.shipping import Failure, Portable

__all__ = ["Chunking", "map_items"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK_SECONDS = 0.1
_GROWTH = 8
_QUIET_SECONDS = 0.5  # a map that is done sooner needs no progress bar


@dataclass
class Chunking:
    """How many items go into the next message, from how long the last ones took.

    A chunk takes about a tenth of a second, grows eightfold at most, and near the end leaves every worker something.

    Attributes:
        workers: How many share the work.
        size: Items in the last chunk planned.
    """

    workers: int
    size: int = 1

    def next(self, remaining: int) -> int:
        """The number of items for the next chunk, when ``remaining`` items are left."""
        return max(1, min(self.size, -(-remaining // (2 * self.workers))))

    def learn(self, items: int, seconds: float) -> None:
        """A chunk of so many items took so many seconds on a worker."""
        wanted = items * _GROWTH if seconds <= 0 else int(items * _CHUNK_SECONDS / seconds)
        self.size = max(1, min(wanted, items * _GROWTH))


def map_items(
    executor: ClusterExecutor, function: Callable[[Item], Result], items: Iterable[Item], *, progress: bool, label: str
) -> list[Result]:
    """Apply ``function`` to every item on the workers and return the results in the order of the items.

    Raises:
        Exception: What the function raised for the first item seen to fail, with the item's number as a note and the
            remote traceback as cause; what had not begun is cancelled.
    """
    everything = list(items)
    with tqdm(total=len(everything), desc=label, disable=not progress, delay=_QUIET_SECONDS) as bar:
        return _Map(executor, function, everything).run(bar.update)


class _Map:
    def __init__(self, executor: ClusterExecutor, function: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._executor = executor
        self._function = Portable(function)
        self._items = items
        self._results: list[Any] = [None] * len(items)
        self._chunking = Chunking(executor.workers)
        self._begun = 0
        self._pending: dict[Future[Any], int] = {}

    def run(self, done: Callable[[int], object]) -> list[Any]:
        try:
            self._supply()
            while self._pending:
                ready, _ = wait(self._pending, return_when=FIRST_COMPLETED)
                for future in ready:
                    done(self._collect(self._pending.pop(future), future))
                self._supply()
        finally:
            for future in self._pending:
                future.cancel()
        return self._results

    def _supply(self) -> None:
        while self._begun < len(self._items) and len(self._pending) < 2 * self._executor.workers:
            size = self._chunking.next(len(self._items) - self._begun)
            chunk = self._items[self._begun : self._begun + size]
            self._pending[self._executor.submit(_run_chunk, self._function, chunk)] = self._begun
            self._begun += size

    def _collect(self, start: int, future: Future[Any]) -> int:
        try:
            values, failure, seconds = future.result()
        except Exception as error:
            error.add_note(self._where(start))
            raise
        self._results[start : start + len(values)] = values
        if failure is not None:
            raised = failure.rebuild()
            raised.add_note(self._where(start + len(values)))
            raise raised
        self._chunking.learn(len(values), seconds)
        return len(values)

    def _where(self, number: int) -> str:
        return f"It happened for items[{number}] of {len(self._items)}: {_short(self._items[number])}"


def _short(item: object) -> str:
    text = " ".join(repr(item).split())
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line of a terminal


def _run_chunk(function: Callable[[Any], Any], items: Sequence[Any]) -> tuple[list[Any], Failure | None, float]:
    values: list[Any] = []
    began = time.perf_counter()
    for item in items:
        try:
            values.append(function(item))
        except Exception as error:  # noqa: BLE001 - every error of a person's function goes home
            return values, Failure.of(error), time.perf_counter() - began
    return values, None, time.perf_counter() - began
