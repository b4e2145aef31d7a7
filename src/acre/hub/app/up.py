"""``acre up``: from an examined machine to a running environment, and back."""

import asyncio
import errno
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from acre.hub.app.operator import Operator
from acre.hub.app.supervisor import Supervisor, locked
from acre.hub.app.tutorials import render_tutorials
from acre.hub.config import Config, Front, Home
from acre.hub.errors import (
    AddressUnusableError,
    ConfigError,
    FolderUnusableError,
    IsolationUnavailableError,
    PortTakenError,
    SpaceExhaustedError,
)
from acre.hub.factory import Factory
from acre.hub.pods import probe, visible
from acre.wire.people import Invitation

__all__ = ["bring_up", "check_port"]

_NEEDED_MIB = 100


def bring_up(
    config: Config, home: Home, *, say: Callable[[str], None], ready: Callable[[Invitation | None], None]
) -> None:
    """Run the environment until it is told to end.

    Args:
        config: What the operator decided.
        home: Where everything lies.
        say: Told what is being done.
        ready: Called once when everything works, with the first administrator's invitation while nobody used it.

    Raises:
        AcreError: If it cannot start, or cannot be kept alive; nothing is left running.
    """
    home.prepare()
    with locked(home):
        _check_space(home.root)
        _check_writable(home.root)
        check_port(config.front.address, config.front.port)
        _check_certificate(config.front)
        if config.pods.isolation == "pods":
            _check_isolation(home.root)
        render_tutorials(home)
        asyncio.run(_serve(config, home, say, ready))


async def _serve(
    config: Config, home: Home, say: Callable[[str], None], ready: Callable[[Invitation | None], None]
) -> None:
    supervisor = Supervisor(config, home)
    try:
        say("Starting front, hub, service and pods")
        await supervisor.start()
        async with Operator(home, Factory(config, home).secrets.operator) as operator:
            ready(await operator.invite_first(config.people.first_admin))
        await supervisor.run()
    finally:
        say("Stopping every process; what people saved is kept")
        await supervisor.stop()


def _check_isolation(root: Path) -> None:
    if why := probe():
        raise IsolationUnavailableError(why)
    for folder in visible():
        if root.is_relative_to(folder):
            raise FolderUnusableError(root, f"every person could read it, since pods see all of {folder}")


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 2**20
    if free < _NEEDED_MIB:
        raise SpaceExhaustedError(folder, free, _NEEDED_MIB)


def _check_writable(folder: Path) -> None:
    test = folder / f".writable-{os.getpid()}"
    try:
        test.write_bytes(b"x")
        test.unlink()
    except OSError as error:
        raise FolderUnusableError(folder, (error.strerror or str(error)).lower()) from error


def _check_certificate(front: Front) -> None:
    for setting, file in (("front.certificate", front.certificate), ("front.key", front.key)):
        if file is not None and not os.access(file, os.R_OK):
            raise ConfigError(f"'{setting}' names {file}, which cannot be read. Correct the path or the file's mode")


def check_port(address: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        PortTakenError: If another program has the port.
        AddressUnusableError: If this machine does not have the address, or this user may not have the port.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(address, port) from error
        raise AddressUnusableError(address, port, (error.strerror or str(error)).lower()) from error
