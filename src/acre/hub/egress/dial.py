"""From a host and a port to a connection: what was checked is what is connected to."""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable

import psutil

from acre.hub.domain.egress import Address, Policy, choose, refuse_name

__all__ = ["Dialer", "NoWayError", "Stream", "resolve"]

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str, int], Awaitable[list[Address]]]

_RESOLVE_SECONDS = 15.0
_CONNECT_SECONDS = 10.0
_MOST_ADDRESSES = 3
_LOOKUPS_AT_ONCE = 8
_BUFFER = 2**16


class NoWayError(Exception):
    """A connection that is not made, with the HTTP status and the sentence for the person."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a name, in the order in which to try them.

    Raises:
        OSError: If it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(place[0]) for *_, place in found]


class Dialer:
    """Connects one pod to where the policy allows.

    A name is resolved once, here: the addresses are checked, and exactly these are connected to, so that a name which
    changes its meaning between two questions gains nothing.
    """

    def __init__(self, policy: Policy, *, resolve: Resolve = resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)  # slow names of one pod delay that pod

    async def dial(self, host: str | Address, port: int) -> Stream:
        """Return a connection.

        Raises:
            NoWayError: If the policy refuses it, or nobody answers.
        """
        if isinstance(host, str):
            if refusal := refuse_name(self._policy, host, port):
                raise NoWayError(403, refusal)
            found = await self._look_up(host, port)
        else:
            found = [host]
        choice = choose(self._policy, host, port, found=found, own=_own_addresses())
        if not choice.addresses:
            raise NoWayError(403, choice.refusal)
        return await _connect(host, port, choice.addresses[:_MOST_ADDRESSES])

    async def _look_up(self, host: str, port: int) -> list[Address]:
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS), self._lookups:
                return await self._resolve(host, port)
        except TimeoutError as error:
            raise NoWayError(504, f"Nobody says where {host} is, after {_RESOLVE_SECONDS:.0f} s. Try again.") from error
        except OSError as error:
            why = (error.strerror or "no address").lower()
            raise NoWayError(502, f"{host} cannot be found: {why}. Check how it is written.") from error


async def _connect(host: str | Address, port: int, addresses: tuple[Address, ...]) -> Stream:
    failure: OSError = ConnectionError("no address")
    for address in addresses:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(str(address), port, limit=_BUFFER)
        except OSError as error:  # TimeoutError is one
            failure = error
    if isinstance(failure, TimeoutError):
        sentence = f"{host}, port {port}, does not answer within {_CONNECT_SECONDS:.0f} s. Try again later."
        raise NoWayError(504, sentence) from failure
    why = os.strerror(failure.errno).lower() if failure.errno else "nothing is there"
    raise NoWayError(502, f"{host}, port {port}, cannot be reached: {why}. Try again later.") from failure


def _own_addresses() -> frozenset[Address]:
    texts = (one.address for several in psutil.net_if_addrs().values() for one in several)
    return frozenset(filter(None, map(_address, texts)))


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:  # of a network card
        return None
