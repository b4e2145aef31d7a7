"""The solver: closed forms, limits, and intervals that hold what they promise."""

import numpy as np
import pytest

from acre import assim
from acre.assim.linalg import compiled
from acre.assim.solve import Pixels, Problem
from acre.assim.types import Geometry

OPERATOR = assim.Prosail(sensor=assim.sensors.sentinel_2a())
PRIOR = assim.Prior.vegetation()
NOISE = assim.Noise()


def angles(count):
    return np.tile([35.0, 5.0, 110.0], (count, 1))


def linear_problem(rng):
    names = ("n", "ala", "soil_brightness")
    prior = assim.Prior.from_table(
        {"n": (2.0, 0.05), "ala": (50.0, 1.5), "soil_brightness": (1.0, 0.05)}, correlations={("n", "ala"): 0.4}
    )
    matrix = rng.normal(size=(4, 3)) * [0.1, 0.003, 0.1]
    rows = tuple(map(tuple, matrix.tolist()))
    operator = assim.Linear(("a", "b", "c", "d"), names, rows, (0.1, 0.2, 0.3, 0.1), (450.0, 550.0, 650.0, 850.0))
    return Problem(operator, prior, NOISE), matrix


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("float64", 1e-6)])
def test_a_linear_gaussian_problem_has_the_closed_form_as_its_answer(rng, precision, tolerance):
    problem, matrix = linear_problem(rng)
    y = rng.uniform(0.4, 0.5, (50, 4)) + matrix @ problem.prior.mean - 0.3
    y[:10, 2] = np.nan
    solution = assim.MAP(precision=precision, tolerance=tolerance / 10).solve(problem, Pixels(y, None, angles(50)))
    covariance, mean = np.asarray(problem.prior.covariance), np.asarray(problem.prior.mean)
    for i in range(50):
        seen = np.isfinite(y[i])
        observed = np.where(seen, y[i], 0)[:, None].astype("float32")
        error = np.asarray(NOISE.covariance(observed, None, centres=problem.operator.centres))[:, :, 0][
            np.ix_(seen, seen)
        ]
        rows = matrix[seen]
        gain = covariance @ rows.T @ np.linalg.inv(rows @ covariance @ rows.T + error)
        innovation = (y[i] - matrix @ mean - [0.1, 0.2, 0.3, 0.1])[seen]
        expected = mean + gain @ innovation
        sd = np.sqrt(np.diag(covariance - gain @ rows @ covariance))
        np.testing.assert_allclose(solution.mode[i], expected, atol=10 * tolerance * sd.max(), rtol=tolerance)
        np.testing.assert_allclose(solution.sd[i], sd, rtol=max(tolerance, 1e-3))
        chi2 = innovation @ np.linalg.solve(rows @ covariance @ rows.T + error, innovation)
        assert solution.chi2[i] == pytest.approx(chi2, rel=max(tolerance, 1e-4))


def test_no_observation_changes_nothing():
    problem = Problem(OPERATOR, PRIOR, NOISE)
    solution = assim.MAP().solve(problem, Pixels(np.full((3, 10), np.nan), None, angles(3)))
    assert (solution.code == assim.Code.NO_OBSERVATION).all()
    assert np.isnan(solution.chi2).all()
    for i, (name, known) in enumerate(PRIOR.marginal().items()):
        assert solution.median[:, i] == pytest.approx(known["median"], rel=1e-4), name
        assert solution.sd[:, i] == pytest.approx(known["sd"], rel=1e-4), name
        assert solution.low[:, i] == pytest.approx(known["low"], rel=1e-3), name
        assert solution.high[:, i] == pytest.approx(known["high"], rel=1e-3), name


@pytest.fixture(scope="module")
def twins():
    """Surfaces drawn from the prior, seen with the noise that R says, and their solution."""
    rng = np.random.default_rng(7)
    count = 2000
    names, (low, high) = PRIOR.names, PRIOR.transforms.bounds
    sd = np.sqrt(np.diag(np.asarray(PRIOR.covariance)))
    z = np.empty((len(names), count))
    for i in range(len(names)):
        drawn = rng.normal(PRIOR.mean[i], sd[i], 20 * count)
        z[i] = drawn[(drawn > low[i]) & (drawn < high[i])][:count]
    truth = np.asarray(PRIOR.transforms.inverse(z.astype("float32")))
    rows = [truth[names.index(n)] if n in names else np.full(count, PRIOR.value(n)) for n in OPERATOR.parameters]
    predict = compiled(lambda x, a: OPERATOR.predict(x, OPERATOR.look(Geometry(*a))))
    clean = np.asarray(predict(np.stack(rows).astype("float32"), angles(count).T.astype("float32")))
    error = np.asarray(NOISE.covariance(clean, None, centres=OPERATOR.centres)).transpose(2, 0, 1)
    y = clean.T + np.einsum("pij,pj->pi", np.linalg.cholesky(error), rng.normal(size=clean.T.shape))
    return truth.T, y, assim.MAP().solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(y, None, angles(count)))


def test_intervals_hold_the_truth_as_often_as_they_say(twins):
    truth, _, solution = twins
    inside = ((truth >= solution.low) & (truth <= solution.high)).mean(0)
    for name, share in zip(PRIOR.names, inside, strict=True):
        assert 0.85 < share < 0.95, f"{name}: {share:.3f} of the truths lie in the 90 % interval"


def test_the_retrieval_narrows_the_prior_and_finds_the_truth(twins):
    truth, _, solution = twins
    lai = PRIOR.names.index("lai")
    prior_rmse = np.sqrt(np.mean((truth[:, lai] - np.median(truth[:, lai])) ** 2))
    rmse = np.sqrt(np.mean((truth[:, lai] - solution.median[:, lai]) ** 2))
    assert rmse < 0.6 * prior_rmse
    assert (solution.code <= assim.Code.AT_BOUND).mean() > 0.97
    assert (solution.code == assim.Code.MISFIT).mean() < 0.02
    assert solution.chi2.mean() == pytest.approx(10, rel=0.15)


def test_the_posterior_is_never_wider_in_transformed_space_than_the_prior(twins):
    solution = twins[2]
    assert (solution.sd > 0).all()
    assert (solution.low <= solution.median).all()
    assert (solution.median <= solution.high).all()
    i = PRIOR.names.index("ala")
    assert (solution.sd[:, i] <= PRIOR.marginal()["ala"]["sd"] * 1.02).all()


def test_results_stay_within_bounds(twins):
    solution = twins[2]
    for i, name in enumerate(PRIOR.names):
        parameter = assim.PARAMETERS[name]
        for field in (solution.mode, solution.median, solution.low, solution.high):
            assert field[:, i].min() >= parameter.low - 1e-4
            assert field[:, i].max() <= parameter.high * (1 + 1e-4)


def test_single_and_double_precision_agree_within_the_posterior(twins):
    _, y, single = twins
    double = assim.MAP(precision="float64").solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(y[:300], None, angles(300)))
    assert np.abs((single.mode[:300] - double.mode) / double.sd).max() < 0.1


def test_neighbours_and_batches_change_nothing(twins):
    _, y, together = twins
    alone = assim.MAP(batch=64).solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(y[100:150], None, angles(50)))
    np.testing.assert_allclose(alone.median, together.median[100:150], rtol=2e-3)
    np.testing.assert_array_equal(alone.code, together.code[100:150])


def test_impossible_pixels_are_refused_one_by_one(twins):
    _, y, together = twins
    y, sun = y[:6].copy(), angles(6)
    y[0, 3], y[1, 2], sun[2, 0], sun[3, 0], y[4, 5] = 9.0, np.inf, np.nan, 95.0, np.nan
    solution = assim.MAP().solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(y, None, sun))
    assert (solution.code[:4] == assim.Code.REFUSED).all()
    assert np.isnan(solution.median[:4]).all()
    assert np.isfinite(solution.median[4:]).all()
    np.testing.assert_allclose(solution.median[5], together.median[5], rtol=1e-4)


def test_a_pixel_that_no_canopy_explains_is_a_misfit():
    blue = np.tile(np.linspace(0.6, 0.05, 10), (2, 1))
    solution = assim.MAP().solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(blue, None, angles(2)))
    assert (solution.code == assim.Code.MISFIT).all()


def test_too_few_iterations_are_told_apart_from_convergence(twins):
    _, y, _ = twins
    solution = assim.MAP(iterations=1, first=1).solve(Problem(OPERATOR, PRIOR, NOISE), Pixels(y[:50], None, angles(50)))
    assert (solution.code == assim.Code.NOT_CONVERGED).any()


def test_a_prior_that_the_operator_does_not_know_is_refused():
    with pytest.raises(assim.InputRefusedError, match="car"):
        Problem(OPERATOR, assim.Prior.vegetation(car=(10.0, 2.0)), NOISE)


class Transposed:
    """An operator of somebody who mixed up the axes of the Jacobian."""

    bands, centres, parameters = ("a", "b", "c"), (450.0, 550.0, 650.0), ("n", "ala")

    def look(self, geometry):
        return geometry

    def linearise(self, x, view):
        del view
        return x[:1] + np.zeros((3, 1), x.dtype), np.zeros((2, 3, x.shape[1]), x.dtype)


def test_an_operator_whose_answer_has_another_shape_is_refused():
    prior = assim.Prior.from_table({"n": (2.0, 0.05), "ala": (50.0, 1.5)})
    with pytest.raises(assim.InputRefusedError, match="linearise returned"):
        assim.MAP().solve(Problem(Transposed(), prior, NOISE), Pixels(np.full((5, 3), 0.3), None, angles(5)))


def test_every_code_has_a_sentence():
    assert len({code.sentence for code in assim.Code}) == len(assim.Code)
