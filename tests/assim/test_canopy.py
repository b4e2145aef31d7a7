"""The canopy, against the oracle, published outputs and its own limits."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import prosail
import pytest
from scipy.integrate import quad

from acre.assim.linalg import compiled
from acre.assim.observe import structure
from acre.assim.observe.prosail import _tables
from acre.assim.observe.prosail import spectra as uncompiled
from acre.assim.observe.sail import bidirectional
from acre.assim.observe.structure import _hotspot, inclinations, look, place
from acre.assim.types import Geometry

SPECTRUM = tuple(map(float, range(400, 2501)))


def spectra(x, geometry, wavelengths):
    return compiled(lambda x, geometry: uncompiled(x, geometry, wavelengths))(x, geometry)


def oracle(x, angles):
    n, cab, car, ant, brown, cw, cm, lai, ala, hotspot, brightness, wetness = x
    return prosail.run_prosail(
        n, cab, car, brown, cw, cm, lai, ala, hotspot, *angles,
        ant=ant, prospect_version="D", rsoil=brightness, psoil=1 - wetness,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spectra_agree_with_prosail_on_random_surfaces(draw, dtype):
    x, angles = draw(80)
    expected = np.stack([oracle(*pair) for pair in zip(x.T, angles.T, strict=True)], axis=1)
    with jax.enable_x64(dtype == "float64"):
        ours = np.asarray(spectra(jnp.asarray(x, dtype), Geometry(*jnp.asarray(angles, dtype)), SPECTRUM))
    assert np.abs(ours - expected).max() < 5e-4
    assert np.sqrt(np.mean((ours - expected) ** 2)) < 1.5e-4


def twenty_steps(lai, sun, view, decorrelation):
    """The hot-spot integral as prosail has it: exponential steps instead of Gauss nodes."""
    overlap, extinction = lai * jnp.sqrt(sun * view), (sun + view) * lai
    depth, height, chance, total = 0.0, 0.0, 1.0, 0.0
    for i in range(1, 21):
        deeper = -jnp.log(1 - i * (1 - jnp.exp(-decorrelation)) / 20) / decorrelation if i < 20 else 1.0
        lower = -extinction * deeper + overlap * -jnp.expm1(-decorrelation * deeper) / decorrelation
        total += (jnp.exp(lower) - chance) * (deeper - depth) / (lower - height)
        depth, height, chance = deeper, lower, jnp.exp(lower)
    return chance, lai * total


@pytest.mark.usefixtures("double")
def test_all_that_differs_from_prosail_is_its_hot_spot_integral(draw, monkeypatch):
    monkeypatch.setattr(structure, "_hotspot", twenty_steps)
    x, angles = draw(20)
    expected = np.stack([oracle(*pair) for pair in zip(x.T, angles.T, strict=True)], axis=1)
    ours = spectra(jnp.asarray(x), Geometry(*jnp.asarray(angles)), SPECTRUM)
    assert np.abs(np.asarray(ours) - expected).max() < 1e-7


def bimodal(a, b):
    """Verhoef's two-parameter leaf angle distribution in our 18 classes (Verhoef 1998, appendix)."""

    def below(degrees):
        angle = np.radians(degrees)
        x = 2 * angle
        for _ in range(500):
            y = a * np.sin(x) + b / 2 * np.sin(2 * x)
            x += 0.5 * (y - x + 2 * angle)
        return 2 / np.pi * (y + angle)

    return np.diff([below(edge) for edge in range(0, 91, 5)])


@pytest.mark.usefixtures("double")
def test_sail_agrees_with_the_reference_canopy(reference):
    published = np.loadtxt(reference("REFL_CAN.txt"))[:, 3]
    _, reflectance, transmittance = prosail.run_prospect(1.5, 40, 8, 0, 0.01, 0.009, prospect_version="5")
    view = look(*(jnp.full(1, angle) for angle in (30.0, 10.0, 0.0)))
    canopy = place(jnp.full(1, 3.0), jnp.asarray(bimodal(-0.35, -0.15))[:, None], jnp.full(1, 0.01), view=view)
    ours = bidirectional(reflectance[:, None], transmittance[:, None], _tables(SPECTRUM).dry, canopy)
    assert np.abs(np.asarray(ours)[:, 0] - published).max() < 5e-4


def test_without_leaves_the_soil_is_seen(draw):
    x, angles = draw(20)
    x[7] = 0
    tables = _tables((550.0, 850.0))
    soil = x[10] * (tables.dry + x[11] * (tables.wet - tables.dry))
    seen = spectra(jnp.asarray(x), Geometry(*jnp.asarray(angles)), (550.0, 850.0))
    np.testing.assert_allclose(seen, soil, rtol=1e-5)


def test_sun_and_sensor_may_be_exchanged(draw):
    x, (sun, view, azimuth) = draw(30)
    there = spectra(jnp.asarray(x), Geometry(sun, view, azimuth), (550.0, 850.0))
    back = spectra(jnp.asarray(x), Geometry(view, sun, azimuth), (550.0, 850.0))
    np.testing.assert_allclose(there, back, atol=3e-6)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("mean_angle", [20.0, 45.0, 57.3, 80.0])
def test_shares_of_leaf_angles_integrate_campbells_density(mean_angle):
    axes = np.exp(3.2491 + mean_angle * (-0.1239 + mean_angle * (2.1145e-3 - 1.6184e-5 * mean_angle)))

    def density(angle):
        return np.sin(angle) / (np.cos(angle) ** 2 + axes**2 * np.sin(angle) ** 2) ** 2

    edges = np.radians(np.arange(0, 91, 5))
    exact = np.array([quad(density, a, b)[0] for a, b in itertools.pairwise(edges)])
    np.testing.assert_allclose(inclinations(jnp.full(1, mean_angle))[:, 0], exact / exact.sum(), atol=2e-4)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("decorrelation", [0.0, 0.5, 5.0, 200.0])
@pytest.mark.parametrize("lai", [0.1, 3.0, 8.0])
def test_the_hot_spot_integral_is_exact(decorrelation, lai):
    sun, view = 0.6, 0.5
    alpha = max(decorrelation, 1e-3)

    def chance(depth):
        overlap = lai * np.sqrt(sun * view) * -np.expm1(-alpha * depth) / alpha
        return np.exp(overlap - (sun + view) * lai * depth)

    both, single = _hotspot(jnp.full(1, lai), jnp.full(1, sun), jnp.full(1, view), jnp.full(1, decorrelation))
    assert float(both[0]) == pytest.approx(chance(1), rel=1e-9)
    assert float(single[0]) == pytest.approx(lai * quad(chance, 0, 1, points=[min(1, 3 / alpha)])[0], rel=2e-4)
