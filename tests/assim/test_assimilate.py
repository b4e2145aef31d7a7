"""The door: what goes in, what comes out, and what is refused."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

from acre import assim

BANDS = ["B02", "B03", "B04", "B08"]
OPERATOR = assim.Prosail(sensor=assim.sensors.sentinel_2a(BANDS))
PRIOR = assim.Prior.vegetation()
GREEN, SOIL = np.array([0.03, 0.06, 0.04, 0.35]), np.array([0.08, 0.12, 0.16, 0.25])


@pytest.fixture(scope="module")
def field():
    """Reflectance of 12 by 15 pixels between soil and green, with coordinates and a few gaps."""
    rng = np.random.default_rng(3)
    share = rng.uniform(0, 1, (1, 12, 15))
    values = GREEN[:, None, None] * share + SOIL[:, None, None] * (1 - share) + rng.normal(0, 0.003, (4, 12, 15))
    values[:, 0, :3] = np.nan
    values[2, 5, 5] = np.nan
    coords = {"band": BANDS, "y": np.arange(12) * -10.0, "x": np.arange(15) * 10.0, "spatial_ref": 32632}
    return xr.DataArray(values, coords, ("band", "y", "x"))


@pytest.fixture(scope="module")
def cube(field):
    return assim.scene(field, sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0)


@pytest.fixture(scope="module")
def result(cube):
    return assim.assimilate(cube, OPERATOR, PRIOR, progress=False)


def test_every_parameter_has_a_value_and_its_uncertainty_on_the_pixels_of_the_cube(result, cube):
    for name in PRIOR.names:
        for suffix in ("", "_map", "_sd", "_p05", "_p95"):
            assert result[name + suffix].dims == ("y", "x")
            assert result[name + suffix].dtype == np.float32
            assert result[name + suffix].attrs["units"] == assim.PARAMETERS[name].unit
    xr.testing.assert_equal(result.x, cube.x)
    assert int(result.spatial_ref) == 32632
    assert result.lai.attrs["standard_name"] == "leaf_area_index"


def test_green_pixels_have_more_leaves_than_soil(result, field):
    greenness = (field.sel(band="B08", drop=True) - field.sel(band="B04", drop=True)).to_numpy().ravel()
    seen = np.isfinite(greenness)
    order = np.corrcoef(greenness[seen], result.lai.to_numpy().ravel()[seen])[0, 1]
    assert order > 0.9


def test_missing_pixels_keep_the_prior_and_missing_bands_widen_the_answer(result):
    assert (result.code[0, :3] == assim.Code.NO_OBSERVATION).all()
    assert float(result.lai[0, 0]) == pytest.approx(PRIOR.marginal()["lai"]["median"], rel=1e-4)
    assert int(result.code[5, 5]) <= assim.Code.AT_BOUND
    assert assim.describe(result)[assim.Code.NO_OBSERVATION.sentence] == 3
    assert sum(assim.describe(result).values()) == result.code.size


def test_the_result_says_where_it_comes_from(result):
    assert result.attrs["Conventions"].startswith("CF-")
    assert json.loads(result.attrs["acre_prior"])["varying"]["lai"]["median"] > 0
    assert "Sentinel-2A" in result.attrs["acre_operator"]
    assert set(json.loads(result.attrs["acre_versions"])) >= {"acre", "jax"}
    assert len(result.code.attrs["flag_meanings"].split()) == len(result.code.attrs["flag_values"])


@pytest.mark.parametrize("block", [1_000_000, 100, 15, 7])
def test_blocks_and_threads_change_no_number(result, cube, block):
    with ThreadPoolExecutor(2) as executor:
        again = assim.assimilate(cube, OPERATOR, PRIOR, executor=executor, block=block, progress=False)
    for name in result:
        np.testing.assert_allclose(again[name], result[name], rtol=2e-6, err_msg=name)


@pytest.mark.long
def test_processes_change_no_number(result, cube):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        again = assim.assimilate(cube, OPERATOR, PRIOR, executor=executor, block=50, progress=False)
    for name in result:
        np.testing.assert_allclose(again[name], result[name], rtol=2e-6, err_msg=name)


def test_the_order_of_bands_and_dimensions_does_not_matter(result, field):
    turned = field.isel(band=[3, 1, 0, 2]).transpose("y", "band", "x")
    cube = assim.scene(turned, sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0)
    again = assim.assimilate(cube, OPERATOR, PRIOR, progress=False)
    np.testing.assert_allclose(again.lai, result.lai, rtol=2e-6)


def test_angles_may_be_fields_and_a_missing_one_refuses_its_pixel_only(result, field):
    sun = xr.full_like(field.isel(band=0, drop=True), 35.0)
    sun[11, 14] = np.nan
    cube = assim.scene(field, sun_zenith=sun, view_zenith=5.0, relative_azimuth=110.0)
    again = assim.assimilate(cube, OPERATOR, PRIOR, progress=False)
    assert int(again.code[11, 14]) == assim.Code.REFUSED
    assert np.isnan(again.lai[11, 14])
    np.testing.assert_allclose(again.lai[:11], result.lai[:11], rtol=2e-6)


def test_dates_are_solved_one_by_one(result, field):
    series = xr.concat([field, field], "time").transpose("time", "band", "y", "x")
    cube = assim.scene(series, sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0)
    again = assim.assimilate(cube, OPERATOR, PRIOR, block=50, progress=False)
    assert again.lai.dims == ("time", "y", "x")
    np.testing.assert_allclose(again.lai[1], result.lai, rtol=2e-6)


def test_noise_of_the_data_replaces_that_of_the_noise_model(result, field):
    poor = assim.scene(field, sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0, sd=xr.full_like(field, 0.2))
    again = assim.assimilate(poor, OPERATOR, PRIOR, progress=False)
    assert float(again.ala_sd.mean()) > float(result.ala_sd.mean())
    assert float(again.chi2.mean()) < float(result.chi2.mean())


def test_reflectance_times_10000_is_refused_with_the_remedy(field):
    with pytest.raises(assim.InputRefusedError, match="divide by the product's scale"):
        assim.scene(field * 10_000, sun_zenith=35.0)


def test_a_missing_angle_is_refused(cube):
    with pytest.raises(assim.InputRefusedError, match=r"no 'sun_zenith'; give it in degrees"):
        assim.assimilate(cube.drop_vars("sun_zenith"), OPERATOR, PRIOR)


def test_an_angle_that_is_nan_everywhere_is_refused(field):
    with pytest.raises(assim.InputRefusedError, match="is NaN"):
        assim.scene(field, sun_zenith=float("nan"))


def test_an_angle_per_band_is_refused(field):
    with pytest.raises(assim.InputRefusedError, match="may only have"):
        assim.scene(field, sun_zenith=field)


def test_bands_that_the_cube_lacks_are_refused(cube):
    with pytest.raises(assim.InputRefusedError, match="B11"):
        assim.assimilate(cube, assim.Prosail(sensor=assim.sensors.sentinel_2a(["B02", "B11"])), PRIOR)


def test_a_cube_without_bands_is_refused(field):
    with pytest.raises(assim.InputRefusedError, match="dimension 'band'"):
        assim.scene(field.rename(band="wavelength"), sun_zenith=35.0)


def test_a_dataset_without_reflectance_is_refused(cube):
    with pytest.raises(assim.InputRefusedError, match=r"acre\.assim\.scene"):
        assim.assimilate(cube.rename(reflectance="rho"), OPERATOR, PRIOR)


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [({"block": 0}, "pixels per task"), ({"operators": []}, "one sensor")],
)
def test_impossible_instructions_are_refused(cube, changes, remedy):
    with pytest.raises(assim.InputRefusedError, match=remedy):
        assim.assimilate(cube, **({"operators": OPERATOR, "prior": PRIOR} | changes))


@pytest.mark.parametrize(
    "settings", [{"precision": "float16"}, {"iterations": 0}, {"tolerance": 0}, {"confidence": 1.5}]
)
def test_impossible_settings_of_the_solver_are_refused(settings):
    with pytest.raises(assim.InputRefusedError):
        assim.MAP(**settings)


@pytest.mark.long
def test_the_tutorials_scene_gives_sane_leaf_area_and_refuses_water():
    import spyndex

    reflectance = spyndex.datasets.open("sentinel").rename(x="row", y="column") / 10_000
    cube = assim.scene(reflectance, sun_zenith=40.0, view_zenith=4.0, relative_azimuth=100.0)
    result = assim.assimilate(cube, OPERATOR, PRIOR, progress=False)
    usable = (result.code <= assim.Code.AT_BOUND).to_numpy()
    lai, blue, green, red, infrared = result.lai.to_numpy(), *reflectance.to_numpy()
    assert usable.mean() > 0.95
    assert not (result.code == assim.Code.NOT_CONVERGED).any()
    water = green > infrared
    assert water.sum() > 100
    assert (result.code.to_numpy()[water] == assim.Code.MISFIT).mean() > 0.9
    bare, dense = usable & (infrared < 1.4 * red), usable & (infrared > 6 * red) & (blue < 0.04)
    assert np.median(lai[bare]) < 0.3
    assert np.median(lai[dense]) > 1.0
    assert lai[usable].max() < 6
    assert 3 < float(result.chi2.median()) < 5


@pytest.mark.parametrize("name", ["sun_zenith", "sd"])
def test_a_field_on_other_coordinates_is_refused_and_not_joined_with_gaps(field, name):
    like = xr.full_like(field, 0.01) if name == "sd" else field.isel(band=0, drop=True) * 0 + 30
    shifted = {"sun_zenith": 30.0} | {name: like.assign_coords(y=field.y - 5)}
    with pytest.raises(assim.InputRefusedError, match="other coordinates"):
        assim.scene(field, **shifted)


def test_noise_that_lacks_a_band_is_refused(field):
    with pytest.raises(assim.InputRefusedError, match="other coordinates"):
        assim.scene(field, sun_zenith=30.0, sd=xr.full_like(field, 0.01).isel(band=[0, 1, 2]))


def test_noise_in_another_unit_is_refused(field):
    with pytest.raises(assim.InputRefusedError, match="unit of the reflectance"):
        assim.scene(field, sun_zenith=30.0, sd=xr.full_like(field, 100.0))


def test_a_band_that_stands_twice_is_refused_in_cube_and_operator(field, cube):
    with pytest.raises(assim.InputRefusedError, match="more than once"):
        assim.scene(xr.concat([field, field.isel(band=[3])], "band"), sun_zenith=30.0)
    doubled = assim.Prosail(sensor=assim.sensors.sentinel_2a(["B02", "B02"]))
    with pytest.raises(assim.InputRefusedError, match="more than once"):
        assim.assimilate(cube, doubled, PRIOR, progress=False)


@pytest.mark.parametrize("wrong", [object, str, complex])
def test_what_is_not_a_real_number_is_refused(field, wrong):
    with pytest.raises(assim.InputRefusedError, match="not real numbers"):
        assim.scene(field.astype(wrong), sun_zenith=30.0)


@pytest.mark.parametrize("convert", [lambda field: field.to_numpy(), lambda field: field.to_dataset("band")])
def test_reflectance_without_named_dimensions_is_refused(field, convert):
    with pytest.raises(assim.InputRefusedError, match=r"xarray\.DataArray"):
        assim.scene(convert(field), sun_zenith=30.0)


def test_a_single_pixel_without_dimensions_is_solved_like_among_others(result, field):
    one = assim.scene(field.isel(y=7, x=7), sun_zenith=35.0, view_zenith=5.0, relative_azimuth=110.0)
    alone = assim.assimilate(one, OPERATOR, PRIOR, progress=False)
    assert alone.lai.dims == ()
    assert float(alone.lai) == float(result.lai[7, 7])


@pytest.mark.parametrize(("operator", "prior"), [(None, PRIOR), (OPERATOR, None), (OPERATOR, {"lai": (2.0, 1.0)})])
def test_what_is_no_operator_or_no_prior_is_refused(cube, operator, prior):
    with pytest.raises(assim.InputRefusedError, match="give an operator such as"):
        assim.assimilate(cube, operator, prior, progress=False)
