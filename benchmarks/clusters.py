"""Clusters: ours beside plain ipyparallel, plain distributed and loky, four workers each, one after the other.

The peers run with their defaults: no encryption for Dask, one message for each task.
"""

import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import acre

__all__ = ["measure"]

WORKERS = 4
EMPTY_TASKS = 1000
SHORT_TASKS = 200
SHORT_SECONDS = 0.01
ARRAYS = 4
ARRAY_MB = 32
STARTS = 3

Map = Callable[[Callable[[Any], Any], list[Any]], list[Any]]


def nothing(_: object) -> None:
    """Do nothing."""


def nap(_: object) -> None:
    """Take ten milliseconds, and no core."""
    time.sleep(SHORT_SECONDS)


def first(array: NDArray[np.float64]) -> float:
    """Look at an array."""
    return float(array[0])


@contextlib.contextmanager
def ours(engine: str) -> Iterator[Map]:
    """Our cluster."""
    with acre.Cluster(workers=WORKERS, engine=engine) as cluster:
        yield lambda function, items: cluster.map(function, items, progress=False)


@contextlib.contextmanager
def plain_ipyparallel() -> Iterator[Map]:
    """Ipyparallel's own cluster and load-balanced view."""
    import ipyparallel  # noqa: PLC0415 - heavy

    with tempfile.TemporaryDirectory() as folder:
        cluster = ipyparallel.Cluster(n=WORKERS, profile_dir=folder, log_level=logging.ERROR)
        client = cluster.start_and_connect_sync()
        view = client.load_balanced_view()
        try:
            yield lambda function, items: list(view.map_sync(function, items))
        finally:
            client.close()
            cluster.stop_cluster_sync()


@contextlib.contextmanager
def plain_distributed() -> Iterator[Map]:
    """Dask's own local cluster."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 - heavy

    with (
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(WORKERS)
        yield lambda function, items: list(client.gather(client.map(function, items, pure=False)))


@contextlib.contextmanager
def plain_loky() -> Iterator[Map]:
    """The process pool under joblib."""
    from joblib.externals.loky import get_reusable_executor  # noqa: PLC0415 - heavy

    executor = get_reusable_executor(max_workers=WORKERS, timeout=60)
    try:
        yield lambda function, items: list(executor.map(function, items))
    finally:
        executor.shutdown(wait=True)


SYSTEMS: dict[str, Callable[[], contextlib.AbstractContextManager[Map]]] = {
    "acre, ipyparallel": lambda: ours("ipyparallel"),
    "acre, dask": lambda: ours("dask"),
    "ipyparallel": plain_ipyparallel,
    "distributed LocalCluster": plain_distributed,
    "loky": plain_loky,
}


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _start_seconds(name: str) -> float:
    with contextlib.ExitStack() as stack:
        return _seconds(lambda: stack.enter_context(SYSTEMS[name]()))


def _figures_of(name: str) -> dict[str, float]:
    arrays = [np.full(ARRAY_MB * 2**17, float(number)) for number in range(ARRAYS)]
    with SYSTEMS[name]() as run:
        run(nap, list(range(2 * WORKERS)))
        empty = min(_seconds(lambda: run(nothing, list(range(EMPTY_TASKS)))) for _ in range(2))
        short = _seconds(lambda: run(nap, list(range(SHORT_TASKS))))
        large = min(_seconds(lambda: run(first, arrays)) for _ in range(2))
    return {
        "tasks": EMPTY_TASKS / empty,
        "efficiency": SHORT_TASKS * SHORT_SECONDS / WORKERS / short,
        "megabytes": ARRAYS * ARRAY_MB / large,
    }


def _row(figure: str, unit: str, values: tuple[float, float], *, peer: str, goal: float) -> dict[str, Any]:
    mine, theirs = values
    less_is_better = unit == "s"
    return {
        "figure": figure,
        "unit": unit,
        "ours": round(mine, 3),
        "peer": round(theirs, 3),
        "peer_name": peer,
        "ratio": round(theirs / mine if less_is_better else mine / theirs, 2),
        "goal": goal,
        "met": mine <= goal if less_is_better else mine >= goal,
    }


def measure() -> list[dict[str, Any]]:
    """Measure all systems in the same run; the figures and goals are those of the issue on clusters."""
    pairs = {
        "ipyparallel": ("acre, ipyparallel", ["ipyparallel", "loky"]),
        "dask": ("acre, dask", ["distributed LocalCluster", "loky"]),
    }
    rows = []
    for engine, (mine, peers) in pairs.items():
        started = statistics.median(_start_seconds(mine) for _ in range(STARTS))
        rows.append(
            _row(
                f"{WORKERS} workers ready, {engine}", "s", (started, _start_seconds(peers[0])), peer=peers[0], goal=1.0
            )
        )
    found = {name: _figures_of(name) for name in SYSTEMS}
    for engine, (mine, peers) in pairs.items():
        for peer in peers:
            for key, figure, unit, goal in (
                ("tasks", f"{EMPTY_TASKS} empty tasks by map, {engine}", "tasks/s", 5000.0),
                ("efficiency", f"10 ms tasks by map, {engine}", "efficiency", 0.93),
                ("megabytes", f"{ARRAYS} x {ARRAY_MB} MB arrays to workers, {engine}", "MB/s", 1000.0),
            ):
                rows.append(_row(figure, unit, (found[mine][key], found[peer][key]), peer=peer, goal=goal))
    return rows
