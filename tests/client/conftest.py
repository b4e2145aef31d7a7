"""Clusters of both engines, and what they leave behind."""

import os
from pathlib import Path

import psutil
import pytest

import acre
from acre.client.grant import SOCKET_VARIABLE

ENGINES = ["dask", "ipyparallel"]


@pytest.fixture(autouse=True, scope="session")
def _no_hub():
    os.environ.pop(SOCKET_VARIABLE, None)


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture(params=ENGINES, scope="module")
def cluster(request):
    with acre.Cluster(workers=2, engine=request.param) as started:
        yield started


@pytest.fixture
def cluster_folders():
    def find() -> set[Path]:
        import tempfile

        return set(Path(tempfile.gettempdir()).glob("acre-cluster-*"))

    return find


@pytest.fixture
def cluster_processes():
    """The processes that belong to a cluster folder, found by their command line."""

    def find(folder: Path) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(folder) in argument for argument in process.info["cmdline"] or [])
        ]

    return find
