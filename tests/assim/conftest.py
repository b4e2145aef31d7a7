"""Shared by the tests of the library: random surfaces, the oracle, and reference data."""

from pathlib import Path

import jax
import numpy as np
import pytest

from acre.assim import PARAMETERS

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "reference"

LOW = {
    "n": 1.05, "cab": 2, "car": 0.5, "ant": 0, "senescence": 0, "cw": 0.002, "cm": 0.001, "lai": 0.05, "ala": 25,
    "hotspot": 0.01, "soil_brightness": 0.3, "soil_wetness": 0,
}  # fmt: skip
HIGH = {
    "n": 2.6, "cab": 100, "car": 20, "ant": 5, "senescence": 1, "cw": 0.05, "cm": 0.02, "lai": 8, "ala": 78,
    "hotspot": 0.5, "soil_brightness": 1.5, "soil_wetness": 1,
}  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(20170501)


@pytest.fixture
def draw(rng):
    """Random surfaces (12, pixels) and angles (3, pixels)."""

    def _draw(count):
        x = np.stack([rng.uniform(LOW[name], HIGH[name], count) for name in PARAMETERS])
        angles = np.stack([rng.uniform(0, 70, count), rng.uniform(0, 40, count), rng.uniform(0, 180, count)])
        return x, angles

    return _draw


@pytest.fixture
def double():
    """Run a test in double precision, without changing JAX for others."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def reference():
    """Find a reference file, or skip."""

    def _find(name):
        path = REFERENCE / name
        if not path.exists():
            pytest.skip(f"the reference file {name} is not beside this checkout (shared/data/reference)")
        return path

    return _find
