"""Somebody else on the same machine is not let in."""

import json
import socket
import ssl

import psutil
import pytest

import acre


def ports_of(cluster):
    found = []
    for pid in cluster._processes.running.values():
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            found += [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    return found


def test_nothing_listens_beyond_loopback(cluster):
    assert {address.ip for address in ports_of(cluster)} == {"127.0.0.1"}


def test_no_port_says_anything_to_a_web_browser(cluster):
    for address in ports_of(cluster):
        with socket.create_connection(address, timeout=2) as connection:
            connection.settimeout(0.3)
            connection.sendall(b"GET /info/main/workers.html HTTP/1.0\r\n\r\n")
            try:
                answer = connection.recv(4096)
            except (TimeoutError, ConnectionResetError):
                continue
        assert b" 200 " not in answer, address


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_plain_dask_client_is_refused(scheme):
    from distributed import Client
    from distributed.security import Security

    with acre.Cluster(workers=1, engine="dask") as cluster:
        address = cluster.client.scheduler.address.replace("tls://", f"{scheme}://")
        security = Security.temporary() if scheme == "tls" else None
        with pytest.raises((OSError, TimeoutError, ssl.SSLError, TypeError)):
            Client(address, security=security, timeout=1)
        assert cluster.map(abs, [-1]) == [1]


@pytest.mark.parametrize("knows", ["the ports", "the ports and the public key"])
def test_a_plain_ipyparallel_client_is_refused(knows):
    import ipyparallel

    with acre.Cluster(workers=1, engine="ipyparallel") as cluster:
        file = cluster._processes.folder / "security/ipcontroller-client.json"
        stolen = json.loads(file.read_text()) | {"key": "a guess"}
        if knows == "the ports":
            stolen |= {"curve_serverkey": None}
        with pytest.raises(TimeoutError):
            ipyparallel.Client(stolen, timeout=1)
        assert cluster.map(abs, [-1]) == [1]
