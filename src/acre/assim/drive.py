"""Run one function over many tasks, here or on any executor, with progress and an orderly stop."""

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from tqdm.auto import tqdm

__all__ = ["run_on_one_core", "run_tasks"]

_WAITING = 32


def run_tasks(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, int, tuple]],
    executor: Executor | None,
    *,
    total: int,
    progress: bool = True,
    unit: str = "px",
) -> Iterator[tuple[Any, Any]]:
    """Run tasks and yield what they return, as they finish.

    At most 32 tasks wait at any time, so that the memory needed does not grow with their number.  When the caller stops
    (Ctrl-C, an error, or leaving the loop), tasks that have not begun are cancelled.

    Args:
        function: Module-level, so that it can be sent to a worker.
        tasks: Triples of a key, an amount of work, and the function's arguments.
        executor: Any `concurrent.futures.Executor`; None runs in this process.
        total: Amount of all work, for the progress bar.
        progress: Whether to show the bar.
        unit: Of the amount of work.

    Yields:
        Pairs of key and result, in the order of completion.

    Raises:
        Exception: Whatever a task raised, as soon as it is seen.
    """
    with tqdm(total=total, unit=unit, unit_scale=True, disable=not progress, desc="compiling (first use)") as bar:
        results = _run_here(function, tasks) if executor is None else _run_there(function, tasks, executor)
        for key, amount, result in results:
            bar.set_description("retrieving", refresh=False)
            bar.update(amount)
            yield key, result


def _run_here(function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple]:
    for key, amount, arguments in tasks:
        yield key, amount, function(*arguments)


def _run_there(function: Callable[..., Any], tasks: Iterable[tuple], executor: Executor) -> Iterator[tuple]:
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    pending: dict[Future, tuple[Any, int]] = {}
    remaining = iter(tasks)
    try:
        while True:
            while len(pending) < _WAITING and (task := next(remaining, None)) is not None:
                key, amount, arguments = task
                future = executor.submit(run_on_one_core, function, *arguments)
                pending[future] = key, amount
                future.add_done_callback(finished.put)
            if not pending:
                return
            future = finished.get()
            yield *pending.pop(future), _result(future)
    finally:
        for future in pending:
            future.cancel()


def run_on_one_core(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a worker, whose share is one core.

    JAX otherwise starts a thread per core of the machine in every worker, and the workers get in each other's way.  It
    reads the number once, so this has no effect where JAX was used before; ``PJRT_NPROC`` set by others is respected.

    Args:
        function: To run.
        *arguments: Of the function.

    Returns:
        What the function returns.
    """
    os.environ.setdefault("PJRT_NPROC", "1")
    return function(*arguments)


def _result(future: Future) -> Any:
    try:
        return future.result()
    except CancelledError as error:
        raise RuntimeError(
            "A block was cancelled: the workers have stopped. Start the cluster and run again."
        ) from error
