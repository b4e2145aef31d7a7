"""The leaf, against closed forms and published outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.io import loadmat
from scipy.special import exp1, expn

from acre.assim.observe.expint import plate
from acre.assim.observe.prosail import _tables
from acre.assim.observe.prospect import Interface, leaf, mean_transmissivity

SPECTRUM = tuple(map(float, range(400, 2501)))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-11)])
def test_a_plate_transmits_twice_the_third_exponential_integral(dtype, tolerance):
    k = np.concatenate([np.geomspace(1e-6, 1, 500), np.linspace(0.99, 1.01, 201), np.geomspace(1, 50, 500)])
    with jax.enable_x64(dtype == "float64"):
        transmitted, absorbed = plate(jnp.asarray(k, dtype))
    exact = 2 * expn(3, k.astype(dtype).astype(float))
    assert np.abs(np.asarray(transmitted, float) - exact).max() < tolerance
    assert np.abs(np.asarray(absorbed, float) / (1 - exact) - 1).max() < 20 * tolerance


@pytest.mark.usefixtures("double")
def test_the_derivative_of_a_plate_is_minus_twice_the_second_exponential_integral():
    k = np.geomspace(1e-5, 40, 300)
    slope = jax.vmap(jax.grad(lambda x: plate(x)[0]))(jnp.asarray(k))
    np.testing.assert_allclose(slope, -2 * (np.exp(-k) - k * exp1(k)), rtol=1e-7, atol=1e-15)


def test_interface_transmissivity_agrees_with_the_published_table(reference):
    published = loadmat(reference("tav_alpha40.mat"))["tav"].ravel()
    assert np.abs(_tables(SPECTRUM).interface.entering.ravel() - published).max() < 1e-12


def test_a_medium_like_air_reflects_nothing():
    np.testing.assert_allclose(mean_transmissivity(np.array([1.0]), 90), 1, atol=1e-12)


@pytest.mark.usefixtures("double")
def test_prospect_d_agrees_with_the_authors_matlab(reference):
    published = loadmat(reference("prospect_d_test.mat"))["LRT"]
    contents = np.array([30, 10, 1, 0, 0.015, 0.009])
    tables = _tables(SPECTRUM)
    k = np.maximum(tables.absorption @ contents / 1.2, 1e-6)[:, None]
    reflectance, transmittance = leaf(jnp.asarray(k), jnp.asarray(1.2), tables.interface)
    assert np.abs(reflectance[:, 0] - published[:, 1]).max() < 1e-10
    assert np.abs(transmittance[:, 0] - published[:, 2]).max() < 1e-10


@pytest.mark.parametrize("layers", [1.0, 1.5, 3.0])
def test_a_clear_leaf_loses_no_light(layers):
    interface = Interface.from_index(np.full(1, 1.4))
    reflectance, transmittance = leaf(jnp.full(1, 1e-6), jnp.asarray(layers), interface)
    assert float(reflectance[0] + transmittance[0]) == pytest.approx(1, abs=2e-5)


def test_one_plate_has_nothing_below_it():
    interface = Interface.from_index(np.full(1, 1.4))
    thick = leaf(jnp.full(1, 40.0), jnp.asarray(1.0), interface)
    assert float(thick[0][0]) == pytest.approx(1 - float(interface.entering[0]), abs=1e-6)
    assert float(thick[1][0]) < 1e-9
