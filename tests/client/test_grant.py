"""What of a request is granted, and how that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import acre
from acre.client import ClusterRefusedError
from acre.client.grant import SOCKET_VARIABLE, TOKEN_VARIABLE, ask, decide_locally
from acre.client.testing import pretend_service
from acre.wire.clusters import ClusterGrant, ClusterRequest
from acre.wire.errors import ErrorCode, Refusal

REQUEST = ClusterRequest(engine="dask", workers=8)


@pytest.fixture
def service(tmp_path, monkeypatch):
    socket = tmp_path / "acre.sock"
    monkeypatch.setenv(SOCKET_VARIABLE, str(socket))
    monkeypatch.setenv(TOKEN_VARIABLE, "ada's token")
    return socket


@given(workers=st.integers(1, 1000), cores=st.integers(1, 64), machine=st.integers(1, 128))
def test_without_a_hub_at_most_four_threads_per_core_are_granted(workers, cores, machine):
    grant = decide_locally(ClusterRequest(engine="dask", workers=workers, cores=cores), machine)
    assert 1 <= grant.workers <= workers
    assert grant.workers == 1 or grant.workers * cores <= 4 * machine
    assert (grant.reason == "") == (grant.workers == workers)


def test_the_hub_is_asked_once_with_the_token_and_its_grant_is_taken(service):
    granted = ClusterGrant(engine="dask", workers=1, cores=1, place="local", reason="Ada's quota is one worker.")
    with pretend_service(service, granted) as asked, acre.Cluster(workers=8) as cluster:
        assert cluster.workers == 1
        assert len(cluster.client.nthreads()) == 1
        assert "1 of 8 asked" in repr(cluster)
        assert "Ada&#x27;s quota is one worker." in cluster._repr_html_()
    assert [(one.path, one.token) for one in asked] == [("/services/acre/api/clusters/grant", "token ada's token")]
    assert ClusterRequest.model_validate_json(asked[0].body) == REQUEST


def test_a_refusal_is_raised_with_its_sentence(service):
    refusal = Refusal(code=ErrorCode.NOT_ALLOWED, message="You may have no clusters until Monday.")
    with (
        pretend_service(service, refusal, status=403),
        pytest.raises(ClusterRefusedError, match="until Monday") as caught,
    ):
        acre.Cluster(workers=8)
    assert caught.value.code == ErrorCode.NOT_ALLOWED


def test_a_hub_that_is_away_is_told_as_such(service):
    with pytest.raises(ClusterRefusedError, match="could not be asked") as caught:
        ask(REQUEST)
    assert caught.value.code == ErrorCode.HUB_UNAVAILABLE


def test_an_answer_that_makes_no_sense_is_told_as_such(service):
    with pretend_service(service, REQUEST), pytest.raises(ClusterRefusedError, match="makes no sense"):
        ask(REQUEST)


@pytest.mark.parametrize(("wish", "told"), [({"workers": 0}, "workers=0"), ({"engine": "spark"}, "engine='spark'")])
def test_a_wish_that_makes_no_sense_is_named(wish, told):
    with pytest.raises(ValueError, match=told):
        acre.Cluster(**wish)
