"""The seam of the science library: a ``concurrent.futures.Executor``."""

import concurrent.futures
import os
import signal
import time

import pytest

import acre
from acre.client import ClusterClosedError, NotShippableError, WorkerLostError


def test_submit_and_map_behave_like_any_executor(cluster):
    with cluster.executor() as executor:
        assert isinstance(executor, concurrent.futures.Executor)
        assert executor.submit(pow, 2, 10).result(30) == 1024
        assert executor.submit(int, "ff", base=16).result(30) == 255
        assert list(executor.map(pow, [1, 2, 3], [2, 2, 2])) == [1, 4, 9]


def test_an_executor_that_was_shut_down_leaves_the_cluster_running(cluster):
    executor = cluster.executor()
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit(abs, -1)
    assert cluster.executor().submit(abs, -1).result(30) == 1


def test_an_error_arrives_in_the_future(cluster):
    future = cluster.executor().submit(int, "not a number")
    assert isinstance(future.exception(30), ValueError)


def test_a_waiting_task_can_be_cancelled_and_the_others_run(cluster):
    futures = [cluster.executor().submit(time.sleep, 0.2) for _ in range(8)]
    assert futures[-1].cancel()
    assert [future.result(30) for future in futures[:-1]] == [None] * 7


def test_an_argument_that_cannot_be_pickled_is_refused_at_once(cluster):
    with pytest.raises(NotShippableError, match="argument of str"):
        cluster.executor().submit(str, (number for number in []))


def _die_once(marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "second try"


def test_a_task_whose_worker_is_killed_is_tried_again(engine, tmp_path):
    with acre.Cluster(workers=2, engine=engine) as cluster:
        assert cluster.map(_die_once, [tmp_path / "marker"]) == ["second try"]
        cluster.wait()
        assert cluster.map(abs, range(-8, 0)) == list(range(8, 0, -1))


def test_a_task_that_kills_every_worker_is_an_error_and_not_a_hang(engine):
    with acre.Cluster(workers=2, engine=engine) as cluster:
        future = cluster.executor().submit(os.kill, 0, signal.SIGKILL)
        with pytest.raises(WorkerLostError, match="memory"):
            future.result(60)
        assert cluster.map(abs, [-3]) == [3]


def test_closing_ends_what_runs_and_refuses_what_comes(engine):
    cluster = acre.Cluster(workers=1, engine=engine)
    running = cluster.executor().submit(time.sleep, 60)
    cluster.close()
    with pytest.raises((ClusterClosedError, concurrent.futures.CancelledError)):
        running.result(10)
    with pytest.raises(ClusterClosedError, match="Start another one"):
        cluster.map(abs, [1])
    cluster.close()
