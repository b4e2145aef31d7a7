"""What may leave a pod: decided by name and port before a name is resolved, and by address before a connection.

An address that is closed by its nature, such as a private one, opens only by an address or network in the policy and
never by a name: who owns a name decides where it leads.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

__all__ = ["Address", "Choice", "Policy", "Rule", "check_host", "choose", "closed", "parse_rule", "refuse_name"]

Address = IPv4Address | IPv6Address

_LONGEST_NAME = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_RULE = re.compile(r"(?P<host>\[[^\]]*\](?:/\d+)?|[^:]*|[^\[\]]*:[^\[\]]*:[^\[\]]*)(?::(?P<port>\d{1,5}))?")

_CLOSED: dict[str, tuple[str, ...]] = {
    "an address of the machine itself": ("0.0.0.0/8", "127.0.0.0/8", "::/127"),
    "a private address": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
    "a link-local address, where clouds keep a machine's credentials": ("169.254.0.0/16", "fe80::/10"),
    "an address where a cloud keeps a machine's credentials": ("168.63.129.16/32",),
    "a multicast address": ("224.0.0.0/4", "ff00::/8"),
    "a reserved address": (
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20"),
    ),
}
"""IANA's registries of special-purpose addresses: https://www.iana.org/assignments/iana-ipv4-special-registry."""

_CLOSED_NETWORKS = [(ipaddress.ip_network(text), kind) for kind, texts in _CLOSED.items() for text in texts]
_UNICAST = IPv6Network("2000::/3")  # all that was ever assigned to sites
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Rule:
    """One entry of ``egress.allow`` or ``egress.deny``.

    Attributes:
        text: As the operator wrote it.
        name: A name, ``*.`` and a name, or ``*`` for every host; empty for a network.
        network: An address or a network; None for a name.
        port: The only port that is meant; None for those that are open anyway, or, when denied, for all.
    """

    text: str
    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def fits_name(self, host: str) -> bool:
        """Return whether the rule is about this name."""
        return self.name in {host, "*"} or (self.name.startswith("*.") and host.endswith(self.name[1:]))

    def fits_address(self, address: Address) -> bool:
        """Return whether the rule is about this address."""
        return self.network is not None and address in self.network


@dataclass(frozen=True)
class Policy:
    """What the operator decided.

    Attributes:
        default: What holds for hosts that no rule is about.
        ports: What is open where a rule names no port.
    """

    default: Literal["allow", "deny"] = "allow"
    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    ports: frozenset[int] = frozenset({80, 443})

    def opens(self, rule: Rule, port: int) -> bool:
        """Return whether a rule of ``allow`` is about this port."""
        return port == rule.port if rule.port is not None else port in self.ports


@dataclass(frozen=True)
class Choice:
    """Where to connect.

    Attributes:
        addresses: These and no others; empty when refused.
        refusal: Why not, in a sentence; empty when there is an address.
    """

    addresses: tuple[Address, ...] = ()
    refusal: str = field(default="")


def parse_rule(text: str) -> Rule:
    """Return the meaning of ``example.org``, ``*.example.org``, ``10.1.2.0/24`` or ``[fd00::1]``, ``:PORT`` after it.

    Raises:
        ValueError: If it is none of them.
    """
    match = _RULE.fullmatch(text.strip().lower())
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 1 <= port <= 65535):  # noqa: PLR2004 -- the last port there is
        raise ValueError(f"{text!r} is neither a host nor a network, with or without a port")
    host = match["host"].replace("[", "").replace("]", "")
    try:
        return Rule(text, network=_network(host), port=port)
    except ValueError as error:
        if "/" in host:
            raise ValueError(f"{text!r} is no network: {error}") from error
    if host == "*":
        return Rule(text, name=host, port=port)
    check_host(host.removeprefix("*."))
    return Rule(text, name=host.removesuffix("."), port=port)


def check_host(text: str) -> str | Address:
    """Return a host as it is compared and resolved: an address, or a name in lower case without a last dot.

    Raises:
        ValueError: If it is neither, such as a number in which some resolvers see an address.
    """
    text = text.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        name = _NAME.fullmatch(text) and not _NUMERIC.fullmatch(text.rpartition(".")[2])
        if not name or len(text) > _LONGEST_NAME:
            raise ValueError("a host is a name such as example.org, or an address") from error
        return text
    if isinstance(address, IPv6Address) and address.scope_id:
        raise ValueError("an address with a zone leads to a network of this machine")
    return _plain(address)


def refuse_name(policy: Policy, host: str, port: int) -> str:
    """Return why a name is not even resolved, in a sentence; empty when its addresses have to be looked at."""
    for rule in policy.deny:
        if rule.fits_name(host) and rule.port in {None, port}:
            return _denied(host, rule)
    if any((rule.network or rule.fits_name(host)) and policy.opens(rule, port) for rule in policy.allow):
        return ""
    return _refuse_rest(policy, host, port)


def choose(
    policy: Policy, host: str | Address, port: int, *, found: Iterable[Address], own: frozenset[Address] = frozenset()
) -> Choice:
    """Return to which of its addresses a host may be connected.

    Args:
        policy: What the operator decided.
        host: As ``check_host`` returned it.
        port: The port.
        found: The addresses of the host.
        own: Addresses of this machine: behind its firewall, and so as closed as its loopback.
    """
    refusal = f"{host} has no address."
    good = []
    for address in map(_plain, found):
        if why := _refuse_address(policy, host, port, address, own=own):
            refusal = why
        else:
            good.append(address)
    return Choice(tuple(good)) if good else Choice(refusal=refusal)


def closed(address: Address) -> str:
    """Return what closes an address by its nature, such as ``a private address``; empty when it is open."""
    for form in _forms(address):
        for network, kind in _CLOSED_NETWORKS:
            if form in network:
                return kind
    if isinstance(address, IPv6Address) and not (address.ipv4_mapped or address in _UNICAST or address in _NAT64):
        return "a reserved address"
    return ""


def _refuse_address(
    policy: Policy, host: str | Address, port: int, address: Address, *, own: frozenset[Address]
) -> str:
    name = host if isinstance(host, str) else ""
    for rule in policy.deny:
        if rule.port in {None, port} and (rule.fits_name(name) or any(map(rule.fits_address, _forms(address)))):
            return _denied(host, rule)
    allowing = [rule for rule in policy.allow if policy.opens(rule, port)]
    if any(rule.fits_address(address) for rule in allowing):
        return ""
    if kind := closed(address) or ("an address of the machine itself" if address in own else ""):
        leads = f"{host} is" if host == address else f"{host} leads to {address},"
        return f"{leads} {kind}, which is closed to pods. An administrator can open {address} in egress.allow."
    if any(rule.fits_name(name) for rule in allowing):
        return ""
    return _refuse_rest(policy, host, port)


def _refuse_rest(policy: Policy, host: str | Address, port: int) -> str:
    if policy.default == "deny":
        return f"{host}, port {port}, is not among what is open here. Ask an administrator to add it to egress.allow."
    if port not in policy.ports:
        ports = " and ".join(map(str, sorted(policy.ports))) or "none"
        return f"Port {port} of {host} is closed; open ports: {ports}. An administrator can open it in egress.allow."
    return ""


def _denied(host: str | Address, rule: Rule) -> str:
    return (
        f"{host} is closed here by the rule {rule.text!r}. Ask an administrator to change egress.deny if you need it."
    )


def _network(text: str) -> IPv4Network | IPv6Network:
    if "%" in text:
        raise ValueError("an address with a zone leads to a network of this machine")
    network = ipaddress.ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and (inner := network[0].ipv4_mapped):  # noqa: PLR2004 -- where the IPv4 address begins
        return IPv4Network((inner, network.prefixlen - 96))
    return network


def _plain(address: Address) -> Address:
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _forms(address: Address) -> Iterator[Address]:
    """Yield the address, and the IPv4 address that a gateway would make of it."""
    yield address
    if isinstance(address, IPv6Address):
        nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        yield from (inner for inner in (address.ipv4_mapped, address.sixtofour, nat64) if inner is not None)
