"""What may leave a pod, decided with plain values."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.domain.egress import Policy, check_host, choose, closed, parse_rule, refuse_name

PUBLIC = IPv4Address("93.184.216.34")
ADDRESSES = st.ip_addresses()


def policy(default: str = "allow", *, allow: tuple[str, ...] = (), deny: tuple[str, ...] = ()) -> Policy:
    return Policy(default=default, allow=tuple(map(parse_rule, allow)), deny=tuple(map(parse_rule, deny)))


def goes(rules: Policy, host: str, port: int = 443, *found: str) -> bool:
    """Return whether a connection is made, as the dialer decides it."""
    checked = check_host(host)
    if isinstance(checked, str) and refuse_name(rules, checked, port):
        return False
    addresses = [ipaddress.ip_address(one) for one in found] or [PUBLIC if isinstance(checked, str) else checked]
    return bool(choose(rules, checked, port, found=addresses).addresses)


@given(ADDRESSES)
def test_what_is_open_is_a_public_address(address):
    if not closed(address):
        assert address.is_global
        assert not address.is_multicast


@given(ADDRESSES, st.sampled_from(["allow", "deny"]))
def test_no_name_and_no_wildcard_opens_a_closed_address(address, default):
    rules = policy(default, allow=("evil.example", "*.example", "*"))
    if closed(address):
        assert not choose(rules, "evil.example", 443, found=[address]).addresses


@given(ADDRESSES)
def test_a_denied_network_is_closed_under_every_name(address):
    rules = policy(allow=("*", str(address)), deny=(str(address),))
    for host in ("example.org", address):
        choice = choose(rules, host, 443, found=[address])
        assert not choice.addresses
        assert "egress.deny" in choice.refusal


@given(st.lists(ADDRESSES, max_size=6))
def test_only_addresses_that_were_found_are_chosen_and_a_refusal_has_a_reason(found):
    choice = choose(policy(), "example.org", 443, found=found)
    assert {str(one) for one in choice.addresses} <= {str(getattr(one, "ipv4_mapped", None) or one) for one in found}
    assert bool(choice.addresses) != bool(choice.refusal)


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_hidden_in_ipv6_is_as_closed_as_itself(number):
    inner = IPv4Address(number)
    hidden = [IPv6Address((0xFFFF << 32) | number), IPv6Address((0x2002 << 112) | (number << 80))]
    for outer in (*hidden, IPv6Address((0x64FF9B << 96) | number)):
        if closed(inner):
            assert closed(outer)


@given(st.text(max_size=80))
def test_any_text_is_a_host_or_refused(text):
    try:
        host = check_host(text)
    except ValueError:
        return
    assert str(host) == str(check_host(str(host)))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("100.64.0.1", "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:169.254.169.254", "::7f00:1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "4000::1"),
    ],
)
def test_addresses_inside_and_of_clouds_are_closed_with_a_reason(address):
    choice = choose(policy(), "innocent.example", 443, found=[ipaddress.ip_address(address)])
    assert "innocent.example leads to" in choice.refusal
    assert "egress.allow" in choice.refusal


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "169.253.0.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_open(address):
    assert not closed(ipaddress.ip_address(address))


def test_this_machines_own_address_is_as_closed_as_its_loopback():
    assert choose(policy(), "example.org", 443, found=[PUBLIC]).addresses
    refusal = choose(policy(), "example.org", 443, found=[PUBLIC], own=frozenset({PUBLIC})).refusal
    assert "of the machine itself" in refusal


@pytest.mark.parametrize(
    ("rules", "host", "port", "found", "expected"),
    [
        (policy(), "example.org", 443, (), True),
        (policy(), "example.org", 80, (), True),
        (policy(), "example.org", 22, (), False),
        (policy(allow=("example.org:22",)), "example.org", 22, (), True),
        (policy(allow=("example.org:22",)), "sub.example.org", 22, (), False),
        (policy(deny=("example.org",)), "example.org", 443, (), False),
        (policy(deny=("example.org",)), "EXAMPLE.org.", 443, (), False),
        (policy(deny=("example.org",)), "sub.example.org", 443, (), True),
        (policy(deny=("*.example.org",)), "a.b.example.org", 443, (), False),
        (policy(deny=("*.example.org",)), "badexample.org", 443, (), True),
        (policy(deny=("*",)), "8.8.8.8", 443, (), False),
        (policy(deny=("0.0.0.0/0",)), "8.8.8.8", 443, (), False),
        (policy(deny=("93.184.0.0/16",)), "example.org", 443, (), False),
        (policy(deny=("93.184.0.0/16",)), "::ffff:93.184.216.34", 443, (), False),
        (policy(deny=("example.org:80",)), "example.org", 443, (), True),
        (policy(allow=("example.org",), deny=("*.org",)), "example.org", 443, (), False),
        (policy("deny"), "example.org", 443, (), False),
        (policy("deny", allow=("*.example.org",)), "data.example.org", 443, (), True),
        (policy("deny", allow=("*.example.org",)), "data.example.org", 8443, (), False),
        (policy("deny", allow=("*.example.org",)), "example.com", 443, (), False),
        (policy("deny", allow=("93.184.216.34",)), "example.org", 443, (), True),
        (policy("deny", allow=("93.184.216.35",)), "example.org", 443, (), False),
        (policy("deny", allow=("example.org",)), "example.org", 443, ("10.0.0.1",), False),
        (policy(allow=("10.1.2.0/24",)), "10.1.2.3", 443, (), True),
        (policy(allow=("10.1.2.0/24",)), "data.institute.example", 443, ("10.1.2.3",), True),
        (policy(allow=("10.1.2.0/24",)), "10.1.3.3", 443, (), False),
        (policy(allow=("127.0.0.1:9000",)), "127.0.0.1", 9000, (), True),
        (policy(allow=("127.0.0.1:9000",)), "127.0.0.1", 443, (), False),
        (policy(allow=("[fd00::1]:9000",)), "fd00::1", 9000, (), True),
        (policy(allow=("fd00::/64",)), "fd00::5", 443, (), True),
    ],
)
def test_the_policy_means_what_is_written(rules, host, port, found, expected):
    assert goes(rules, host, port, *found) is expected


def test_of_several_addresses_only_the_open_ones_are_used():
    found = [IPv4Address("10.0.0.1"), PUBLIC, IPv6Address("::1")]
    assert choose(policy(), "mixed.example", 443, found=found).addresses == (PUBLIC,)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a b", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "example.org/x", "exa\nmple.org", "a..b"),
        *(
            "fe80::1%eth0",
            "[::1]",
            "user@example.org",
            "é.example",
            "-a.example",
            "a" * 64 + ".org",
            "a." * 130 + "org",
        ),
    ],
)
def test_hosts_that_could_be_read_in_two_ways_are_refused(text):
    with pytest.raises(ValueError, match=r"a host is a name|zone"):
        check_host(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":443", "https://example.org", "example.org:0", "example.org:65536", "example.org:x", "10.0.0.1/24"),
        *("a b", "*.", "*.*.org", "ex*mple.org", "[fd00::1", "10.0.0.0/33", "example.org/24", "fe80::1%eth0"),
    ],
)
def test_rules_that_mean_nothing_are_refused(text):
    with pytest.raises(ValueError, match=r"host|network|zone"):
        parse_rule(text)
