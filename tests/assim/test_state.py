"""State, prior and small algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm

from acre import assim
from acre.assim import linalg
from acre.assim.linalg import compiled
from acre.assim.state import Transforms, summarise


@pytest.mark.parametrize("name", list(assim.PARAMETERS))
@settings(deadline=None, max_examples=20)
@given(share=st.floats(0, 1))
def test_transforms_invert(name, share):
    parameter, transforms = assim.PARAMETERS[name], Transforms((name,))
    x = parameter.low + share * (parameter.high - parameter.low)
    with jax.enable_x64(True):
        z = transforms.forward(jnp.asarray([x]))
        low, high = transforms.bounds
        assert low[0] - 1e-12 <= float(z[0]) <= high[0] + 1e-12
        assert float(z[0]) == pytest.approx(parameter.forward(x), rel=1e-12)
        assert float(transforms.inverse(z)[0]) == pytest.approx(x, rel=1e-9, abs=1e-12)
        slope = jax.grad(lambda value: transforms.inverse(value).sum())(z)
        assert float(transforms.slope(z)[0]) == pytest.approx(float(slope[0]), rel=1e-9)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("centre", "sd"), [(57.0, 5.0), (25.0, 10.0), (15.0, 8.0), (90.0, 6.0)])
def test_a_summary_is_that_of_the_normal_cut_at_the_bounds(centre, sd):
    summary = summarise(jnp.full((1, 1), centre), jnp.full((1, 1), sd), Transforms(("ala",)))
    exact = truncnorm((20 - centre) / sd, (80 - centre) / sd, centre, sd)
    assert float(summary.median[0, 0]) == pytest.approx(exact.median(), rel=1e-6)
    assert float(summary.low[0, 0]) == pytest.approx(exact.ppf(0.05), rel=1e-6)
    assert float(summary.high[0, 0]) == pytest.approx(exact.ppf(0.95), rel=1e-6)
    assert float(summary.sd[0, 0]) == pytest.approx(exact.std(), rel=0.03)


def test_an_interval_of_leaf_area_is_mapped_through_the_transform():
    z, sd = 0.4, 0.05
    summary = summarise(jnp.full((1, 1), z), jnp.full((1, 1), sd), Transforms(("lai",)))
    assert float(summary.median[0, 0]) == pytest.approx(-2 * np.log(z), rel=1e-5)
    assert float(summary.low[0, 0]) == pytest.approx(-2 * np.log(z + 1.6449 * sd), rel=1e-4)
    assert float(summary.high[0, 0]) == pytest.approx(-2 * np.log(z - 1.6449 * sd), rel=1e-4)


@pytest.mark.parametrize("pixels", [1, 1000, 4096, 16384])
def test_batched_algebra_is_right_for_any_number_of_pixels(rng, pixels):
    factor = rng.normal(size=(9, 9, pixels)).astype("float32")
    matrix = np.einsum("ijp,kjp->ikp", factor, factor) + np.eye(9, dtype="float32")[:, :, None]
    vector = rng.normal(size=(9, pixels)).astype("float32")
    exact = np.linalg.inv(matrix.transpose(2, 0, 1).astype(float)).transpose(1, 2, 0)
    np.testing.assert_allclose(compiled(linalg.invert_spd)(matrix), exact, atol=1e-4)
    solved = compiled(linalg.solve_spd)(matrix, vector)
    np.testing.assert_allclose(solved, np.einsum("ijp,jp->ip", exact, vector), atol=1e-3)


def test_a_table_fixes_numbers_and_lets_pairs_vary():
    prior = assim.Prior.from_table({"lai": (2.0, 1.0), "ala": (57.0, 8.0), "hotspot": 0.1})
    assert prior.names == ("lai", "ala")
    assert prior.mean == pytest.approx((np.exp(-1), 57))
    assert np.sqrt(prior.covariance[1][1]) == pytest.approx(8)
    assert prior.value("hotspot") == 0.1
    assert prior.value("cab") == assim.PARAMETERS["cab"].default


def test_correlations_of_a_table_are_those_of_the_prior():
    prior = assim.Prior.from_table({"lai": (2.0, 1.0), "cab": (40.0, 9.0)}, correlations={("lai", "cab"): 0.6})
    covariance = np.asarray(prior.covariance)
    assert covariance[0, 1] == pytest.approx(0.6 * np.sqrt(covariance[0, 0] * covariance[1, 1]))


@pytest.mark.parametrize(
    ("table", "correlations", "remedy"),
    [
        ({"leaf": (2.0, 1.0)}, {}, "choose among"),
        ({"lai": (2.0, 0.0)}, {}, "above 0"),
        ({"lai": (2.0, float("nan"))}, {}, "above 0"),
        ({"cw": (15.0, 1.0)}, {}, "unit"),
        ({"lai": (2.0, 1.0), "cab": 4000}, {}, "unit"),
        ({"lai": (2.0, 1.0)}, {("lai", "cab"): 0.5}, "vary in the table"),
        ({"lai": (2.0, 1.0), "cab": (40.0, 9.0)}, {("lai", "cab"): 1.0}, "singular"),
        ({"lai": (2.0, 1.0), "cab": (40.0, 9.0)}, {("lai", "cab"): float("nan")}, "NaN"),
        ({"lai": (2.0, 1.0), "cab": (40.0, 9.0)}, {("lai", "lai"): 0.5}, "two that vary"),
        ({"lai": (2.0, 1.0, 3.0)}, {}, r"\(median, sd\)"),
        ({"lai": "2"}, {}, r"\(median, sd\)"),
        ({"lai": 2.0}, {}, "varies"),
    ],
)
def test_an_impossible_prior_is_refused_with_the_remedy(table, correlations, remedy):
    with pytest.raises(assim.InputRefusedError, match=remedy):
        assim.Prior.from_table(table, correlations=correlations)


def test_a_pair_may_be_a_list():
    assert assim.Prior.vegetation(lai=[3.0, 1.0]) == assim.Prior.vegetation(lai=(3.0, 1.0))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ((("lai", "lai"), (0.2, 0.2), ((1.0, 0.0), (0.0, 1.0))), "once"),
        ((("lai",), (0.2,), ((1.0,),), (("lai", 5.0),)), "once"),
        ((("lai",), (float("nan"),), ((1.0,),)), "finite"),
        ((("lai", "cab"), (0.2,), ((1.0, 0.0), (0.0, 1.0))), "for each of"),
        ((("lai",), (0.2,), ((1.0,),), (("cab", 5000.0),)), "unit"),
    ],
)
def test_an_impossible_prior_is_refused_also_when_made_directly(arguments, remedy):
    with pytest.raises(assim.InputRefusedError, match=remedy):
        assim.Prior(*arguments)
