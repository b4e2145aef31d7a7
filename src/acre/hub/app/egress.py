"""The egress as a program: ``python -m acre.hub.app.egress``."""

import asyncio
import json
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from acre.hub.config import Config, Home, read_frozen
from acre.hub.egress import Dialer, Exchange, Gate

__all__ = ["serve"]

_LOOK_SECONDS = 5.0
_LOOKUPS = 64  # each may wait for a name server; they share no thread with anything else


async def serve(config: Config, home: Home) -> None:
    """Give every pod its way out, until told to stop."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="names"))
    policy = config.egress.to_policy()
    dialers: dict[str, Dialer] = {}

    async def one(person: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialer = dialers.setdefault(person, Dialer(policy))
        await Exchange(person, dialer, account=_account).run((reader, writer))

    gate = Gate(home.pods, one, connections=config.egress.connections, say=_warn)

    async def told(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.look()
        writer.write(b"looked")
        writer.close()

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with await asyncio.start_unix_server(told, home.egress_socket):
        while not ended.is_set():
            await gate.look()
            try:
                await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue
    await gate.close()


def _account(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201 -- the supervisor keeps it as this component's log


def _warn(sentence: str) -> None:
    _account({"level": "warning", "message": sentence})


def main() -> None:
    """Serve until told to stop."""
    home = Home.at(Path(os.environ["ACRE_HOME"]))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection needs two
    asyncio.run(serve(read_frozen(home), home))


if __name__ == "__main__":
    main()
