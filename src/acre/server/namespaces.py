"""How a process moves into a pod, and how it gives up what it could do before.

Linux only, by setns(2), prctl(2) and capset(2); the calls are made through the C library, which Python does not wrap.
"""

import ctypes
import fcntl
import os
from pathlib import Path

__all__ = ["give_up_privileges", "join"]

_NEW_USER = 0x10000000
_NAMESPACES = {
    "mnt": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "net": 0x40000000, "pid": 0x20000000,
}  # fmt: skip
_OWNER_OF_NAMESPACE = 0xB701  # ioctl_ns(2): NS_GET_USERNS
_SET_DUMPABLE, _DROP_FROM_BOUND, _NO_NEW_PRIVILEGES, _AMBIENT, _CLEAR_AMBIENT = 4, 24, 38, 47, 4
_CAPABILITIES_VERSION = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def join(process: int) -> None:
    """Enter every namespace of a process; only children made afterwards are in its process namespace.

    Bubblewrap nests two user namespaces, and the other namespaces belong to the outer one: it must be entered first,
    since only there one has the capability to enter them, and the inner one last, since it has less.

    Args:
        process: A descriptor of the folder of the process in ``/proc``; unlike a number, it never means another one.

    Raises:
        OSError: If the process has ended, or the kernel forbids it.
    """
    inner = _open(process, "user")
    others = {name: _open(process, name) for name in _NAMESPACES}
    owner = fcntl.ioctl(others["mnt"], _OWNER_OF_NAMESPACE)
    foreign = [name for name in _NAMESPACES if not _is_own(others[name], name)]  # an open network is the machine's
    _enter(owner, _NEW_USER)
    for name in foreign:
        _enter(others[name], _NAMESPACES[name])
    if not os.path.samestat(os.fstat(owner), os.fstat(inner)):
        _enter(inner, _NEW_USER)
    for descriptor in (inner, owner, *others.values()):
        os.close(descriptor)


def give_up_privileges() -> None:
    """Drop every capability, for good.

    Raises:
        OSError: If one could not be dropped; the process must not go on.
    """
    for capability in range(_last_capability() + 1):
        _check(_libc.prctl(_DROP_FROM_BOUND, capability, 0, 0, 0))
    _check(_libc.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0))
    _check(_libc.capset(ctypes.byref(_Header(_CAPABILITIES_VERSION, 0)), (_Sets * 2)()))
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _check(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))  # or its own files in /proc would not be its own


def _open(process: int, name: str) -> int:
    return os.open(f"ns/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)


def _is_own(namespace: int, name: str) -> bool:
    return os.path.samestat(os.fstat(namespace), Path(f"/proc/self/ns/{name}").stat())


def _enter(namespace: int, kind: int) -> None:
    _check(_libc.setns(namespace, kind))


def _last_capability() -> int:
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


def _check(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
