"""Tasks on any executor: order, memory, errors and an orderly stop."""

import itertools
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from acre.assim.drive import run_tasks


def square(value):
    return value * value


def fail(value):
    raise ZeroDivisionError(value)


class Lazy(Executor):
    """An executor that runs a task only when told, and remembers what it was given."""

    def __init__(self):
        self.given = []

    def submit(self, function, /, *arguments):
        future = Future()
        self.given.append((future, function, arguments))
        return future

    def run(self, index):
        future, function, arguments = self.given[index]
        future.set_result(function(*arguments))


def tasks(count):
    return ((i, 1, (i,)) for i in range(count))


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_every_task_is_done_once(workers):
    executor = ThreadPoolExecutor(workers) if workers else None
    done = dict(run_tasks(square, tasks(100), executor, total=100, progress=False))
    assert done == {i: i * i for i in range(100)}


def test_only_a_few_tasks_wait_at_any_time():
    executor, drawn = Lazy(), itertools.count()
    endless = ((i, 1, (i,)) for i in drawn)
    results = run_tasks(square, endless, executor, total=1, progress=False)
    submit = executor.submit

    def submit_and_run_the_first(*arguments):
        future = submit(*arguments)
        if len(executor.given) == 32:
            executor.run(0)
        return future

    executor.submit = submit_and_run_the_first
    assert next(results) == (0, 0)
    assert len(executor.given) == 32
    results.close()
    assert all(future.cancelled() for future, _, _ in executor.given[1:])


def test_an_interrupt_cancels_what_waits():
    executor = Lazy()
    results = run_tasks(square, tasks(5), executor, total=5, progress=False)
    executor.submit = interrupt_at_the_third(executor)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert [future.cancelled() for future, _, _ in executor.given] == [True, True]


def interrupt_at_the_third(executor):
    submit = executor.submit

    def _submit(*arguments):
        if len(executor.given) == 2:
            raise KeyboardInterrupt
        return submit(*arguments)

    return _submit


@pytest.mark.parametrize("workers", [None, 2])
def test_the_error_of_a_task_reaches_the_caller(workers):
    executor = ThreadPoolExecutor(workers) if workers else None
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(fail, tasks(5), executor, total=5, progress=False))


def test_workers_that_stop_are_told_in_a_sentence():
    executor = Lazy()
    submit = executor.submit

    def submit_and_cancel(*arguments):
        future = submit(*arguments)
        future.cancel()
        return future

    executor.submit = submit_and_cancel
    with pytest.raises(RuntimeError, match="Start the cluster and run again"):
        list(run_tasks(square, tasks(3), executor, total=3, progress=False))
