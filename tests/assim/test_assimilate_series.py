"""A cube with dates through the door: twins with known truth, blocks, grids, and what is refused."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

from acre import assim
from acre.assim.linalg import compiled
from acre.assim.solve import Problem
from acre.assim.types import Geometry

SENSOR = assim.sensors.sentinel_2a(["B03", "B04", "B05", "B8A", "B11"])
OPERATOR = assim.Prosail(sensor=SENSOR)
FIXED = {"n": 1.5, "cm": 0.008, "senescence": 0.1, "ala": 57.0, "soil_wetness": 0.5}
PRIOR = assim.Prior.vegetation(**FIXED, lai=(2.0, 0.7), cw=(0.017, 0.006), soil_brightness=(1.0, 0.2))
WALK = assim.RandomWalk(strength={"lai": 0.15, "soil_brightness": 0.0}, others=0.08)
DAYS = np.array([0, 2, 5, 12, 15, 22, 30, 31, 45])
DATES = np.datetime64("2021-04-01", "ns") + DAYS * np.timedelta64(1, "D")
SHAPE = (4, 5)


@pytest.fixture(scope="module")
def truth():
    """Series drawn from the dynamics themselves, per parameter (time, y, x), cut at the bounds."""
    rng = np.random.default_rng(11)
    size, n = SHAPE[0] * SHAPE[1], len(PRIOR.names)
    problem = Problem(OPERATOR, PRIOR, assim.Noise(), WALK)
    shares = WALK.shares(PRIOR.names, np.asarray(PRIOR.mean), problem.scale)[:, None]
    s = [rng.normal(size=(n, size))]
    for gap in np.diff(DAYS):
        kept = np.exp(-gap * shares**2)
        s.append(np.sqrt(kept) * s[-1] + np.sqrt(1 - kept) * rng.normal(size=(n, size)))
    low, high = (bound[:, None] for bound in PRIOR.transforms.bounds)
    z = np.clip(np.asarray(PRIOR.mean)[:, None] + problem.scale[:, None] * np.stack(s), low, high)
    x = np.asarray(PRIOR.transforms.inverse(z.transpose(1, 0, 2).astype("float32")))
    return dict(zip(PRIOR.names, x.reshape(n, len(DAYS), *SHAPE), strict=True))


@pytest.fixture(scope="module")
def cube(truth):
    rng = np.random.default_rng(12)
    rows = [truth[n].ravel() if n in truth else np.full(180, PRIOR.value(n)) for n in OPERATOR.parameters]
    angles = np.tile(np.array([[35.0], [5.0], [110.0]], "float32"), 180)
    predict = compiled(lambda x, a: OPERATOR.predict(x, OPERATOR.look(Geometry(*a))))
    clean = np.asarray(predict(np.stack(rows).astype("float32"), angles))
    error = np.asarray(assim.Noise().covariance(clean, None, centres=OPERATOR.centres)).transpose(2, 0, 1)
    noisy = clean + np.einsum("pij,pj->ip", np.linalg.cholesky(error), rng.normal(size=clean.T.shape))
    noisy = noisy.reshape(5, len(DAYS), *SHAPE)
    noisy[:, :, 0, 0] = np.nan
    noisy[:, 3] = np.nan
    noisy[:, rng.uniform(size=noisy.shape[1:]) < 0.2] = np.nan
    coords = {"band": list(OPERATOR.bands), "time": DATES, "y": np.arange(4.0), "x": np.arange(5.0)}
    field = xr.DataArray(noisy, coords, ("band", "time", "y", "x"))
    return assim.scene(field, sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0)


@pytest.fixture(scope="module")
def result(cube):
    return assim.assimilate(cube, OPERATOR, PRIOR, dynamics=WALK, progress=False)


def test_the_result_has_the_cubes_dates_and_says_how_they_were_joined(result, cube):
    assert result.lai.dims == ("time", "y", "x")
    xr.testing.assert_equal(result.time, cube.time)
    assert result.chi2.dims == ("time", "y", "x")
    assert result.chi2_series.dims == result.iterations.dims == ("y", "x")
    assert "RandomWalk" in result.attrs["acre_dynamics"]
    assert "FourDVar" in result.attrs["acre_solver"]


def test_empty_dates_are_filled_and_empty_series_keep_the_prior(result):
    inside = result.code[3].to_numpy().ravel()[1:]
    assert (inside == assim.Code.FILLED).all()
    assert np.isnan(result.chi2[3]).all()
    assert (result.code[:, 0, 0] == assim.Code.NO_OBSERVATION).all()
    assert float(result.lai[4, 0, 0]) == pytest.approx(PRIOR.marginal()["lai"]["median"], rel=1e-3)
    assert float(result.lai_sd[4, 0, 0]) == pytest.approx(PRIOR.marginal()["lai"]["sd"], rel=1e-3)


def test_the_dynamics_bring_the_answer_nearer_to_the_truth(result, cube, truth):
    alone = assim.assimilate(cube, OPERATOR, PRIOR, progress=False)
    for name in ("lai", "cab", "cw"):
        errors = [float(np.sqrt(((part[name] - truth[name]) ** 2).mean())) for part in (result, alone)]
        assert errors[0] < 0.85 * errors[1], name
        assert float(result[f"{name}_sd"].mean()) < float(alone[f"{name}_sd"].mean())


def test_intervals_of_series_hold_the_truth_as_often_as_they_say(result, truth):
    for name in PRIOR.names:
        inside = (truth[name] >= result[f"{name}_p05"]) & (truth[name] <= result[f"{name}_p95"])
        assert 0.78 < float(inside.mean()) < 0.98, name


def test_cost_is_near_the_number_of_observations(result, cube):
    count = cube.reflectance.notnull().sum(("band", "time"))
    seen = count > 0
    ratio = (result.chi2_series / count).where(seen)
    assert 0.8 < float(ratio.mean()) < 1.2
    assert (result.code == assim.Code.NOT_CONVERGED).sum() == 0


@pytest.mark.parametrize("block", [1_000_000, 20, 1])
def test_blocks_and_threads_change_no_number(result, cube, block):
    with ThreadPoolExecutor(2) as executor:
        options = {"executor": executor, "block": block, "progress": False}
        again = assim.assimilate(cube, OPERATOR, PRIOR, dynamics=WALK, **options)
    for name in result:
        np.testing.assert_allclose(again[name], result[name], rtol=2e-6, err_msg=name)


@pytest.mark.long
def test_processes_change_no_number(result, cube):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        options = {"executor": executor, "block": 60, "progress": False}
        again = assim.assimilate(cube, OPERATOR, PRIOR, dynamics=WALK, **options)
    for name in result:
        np.testing.assert_allclose(again[name], result[name], rtol=2e-6, err_msg=name)


def test_the_order_of_dimensions_does_not_matter(result, cube):
    turned = cube.transpose("x", "band", "time", "y")
    again = assim.assimilate(turned, OPERATOR, PRIOR, dynamics=WALK, progress=False, block=30)
    assert again.lai.dims == ("x", "time", "y")
    np.testing.assert_allclose(again.lai.transpose("time", "y", "x"), result.lai, rtol=2e-6)


def test_more_dates_than_observations_may_be_asked_for(result, cube):
    daily = np.arange(DATES[0], DATES[-1] + np.timedelta64(3, "D"), np.timedelta64(1, "D"))
    dense = assim.assimilate(cube, OPERATOR, PRIOR, dynamics=WALK, times=daily, progress=False)
    assert dense.lai.shape == (48, *SHAPE)
    np.testing.assert_array_equal(dense.time, daily)
    assert dense.chi2_series.dims == ("y", "x")
    differ = np.abs(dense.lai.sel(time=DATES) - result.lai) / result.lai_sd
    assert float(differ.max()) < 0.2, "no more than the search leaves"
    assert float(differ.mean()) < 0.02
    assert (dense.lai_sd[-1] > dense.lai_sd[-3]).mean() > 0.9


def test_days_may_be_numbers(result, cube):
    again = assim.assimilate(cube.assign_coords(time=DAYS), OPERATOR, PRIOR, dynamics=WALK, progress=False)
    np.testing.assert_allclose(again.lai, result.lai, rtol=2e-6)


@pytest.mark.parametrize(
    ("change", "options", "remedy"),
    [
        (lambda cube: cube.isel(time=0), {}, "dimension 'time'"),
        (lambda cube: cube.isel(time=[1, 0, 2]), {}, "rising order"),
        (lambda cube: cube.isel(time=[0, 0, 2]), {}, "rising order"),
        (lambda cube: cube, {"solver": assim.MAP()}, "FourDVar"),
        (lambda cube: cube, {"dynamics": 1}, "RandomWalk"),
        (lambda cube: cube, {"dynamics": None, "solver": assim.FourDVar()}, "RandomWalk"),
        (lambda cube: cube, {"dynamics": None, "times": DATES}, "times=... needs dynamics"),
        (lambda cube: cube, {"times": DAYS}, "datetime64"),
        (lambda cube: cube, {"times": DATES[::-1]}, "rising order"),
        (lambda cube: cube.assign_coords(time=list("abcdefghi")), {}, "datetime64"),
        (lambda cube: cube, {"dynamics": assim.RandomWalk(strength={"n": 0.1})}, "the prior fixes it"),
    ],
)
def test_what_cannot_be_right_is_refused_before_any_work(cube, change, options, remedy):
    with pytest.raises(assim.InputRefusedError, match=remedy):
        assim.assimilate(change(cube), OPERATOR, PRIOR, **({"dynamics": WALK} | options))


@pytest.mark.parametrize("settings", [{"precision": "float16"}, {"batch": 0}, {"tolerance": 0}, {"confidence": 1.5}])
def test_impossible_settings_of_the_solver_are_refused(settings):
    with pytest.raises(assim.InputRefusedError):
        assim.FourDVar(**settings)
