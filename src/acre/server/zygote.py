"""The zygote: a process that has imported the Jupyter server once, and forks children that are ready at once.

It is started and asked by the hub's keeper of pods over a socket, knows no person and no secret, and ends when the
socket does. A child moves into a pod, gives up every privilege, and becomes what ``python -m acre.server`` is.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from acre.server.namespaces import give_up_privileges, join
from acre.wire.pods import DONE, LARGEST_ORDER, READY, ServerOrder

__all__ = ["main"]

_IMPORTED = (
    # Never jupyterhub.singleuser.app: it patches handlers, and every child would answer 500.
    *("jupyterhub.singleuser.extension", "jupyter_server.serverapp", "jupyterlab.labapp", "notebook_shim.nbserver"),
    *("jupyter_server.nbconvert.handlers", "jupyter_server.view.handlers", "jupyter_server.services.shutdown"),
    *("jupyter_server_terminals.app", "terminado", "jupytext.async_contentsmanager", "ipykernel.kernelspec"),
    *("jinja2.ext", "tornado.platform.asyncio", "zmq.asyncio", "zmq.log.handlers", "httpcore"),
)
_ALIVE = 3
"""The descriptor that a server holds open for as long as it lives."""


def main() -> None:
    """Serve orders from the socket whose descriptor is the first argument; a child returns from here as a server."""
    door = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children that move into pods
    _import()
    with contextlib.suppress(BrokenPipeError):  # whoever started it has ended meanwhile
        door.send(READY)
    while True:
        packet, descriptors, _, _ = socket.recv_fds(door, LARGEST_ORDER, 4)
        if not packet:
            return
        if os.fork() == 0:
            door.close()
            break
        for descriptor in descriptors:
            os.close(descriptor)
    _become(ServerOrder.from_bytes(packet), *descriptors)


def _import() -> None:
    for name in _IMPORTED:
        import_module(name)
    for name in _server_parts():
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 -- anybody's code; the server says more of it to its owner
            print(f"WARNING: {name} cannot be imported: {error!r}", flush=True)  # noqa: T201 -- the component's log
    _close_loop()
    if threading.active_count() > 1:  # a lock that another thread holds would stay locked in every child
        raise RuntimeError(f"Importing has started threads, so nothing can be forked: {threading.enumerate()}")
    gc.collect()
    gc.freeze()  # or the children's collector would write to every page that they share


def _server_parts() -> Iterator[str]:
    """Yield the modules that a server imports by name: its own handlers, and the extensions of the environment."""
    from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH  # noqa: PLC0415 -- imported above, in order
    from jupyter_server.extension.config import ExtensionConfigManager  # noqa: PLC0415
    from jupyter_server.serverapp import JUPYTER_SERVICE_HANDLERS  # noqa: PLC0415

    for modules in JUPYTER_SERVICE_HANDLERS.values():
        yield from modules or ()
    config = ExtensionConfigManager(read_config_path=[*ENV_CONFIG_PATH, *SYSTEM_CONFIG_PATH])
    known: dict[str, bool] = config.get_jpserver_extensions()  # type: ignore[no-untyped-call]  # Jupyter's own
    yield from (name for name, enabled in known.items() if enabled)


def _close_loop() -> None:
    """Close the event loop that imports have made: all children would share its queue of the kernel."""
    with contextlib.suppress(RuntimeError), warnings.catch_warnings():  # there may be none
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.get_event_loop().close()
        asyncio.set_event_loop_policy(None)


def _become(order: ServerOrder, process: int, log: int, report: int, alive: int) -> None:
    """Turn a fresh child into a person's server.

    It forks twice more: children are in the pod's process namespace and not the process that joined it, and whose
    parent is outside would be waited for outside; as an orphan, the pod's first process buries it.
    """
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        join(process)
        if child := os.fork():
            os.waitpid(child, 0)
            os._exit(0)
        if os.fork():
            os._exit(0)
        give_up_privileges()
        os.setsid()
        os.umask(0o022)
        os.chdir(order.folder)
        _redirect(log)
        _put_on(order)
        os.write(report, DONE)
    except OSError as error:
        os.write(report, str(error).encode())
        os._exit(1)
    os.dup2(alive, _ALIVE, inheritable=False)
    os.closerange(_ALIVE + 1, os.sysconf("SC_OPEN_MAX"))
    _serve()


def _redirect(log: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, standard)


def _put_on(order: ServerOrder) -> None:
    """Take over what a new process would have: environment, arguments, program."""
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    tempfile.tempdir = None
    program = import_module("acre.server.__main__")
    sys.modules["__main__"] = program  # what multiprocessing imports again in a child
    Path("/proc/self/comm").write_text("acre-server")
    sys.argv = [str(program.__file__), *order.arguments]


def _serve() -> None:
    sys.modules["__main__"].main()


if __name__ == "__main__":
    main()
