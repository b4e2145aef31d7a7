"""The processes of an ipyparallel cluster: ``python -m acre.client.engines.ipyparallel_node controller|engine FOLDER``.

Keys and settings are made in the process and not given on the command line, where everybody could read them.
"""

import json
import os
import secrets
import sys
import time
from pathlib import Path

from traitlets.config import Config

__all__ = ["main"]

_BEAT_MS = 200  # an engine is registered at its second heartbeat; ipyparallel's default of 3 s is its slow start
_SILENCE_MS = 60_000  # a busy machine may starve a heartbeat; ended processes are reported by the warden at once


def _common(folder: Path) -> Config:
    config = Config()
    config.ProfileDir.location = str(folder)
    config.BaseParallelApplication.ipython_dir = str(folder)
    config.BaseParallelApplication.log_level = 30
    return config


def _controller(folder: Path) -> None:
    from ipyparallel.apps.ipcontrollerapp import IPController  # noqa: PLC0415 - only this role needs it

    config = _common(folder)
    config.Session.key = secrets.token_hex(32).encode()
    config.IPController.enable_curve = True
    config.IPController.ip = "127.0.0.1"
    config.IPController.location = "127.0.0.1"
    config.IPController.use_threads = True
    config.IPController.db_class = "nodb"
    config.HeartMonitor.period = _BEAT_MS
    config.HeartMonitor.max_heartmonitor_misses = _SILENCE_MS // _BEAT_MS
    IPController.launch_instance(argv=[], config=config)


def _engine(folder: Path, number: int) -> None:
    from ipyparallel.apps.ipengineapp import IPEngine  # noqa: PLC0415 - only this role needs it

    config = _common(folder)
    config.IPEngine.id = number
    config.IPEngine.url_file = str(_wait_for(folder / "security/ipcontroller-engine.json"))
    config.IPEngine.enable_nanny = False
    config.IPEngine.max_heartbeat_misses = 0
    config.IPEngine.timeout = 60.0
    IPEngine.launch_instance(argv=[], config=config)


def _wait_for(path: Path) -> Path:
    """Wait until the file is there and whole; the controller does not write it in one step."""
    while True:
        try:
            json.loads(path.read_text())
        except (OSError, ValueError):
            time.sleep(0.02)
        else:
            return path


def main(role: str, folder: Path, *rest: str) -> None:
    """Run one process of the cluster until it is told to end."""
    os.environ["IPYTHONDIR"] = str(folder)  # otherwise each engine makes one in the home
    if role == "controller":
        _controller(folder)
    else:
        _engine(folder, int(rest[0]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
