"""What runs on the workers: one module for each engine, behind one interface."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from acre.client.shipping import Parcel
from acre.wire.clusters import EngineName

__all__ = ["AbstractEngine", "make_engine"]


class AbstractEngine(ABC):
    """One controller process, some worker processes, and the native client in the notebook.

    Attributes:
        client: The native client, once ``connect`` was called.
    """

    client: Any = None

    def __init__(self, folder: Path, workers: int, cores: int) -> None:
        self.folder = folder
        self.workers = workers
        self.cores = cores

    @abstractmethod
    def prepare(self) -> None:
        """Write into the private folder what the processes need before they start."""

    @abstractmethod
    def controller(self) -> list[str]:
        """The command of the controller."""

    @abstractmethod
    def worker(self, number: int) -> list[str]:
        """The command of one worker; numbers are never used twice."""

    @abstractmethod
    def is_listening(self) -> bool:
        """Whether the controller can be connected to."""

    @abstractmethod
    def connect(self) -> None:
        """Make ``client``."""

    @abstractmethod
    def activate(self) -> None:
        """Let the notebook's magics mean this cluster, where the engine has any."""

    @abstractmethod
    def count(self) -> int:
        """How many workers have registered."""

    @abstractmethod
    def send(self, parcel: Parcel, deliver: Callable[[Parcel | BaseException], None]) -> None:
        """Run a parcel on some worker and deliver the answer, or WorkerLostError, from any thread."""

    @abstractmethod
    def lost(self, number: int) -> None:
        """A worker's process has ended."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect the client; the processes are ended by others."""


def make_engine(name: EngineName, folder: Path, workers: int, cores: int) -> AbstractEngine:
    """Make the engine called ``name``; only the one that is asked for is imported."""
    module = import_module({"ipyparallel": "acre.client.engines.ipyparallel", "dask": "acre.client.engines.dask"}[name])
    engine: AbstractEngine = module.Engine(folder, workers, cores)
    return engine
