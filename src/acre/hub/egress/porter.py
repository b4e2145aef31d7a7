"""A program of its own that listens inside a pod and hands the socket back: ``python porter.py PID FD PORT``.

Only a process with one thread may join a user namespace, and afterwards it cannot leave: so it does nothing else.
A socket stays in the network in which it was made, whoever holds it.
Nothing but the standard library is imported, since it runs once for each pod that starts.
"""

import ctypes
import fcntl
import os
import socket
import sys

_NS_GET_USERNS = 0xB701
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_IP_FREEBIND = 15  # the pod may still be about to bring its loopback up
_WAITING = 128


def listen_in(pid: int, port: int) -> socket.socket:
    """Return a socket that listens on the loopback of a process's network.

    Raises:
        OSError: If the process is gone, this user may not join its network, or the port is taken there.
    """
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    _join(fcntl.ioctl(network, _NS_GET_USERNS), _CLONE_NEWUSER)
    _join(network, _CLONE_NEWNET)
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(_WAITING)
    return listener


def _join(namespace: int, kind: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, kind) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def main() -> None:
    """Listen, and send the socket through the one that was inherited."""
    pid, descriptor, port = map(int, sys.argv[1:])
    try:
        listener = listen_in(pid, port)
    except OSError as error:
        sys.exit(error.strerror or str(error))
    with socket.socket(fileno=descriptor) as to_parent:
        socket.send_fds(to_parent, [b"."], [listener.fileno()])


if __name__ == "__main__":
    main()
