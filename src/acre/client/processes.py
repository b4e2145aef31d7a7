"""The processes of one cluster, as the notebook sees them."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from acre.client import warden
from acre.client.errors import ClusterStartError

__all__ = ["Processes", "worker_environment"]

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def worker_environment(cores: int) -> dict[str, str]:
    """The environment variables of a worker: the notebook's, its import path, and libraries held to ``cores`` threads.

    XLA (under JAX) sizes its pools by ``NPROC``; all other libraries have a variable of their own.
    """
    known = {str(Path(path).resolve()) for path in sysconfig.get_paths().values()}
    added = [path for path in sys.path if path and str(Path(path).resolve()) not in known and not path.endswith(".zip")]
    environment = dict(os.environ) | dict.fromkeys(_THREADS, str(cores))
    environment["NPROC"] = str(cores)
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(added))
    return environment


class Processes:
    """Starts processes through a warden, which ends them when the notebook goes, however it goes.

    Attributes:
        folder: Private to the cluster (mode 0700): connection files, keys, logs. It disappears with the cluster.
    """

    def __init__(self, on_exit: Callable[[str, int], None]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="acre-cluster-"))
        self._on_exit = on_exit
        self._running: dict[str, int] = {}
        self._closing = False
        self._lock = threading.Lock()
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", warden.__file__, str(os.getpid()), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, name="acre-warden", daemon=True)
        self._reader.start()

    @property
    def running(self) -> dict[str, int]:
        """The process ids by name."""
        return dict(self._running)

    @property
    def can_start(self) -> bool:
        """Whether the warden still takes orders."""
        return self._warden.poll() is None

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start ``command`` in the notebook's working directory; what it prints goes to ``NAME.log``."""
        self._order({"start": name, "command": command, "environment": environment, "folder": str(Path.cwd())})

    def stop(self, name: str) -> None:
        """Ask one process to end."""
        self._order({"stop": name})

    def log(self, name: str, lines: int = 20) -> str:
        """The last lines that a process wrote."""
        try:
            written = (self.folder / f"{name}.log").read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(written.splitlines()[-lines:])

    def close(self) -> None:
        """End every process, wait until they are gone, and remove the folder; calling it twice is fine."""
        self._closing = True
        with self._lock, contextlib.suppress(BrokenPipeError):
            if self._warden.stdin is not None:
                self._warden.stdin.close()
        self._warden.wait()
        if threading.current_thread() is not self._reader:  # a callback of a failed future may close the cluster
            self._reader.join()
        shutil.rmtree(self.folder, ignore_errors=True)  # the warden did it, unless it was killed

    def _order(self, order: dict[str, object]) -> None:
        with self._lock:
            if self._warden.stdin is None or self._warden.stdin.closed:
                return
            try:
                self._warden.stdin.write(json.dumps(order).encode() + b"\n")
                self._warden.stdin.flush()
            except BrokenPipeError as error:
                raise ClusterStartError("the process that starts the others has ended", "") from error

    def _listen(self) -> None:
        reports = self._warden.stdout
        if reports is None:
            return
        with reports:
            for line in reports:
                event = json.loads(line)
                if "started" in event:
                    self._running[event["started"]] = event["pid"]
                else:
                    self._running.pop(event["exited"], None)
                    self._on_exit(event["exited"], event["code"])
        if not self._closing:
            self._end_without_warden()

    def _end_without_warden(self) -> None:
        for name, pid in self.running.items():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._running.pop(name, None)
            self._on_exit(name, -signal.SIGKILL)
