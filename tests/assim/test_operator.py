"""Operators: bands instead of spectra, and derivatives that can be trusted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acre import assim
from acre.assim.linalg import compiled
from acre.assim.observe.prosail import spectra as uncompiled
from acre.assim.types import Geometry

BANDS = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("free", [True, False])
def test_the_jacobian_agrees_with_differences(draw, free):
    operator = assim.Prosail(sensor=assim.sensors.sentinel_2a(["B03", "B05", "B08", "B12"]), free_carotenoids=free)
    x, angles = draw(40)
    keep = [name in operator.parameters for name in assim.PARAMETERS]
    x, view = x[keep], operator.look(Geometry(*jnp.asarray(angles)))
    predicted, jacobian = compiled(operator.linearise)(jnp.asarray(x), view)
    np.testing.assert_allclose(predicted, operator.predict(jnp.asarray(x), view), rtol=1e-12)
    predict = compiled(operator.predict)
    for i in range(len(x)):
        step = 1e-5 * np.maximum(np.abs(x[i]), 1e-2)
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        difference = (predict(up, view) - predict(down, view)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, i], difference, rtol=2e-5, atol=1e-7)


def test_single_precision_derivatives_agree_with_double(draw):
    operator = assim.Prosail(sensor=assim.sensors.sentinel_2a())
    x, angles = draw(4096)
    x = np.delete(x, 2, axis=0)
    scale = np.abs(x).max(1)[:, None]
    linearise = compiled(lambda x, angles: operator.linearise(x, operator.look(Geometry(*angles))))
    single = [np.asarray(part) for part in linearise(x.astype("float32"), angles.astype("float32"))]
    with jax.enable_x64(True):
        double = [np.asarray(part) for part in linearise(x, angles)]
    assert np.abs(single[0] - double[0]).max() < 3e-6
    assert np.abs((single[1] - double[1]) * scale).max() < 2e-3


def test_three_nodes_stand_for_the_whole_response(reference, draw):
    table = np.genfromtxt(reference("Sentinel_2A_Spectral_Response.csv"), delimiter="\t", names=True)
    inside = (table["Wavelength"] >= 400) & (table["Wavelength"] <= 2500)
    responses = np.stack([table[name][inside] for name in table.dtype.names[1:]])
    x, angles = draw(100)
    x[2] = 0.25 * x[1]
    geometry = Geometry(*jnp.asarray(angles, "float32"))
    wavelengths = tuple(table["Wavelength"][inside].tolist())
    full = compiled(lambda x, geometry: uncompiled(x, geometry, wavelengths))(jnp.asarray(x, "float32"), geometry)
    exact = responses @ np.asarray(full, float) / responses.sum(1)[:, None]
    operator = assim.Prosail(sensor=assim.sensors.sentinel_2a(BANDS))
    seen = compiled(lambda x, geometry: operator.predict(x, operator.look(geometry)))
    ours = seen(jnp.asarray(np.delete(x, 2, axis=0), "float32"), geometry)
    assert np.sqrt(np.mean((ours - exact) ** 2)) < 8e-4
    assert np.abs(ours - exact).max() < 2.5e-3


def test_shipped_nodes_are_those_of_the_published_response(reference):
    table = np.genfromtxt(reference("Sentinel_2A_Spectral_Response.csv"), delimiter="\t", names=True)
    names = table.dtype.names[1:]
    made = assim.Sensor.from_srf("again", table["Wavelength"], dict(zip(BANDS, (table[n] for n in names), strict=True)))
    for band, shipped in zip(made.bands, assim.sensors.sentinel_2a().bands, strict=True):
        assert band.name == shipped.name
        np.testing.assert_allclose(band.wavelengths, shipped.wavelengths, atol=1e-3)
        np.testing.assert_allclose(band.weights, shipped.weights, atol=1e-6)


def test_gauss_nodes_integrate_polynomials_of_a_response_exactly(rng):
    wavelengths = np.arange(600.0, 640.0)
    response = rng.uniform(0, 1, 40)
    band = assim.Sensor.from_srf("any", wavelengths, {"red": response}).bands[0]
    for degree in range(6):
        exact = np.average(((wavelengths - 620) / 20) ** degree, weights=response)
        nodes = (np.asarray(band.wavelengths) - 620) / 20
        assert nodes**degree @ np.asarray(band.weights) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    ("response", "remedy"),
    [(np.zeros(40), "nodes need"), (np.full(40, np.nan), "zeros outside"), (np.full(40, -1.0), "zeros outside")],
)
def test_an_impossible_response_is_refused(response, remedy):
    with pytest.raises(assim.InputRefusedError, match=remedy):
        assim.Sensor.from_srf("any", np.arange(600.0, 640.0), {"red": response})


def test_an_unknown_band_is_refused_with_those_there_are():
    with pytest.raises(assim.InputRefusedError, match=r"B99.*B8A"):
        assim.sensors.sentinel_2a(["B99"])


def test_a_response_in_micrometres_is_refused():
    with pytest.raises(assim.InputRefusedError, match="give nanometres"):
        assim.Sensor.from_srf("any", np.linspace(0.6, 0.64, 40), {"red": np.ones(40)})


def test_a_response_needs_one_number_for_each_wavelength():
    with pytest.raises(assim.InputRefusedError, match="each wavelength"):
        assim.Sensor.from_srf("any", np.arange(600.0, 640.0), {"red": np.ones(39)})


def test_unevenly_sampled_responses_count_by_width_and_not_by_samples():
    uneven = np.r_[np.arange(600.0, 620.0, 0.5), np.arange(620.0, 640.5, 2.0)]
    band = assim.Sensor.from_srf("any", uneven, {"red": np.ones_like(uneven)}).bands[0]
    assert band.centre == pytest.approx(620, abs=0.5)


LINEAR = {
    "bands": ("a", "b"), "parameters": ("lai", "cab"), "matrix": ((0.1, 0.0), (0.0, 0.3)), "offset": (0.0, 0.0),
    "centres": (500.0, 800.0),
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"matrix": ((0.1, 0.0),)},
        {"matrix": ((0.1,), (0.3,))},
        {"matrix": ((0.1, float("nan")), (0.0, 0.3))},
        {"offset": (0.0,)},
        {"centres": (500.0,)},
    ],
)
def test_a_linear_operator_whose_shapes_do_not_fit_is_refused_and_not_broadcast(change):
    with pytest.raises(assim.InputRefusedError, match=next(iter(change))):
        assim.Linear(**LINEAR | change)


def test_a_linear_operator_takes_arrays_and_stays_hashable():
    arrays = {name: np.asarray(value) for name, value in LINEAR.items() if name in {"matrix", "offset", "centres"}}
    assert hash(assim.Linear(**LINEAR | arrays)) == hash(assim.Linear(**LINEAR))


@pytest.mark.parametrize(
    "change",
    [{"absolute": -0.1}, {"relative": float("nan")}, {"correlation_length": 0}, {"absolute": 0, "discrepancy": 0}],
)
def test_noise_that_no_instrument_can_have_is_refused(change):
    with pytest.raises(assim.InputRefusedError, match="noise"):
        assim.Noise(**change)
