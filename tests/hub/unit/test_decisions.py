"""Pure decisions: restarts, quotas, invitations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acre.hub.domain.invitations import hash_code, invite, is_valid
from acre.hub.domain.quotas import grant
from acre.hub.domain.restarts import restart_delay
from acre.wire.clusters import ClusterRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_first_death_is_answered_at_once_and_further_ones_ever_later():
    delays = [restart_delay([100.0] * deaths, now=100.0) for deaths in (1, 2, 3, 4)]
    assert delays[0] == pytest.approx(0.2)
    assert delays == sorted(delays)
    assert delays[-1] <= 10


def test_five_deaths_within_a_minute_are_enough():
    assert restart_delay([0.0, 1.0, 2.0, 3.0, 4.0], now=4.0) is None
    assert restart_delay([0.0, 20.0, 40.0, 59.0, 61.0], now=61.0) is not None


def test_deaths_of_long_ago_are_forgotten():
    assert restart_delay([0.0, 1.0, 2.0, 3.0, 1000.0], now=1000.0) == restart_delay([1000.0], now=1000.0)


@given(
    workers=st.integers(1, 100_000), limit=st.integers(1, 100_000), cores=st.integers(1, 512),
    engine=st.sampled_from(["dask", "ipyparallel"]), threads=st.integers(1, 1024),
)  # fmt: skip
def test_a_grant_is_within_the_limit_and_says_why_it_is_less(
    workers: int, limit: int, cores: int, engine: str, threads: int
):
    granted = grant(ClusterRequest(engine=engine, workers=workers, cores=threads), limit=limit, cores=cores)
    assert 1 <= granted.workers <= min(workers, limit)
    assert (granted.engine, granted.cores, granted.place) == (engine, threads, "local")
    assert bool(granted.reason) == (granted.workers < workers)
    if granted.reason:
        assert all(str(number) in granted.reason for number in (granted.workers, workers, limit, cores))


def test_codes_are_long_random_and_kept_as_hash_only():
    code, stored = invite("ada", now=NOW, lifetime=timedelta(hours=1))
    other, _ = invite("ada", now=NOW, lifetime=timedelta(hours=1))
    assert len(code) >= 43
    assert code != other
    assert stored.code_hash == hash_code(code)
    assert code not in repr(stored)


def test_an_invitation_opens_until_it_expires_or_is_used():
    _, stored = invite("ada", now=NOW, lifetime=timedelta(hours=1))
    assert is_valid(stored, now=NOW)
    assert is_valid(stored, now=NOW + timedelta(minutes=59))
    assert not is_valid(stored, now=NOW + timedelta(hours=1))
    used = type(stored)(stored.name, stored.code_hash, stored.expires, claimed=NOW)
    assert not is_valid(used, now=NOW)
