"""The processes of a Dask cluster: ``python -m acre.client.engines.dask_node scheduler|worker FOLDER ...``."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import dask
from distributed.security import Security

__all__ = ["main"]

_QUIET: dict[str, Any] = {
    # distributed always opens an HTTP port, with neither TLS nor login: it shall have nothing to say.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Its profiler and its ticks keep an idle cluster busy with 5 % of a core; nobody sees their dashboard.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
}


def _security(folder: Path) -> Security:
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    roles = {
        f"tls_{role}_{part}": file
        for role in ("scheduler", "worker", "client")
        for part, file in (("key", key), ("cert", cert))
    }
    return Security(tls_ca_file=cert, require_encryption=True, **roles)


async def _scheduler(folder: Path) -> None:
    from distributed import Scheduler  # noqa: PLC0415 - only this role needs it

    async with Scheduler(
        host="tls://127.0.0.1", port=0, dashboard_address="127.0.0.1:0", security=_security(folder), allowed_failures=1
    ) as scheduler:
        draft = folder / "scheduler.json.draft"
        draft.write_text(json.dumps({"address": scheduler.address}))
        draft.rename(folder / "scheduler.json")
        await _until_told(scheduler)


async def _worker(folder: Path, number: str, cores: str, workers: str) -> None:
    from distributed import Worker  # noqa: PLC0415 - only this role needs it
    from distributed.system import MEMORY_LIMIT  # noqa: PLC0415

    async with Worker(
        _scheduler_address(folder),
        name=f"worker-{number}",
        host="tls://127.0.0.1",
        nthreads=int(cores),
        dashboard_address="127.0.0.1:0",
        memory_limit=MEMORY_LIMIT // int(workers),
        local_directory=str(folder),
        security=_security(folder),
    ) as worker:
        await _until_told(worker)


def _scheduler_address(folder: Path) -> str:
    while not (folder / "scheduler.json").exists():
        time.sleep(0.02)
    address: str = json.loads((folder / "scheduler.json").read_text())["address"]
    return address


async def _until_told(server: Any) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: os._exit(0))
    await server.finished()


def main(role: str, folder: Path, *rest: str) -> None:
    """Run one process of the cluster until it is told to end."""
    sys.path.insert(0, "")
    dask.config.set(_QUIET)
    asyncio.run(_scheduler(folder) if role == "scheduler" else _worker(folder, *rest))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
