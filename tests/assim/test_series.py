"""Series: closed forms, an independent smoother, and what time may and may not change."""

import functools

import jax
import numpy as np
import pytest

from acre import assim
from acre.assim.solve import Problem, Series
from acre.assim.types import Geometry, InputRefusedError

NAMES = ("n", "ala", "soil_brightness")
DAYS = np.array([0.0, 1.0, 4.0, 5.0, 17.0, 18.5, 40.0, 41.0])
OFFSET = np.array([0.1, 0.2, 0.3, 0.1])
STRENGTH = {"n": 0.01, "ala": 0.2, "soil_brightness": 0.004}
SOLVER = assim.FourDVar(precision="float64", tolerance=1e-6, covariance=True)


def linear(dynamics, *, correlations=None, seed=5):
    rng = np.random.default_rng(seed)
    table = {"n": (2.0, 0.05), "ala": (50.0, 1.5), "soil_brightness": (1.0, 0.05)}
    prior = assim.Prior.from_table(table, correlations=correlations)
    matrix = rng.uniform(0.1, 1, (4, 3)) * [0.1, 0.003, 0.1]
    rows = tuple(map(tuple, matrix.tolist()))
    operator = assim.Linear(("a", "b", "c", "d"), NAMES, rows, tuple(OFFSET), (450.0, 550.0, 650.0, 850.0))
    return Problem(operator, prior, assim.Noise(), dynamics), matrix


def observe(problem, matrix, days=DAYS, count=5, seed=8):
    rng = np.random.default_rng(seed)
    y = OFFSET + matrix @ problem.prior.mean + rng.normal(0, 0.01, (count, len(days), 4))
    y[1, 2:3], y[2, :3], y[3, -1, 1] = np.nan, np.nan, np.nan
    return Series(y, None, np.tile([35.0, 5.0, 110.0], (count, len(days), 1)), days)


def kernel(order, gap, share):
    """Correlation of one parameter with itself after some days."""
    if order == 1:
        return np.exp(-gap * share**2 / 2)
    x = gap * (share / 2) ** (2 / 3)
    return np.exp(-x) * (1 + x)


def information(problem, matrix, y):
    """Information matrix and vector of one date's observation, or None."""
    seen = np.isfinite(y)
    filled = np.where(seen, y, 0)[:, None]
    with jax.enable_x64(True):
        error = np.asarray(problem.noise.covariance(filled, None, centres=problem.operator.centres))
    weight = np.linalg.inv(error[:, :, 0][np.ix_(seen, seen)])
    rows = matrix[seen]
    return rows.T @ weight @ rows, rows.T @ weight @ (y - OFFSET - matrix @ problem.prior.mean)[seen]


def dense(problem, matrix, series, grid):
    """Posterior mean and covariance of all dates from the covariance function, by one dense inverse per series."""
    covariance, size = np.asarray(problem.prior.covariance), len(NAMES)
    shares = problem.dynamics.shares(NAMES, np.asarray(problem.prior.mean), problem.scale)
    gaps = np.abs(np.subtract.outer(grid, grid))
    blocks = np.stack([kernel(problem.dynamics.order, gaps, share) for share in shares], -1)
    root = np.sqrt(blocks)[..., :, None] * np.sqrt(blocks)[..., None, :]
    joint = (root * covariance).transpose(0, 2, 1, 3).reshape(len(grid) * size, -1)
    for y in series.y:
        held, pull = np.linalg.inv(joint), np.zeros(len(joint))
        for day, values in zip(series.days, y, strict=True):
            if np.isfinite(values).any():
                at = slice(*(size * (np.searchsorted(grid, day) + np.array([0, 1]))))
                weight, vector = information(problem, matrix, values)
                held[at, at] += weight
                pull[at] += vector
        posterior = np.linalg.inv(held)
        mean = (posterior @ pull).reshape(-1, size) + problem.prior.mean
        yield mean, posterior.reshape(len(grid), size, len(grid), size)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("correlations", [None, {("n", "ala"): 0.4, ("ala", "soil_brightness"): -0.3}])
@pytest.mark.parametrize("grid", [None, np.arange(-3.0, 50.0, 1.5)])
def test_a_linear_series_equals_the_dense_inverse(order, correlations, grid):
    alike = assim.RandomWalk(order=order, others=0.2 if order == 1 else 0.03)
    walk = assim.RandomWalk(order=order, strength=STRENGTH) if correlations is None and order == 1 else alike
    problem, matrix = linear(walk, correlations=correlations)
    series = observe(problem, matrix)._replace(grid=grid)
    solution = SOLVER.solve(problem, series)
    dates = np.union1d(series.days, series.days if grid is None else grid)
    wanted = np.searchsorted(dates, series.days if grid is None else grid)
    for i, (mean, posterior) in enumerate(dense(problem, matrix, series, dates)):
        np.testing.assert_allclose(solution.mode[i], mean[wanted], rtol=1e-6)
        blocks = posterior[wanted, :, wanted, :]
        scale = np.sqrt(np.diagonal(blocks, axis1=1, axis2=2))
        error = (solution.covariance[i] - blocks) / (scale[:, :, None] * scale[:, None])
        assert np.abs(error).max() < 1e-6


def smooth(problem, matrix, series, index):
    """A Kalman filter and a smoother after Rauch, Tung and Striebel, in covariance form, for an order 1 walk."""
    prior, mean = np.asarray(problem.prior.covariance), np.zeros(3)
    shares = problem.dynamics.shares(NAMES, np.asarray(problem.prior.mean), problem.scale)
    covariance, filtered, forecasts = prior, [], []
    for t, values in enumerate(series.y[index]):
        move, spread = np.eye(3), np.zeros((3, 3))
        if t:
            lost = -np.expm1(-(series.days[t] - series.days[t - 1]) * shares**2)
            move, spread = np.diag(np.sqrt(1 - lost)), prior * np.sqrt(np.outer(lost, lost))
        mean, covariance = move @ mean, move @ covariance @ move.T + spread
        forecasts.append((mean, covariance, move))
        if np.isfinite(values).any():
            weight, vector = information(problem, matrix, values)
            updated = np.linalg.inv(np.linalg.inv(covariance) + weight)
            mean = updated @ (np.linalg.solve(covariance, mean) + vector)
            covariance = updated
        filtered.append((mean, covariance))
    smoothed = [filtered[-1]]
    for (here, spread), (ahead, wide, move) in zip(filtered[-2::-1], forecasts[:0:-1], strict=True):
        gain = spread @ move.T @ np.linalg.inv(wide)
        after, narrow = smoothed[0]
        smoothed.insert(0, (here + gain @ (after - ahead), spread + gain @ (narrow - wide) @ gain.T))
    return np.array([mean for mean, _ in smoothed]) + problem.prior.mean, np.array([c for _, c in smoothed])


def test_an_independent_kalman_smoother_agrees_with_unlike_strengths_and_correlations():
    problem, matrix = linear(assim.RandomWalk(strength=STRENGTH), correlations={("n", "ala"): 0.5})
    series = observe(problem, matrix)
    solution = SOLVER.solve(problem, series)
    for i in range(len(series.y)):
        mean, covariance = smooth(problem, matrix, series, i)
        np.testing.assert_allclose(solution.mode[i], mean, rtol=1e-7)
        np.testing.assert_allclose(solution.covariance[i], covariance, rtol=1e-6, atol=1e-10)


def test_single_precision_of_the_model_changes_little():
    problem, matrix = linear(assim.RandomWalk(strength=STRENGTH))
    series = observe(problem, matrix)
    single, double = assim.FourDVar(tolerance=0.01).solve(problem, series), SOLVER.solve(problem, series)
    assert single.mode.dtype == np.float32
    assert np.abs((single.mode - double.mode) / double.sd).max() < 0.05
    np.testing.assert_allclose(single.sd, double.sd, rtol=1e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_no_observation_changes_nothing(order):
    problem, matrix = linear(assim.RandomWalk(order=order), correlations={("n", "ala"): 0.4})
    series = observe(problem, matrix)
    empty = SOLVER.solve(problem, series._replace(y=np.full_like(series.y, np.nan)))
    assert (empty.code == assim.Code.NO_OBSERVATION).all()
    assert np.isnan(empty.chi2).all()
    np.testing.assert_allclose(empty.mode, np.broadcast_to(problem.prior.mean, empty.mode.shape), rtol=1e-9)
    np.testing.assert_allclose(
        empty.covariance, np.broadcast_to(problem.prior.covariance, empty.covariance.shape), atol=1e-6
    )


@pytest.mark.parametrize("order", [1, 2])
def test_a_date_without_observation_changes_no_other(order):
    problem, matrix = linear(assim.RandomWalk(order=order))
    series = observe(problem, matrix)
    full, few = (SOLVER.solve(problem, part) for part in (series._replace(grid=np.arange(-20.0, 90.0)), series))
    chosen = np.searchsorted(np.arange(-20.0, 90.0), DAYS[[0, 2, 4, 7]])
    np.testing.assert_allclose(full.mode[:, chosen], few.mode[:, [0, 2, 4, 7]], rtol=1e-6)
    np.testing.assert_allclose(full.sd[:, chosen], few.sd[:, [0, 2, 4, 7]], rtol=1e-5)


def test_the_last_date_is_not_tied_to_the_first():
    problem, matrix = linear(assim.RandomWalk())
    series = observe(problem, matrix, days=np.arange(30.0), count=4)
    changed = series.y.copy()
    changed[:, 0] += 0.05
    before, after = (SOLVER.solve(problem, series._replace(y=y)).mode for y in (series.y, changed))
    moved = np.abs(after - before).max((0, 2))
    assert (np.diff(moved) < 1e-12).all(), "what a first date says fades with time, to the end"


def test_a_longer_gap_holds_less():
    for order in (1, 2):
        sds = []
        for gap in (1.0, 10.0, 100.0):
            problem, matrix = linear(assim.RandomWalk(order=order))
            series = observe(problem, matrix, days=np.array([0.0, gap]), count=4)
            series.y[:, 1] = np.nan
            sds.append(SOLVER.solve(problem, series).sd[0, 1])
        assert (np.diff(sds, axis=0) > 0).all()


@pytest.mark.parametrize("order", [1, 2])
def test_strength_zero_is_constant_in_time(order):
    walk = assim.RandomWalk(order=order, strength={"n": 0.0})
    problem, matrix = linear(walk)
    solution = SOLVER.solve(problem, observe(problem, matrix))
    spread = np.ptp(solution.mode, axis=1) / problem.scale
    assert (spread[:, 0] < 2e-3).all()
    assert (spread[[0, 1, 4], 1:] > 0.01).all()
    assert np.ptp(solution.sd[:, :, 0] / solution.sd[:, :1, 0], axis=1).max() < 1e-3


def test_strength_is_the_change_in_a_day_in_physical_units():
    prior = assim.Prior.vegetation(lai=(2.0, 1.0))
    z, sd = np.asarray(prior.mean), np.sqrt(np.diag(np.asarray(prior.covariance)))
    walk = assim.RandomWalk(strength={"lai": 0.05})
    shares = walk.shares(prior.names, z, sd)
    i = prior.names.index("lai")
    drift = -2 * np.log(z[i] + np.array([-1, 1]) * shares[i] * sd[i])
    assert np.ptp(drift) / 2 == pytest.approx(0.05, rel=1e-3)
    assert (np.delete(shares, i) == walk.others).all()


def test_more_observations_never_widen_a_linear_posterior(rng):
    problem, matrix = linear(assim.RandomWalk(order=2), correlations={("n", "ala"): 0.4})
    series = observe(problem, matrix, count=20)
    series.y[rng.uniform(size=series.y.shape) < 0.3] = np.nan
    fewer = np.where(rng.uniform(size=series.y.shape) < 0.3, np.nan, series.y)
    more, less = (SOLVER.solve(problem, series._replace(y=y)).covariance for y in (series.y, fewer))
    assert np.linalg.eigvalsh((less - more) / np.outer(problem.scale, problem.scale)).min() > -1e-9
    assert np.linalg.eigvalsh(more).min() > 0


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [({"order": 3}, "1 or 2"), ({"strength": {"leaf": 1.0}}, "choose among"), ({"strength": {"lai": -1.0}}, "per day")],
)
def test_impossible_dynamics_are_refused(settings, remedy):
    with pytest.raises(InputRefusedError, match=remedy):
        assim.RandomWalk(**settings)


def test_series_that_cannot_be_right_are_refused():
    problem, matrix = linear(assim.RandomWalk())
    series = observe(problem, matrix)
    for days in (DAYS[::-1], np.zeros(8), np.where(DAYS > 10, np.nan, DAYS)):
        with pytest.raises(InputRefusedError, match="rising order"):
            SOLVER.solve(problem, series._replace(days=days))
    with pytest.raises(InputRefusedError, match="rising order"):
        SOLVER.solve(problem, series._replace(grid=DAYS[::-1]))
    with pytest.raises(InputRefusedError, match="needs dynamics"):
        SOLVER.solve(linear(None)[0], series)
    with pytest.raises(InputRefusedError, match="the prior fixes it"):
        SOLVER.solve(linear(assim.RandomWalk(strength={"lai": 0.1}))[0], series)


def test_an_impossible_date_is_refused_and_the_others_do_without_it():
    problem, matrix = linear(assim.RandomWalk())
    series = observe(problem, matrix)
    without, y, angles = series.y.copy(), series.y.copy(), series.angles.copy()
    without[0, 3], without[4, 5] = np.nan, np.nan
    y[0, 3, 2], angles[4, 5, 0], angles[1, 2, 0] = 9.0, np.nan, np.nan
    wrong = SOLVER.solve(problem, series._replace(y=y, angles=angles))
    right = SOLVER.solve(problem, series._replace(y=without))
    refused = wrong.code == assim.Code.REFUSED
    assert refused.sum() == 2
    assert refused[0, 3]
    assert refused[4, 5]
    assert np.isnan(wrong.mode[refused]).all()
    np.testing.assert_array_equal(wrong.mode[~refused], right.mode[~refused])
    assert wrong.code[1, 2] == assim.Code.FILLED


def test_batches_and_neighbours_change_nothing():
    problem, matrix = linear(assim.RandomWalk())
    series = observe(problem, matrix, count=9)
    solve = functools.partial(assim.FourDVar.solve, problem=problem)
    together = solve(assim.FourDVar(), series=series)
    alone = solve(assim.FourDVar(batch=2), series=series)
    for name in ("mode", "sd", "low", "high", "chi2", "chi2_series"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=2e-6, err_msg=name)


def canopy_series(seed=4):
    """A short, hard series: dense leaves that appear and go, seen in four bands."""
    operator = assim.Prosail(sensor=assim.sensors.sentinel_2a(["B03", "B04", "B8A", "B11"]))
    prior = assim.Prior.vegetation()
    walk = assim.RandomWalk(others=0.3)
    rng = np.random.default_rng(seed)
    green, soil = np.array([0.05, 0.02, 0.55, 0.12]), np.array([0.12, 0.16, 0.25, 0.33])
    share = np.array([0.0, 0.3, 0.9, 1.0, 0.4, 0.0])[:, None]
    y = green * share + soil * (1 - share) + rng.normal(0, 0.003, (6, 4))
    series = Series(y[None], None, np.tile([35.0, 5.0, 110.0], (1, 6, 1)), np.arange(6.0) * 10)
    return Problem(operator, prior, assim.Noise(), walk), series


def undamped(problem, series, rounds):
    """Newton steps after Gauss of the whole series without damping, clipped at the bounds: the costs on the way."""
    n, dates = len(problem.prior.names), len(series.days)
    chain = problem.chain(series.days)
    whole = np.zeros((dates * n, dates * n))
    for t in range(dates):
        here = slice(t * n, t * n + n)
        whole[here, here] = chain.diagonal[t]
        if t + 1 < dates:
            whole[here, t * n + n : t * n + 2 * n] = np.diag(chain.beside[t])
            whole[t * n + n : t * n + 2 * n, here] = np.diag(chain.beside[t])
    s, costs = np.zeros((n, dates)), []
    low, high = problem.bounds
    with jax.enable_x64(True):
        data = problem.prepare(series.y[0].T, None, Geometry(*series.angles[0].T))
        for _ in range(rounds):
            cost, gradient, hessian = (np.asarray(part) for part in problem.misfit(s, data))
            flat = s.T.ravel()
            costs.append(cost.sum() + 0.5 * flat @ whole @ flat)
            full = whole.copy()
            for t in range(dates):
                full[t * n : t * n + n, t * n : t * n + n] += hessian[:, :, t]
            step = np.linalg.solve(full, gradient.T.ravel() + whole @ flat)
            s = np.clip((flat - step).reshape(dates, n).T, low, high)
    return np.array(costs)


def test_undamped_steps_with_clipping_diverge_and_ours_do_not():
    problem, series = canopy_series()
    costs = undamped(problem, series, 12)
    solution = assim.FourDVar(precision="float64", tolerance=1e-3).solve(problem, series)
    assert (np.diff(costs) > 1.0).any(), "without damping the cost rises on the way"
    assert solution.chi2_series[0] / 2 <= costs.min() + 1e-3
    assert (solution.code <= assim.Code.AT_BOUND).all()


def test_the_end_of_a_search_is_a_minimum_within_the_bounds():
    problem, series = canopy_series()
    solve = assim.FourDVar(precision="float64", tolerance=1e-4).solve
    cost = solve(problem, series).chi2_series[0]
    start = assim.FourDVar(precision="float64", tolerance=1e-4, first=3).solve(problem, series).chi2_series[0]
    assert cost == pytest.approx(start, rel=1e-6)
    for few in (1, 2, 3):
        early = assim.FourDVar(precision="float64", iterations=few, first=few).solve(problem, series)
        assert early.chi2_series[0] >= cost


def test_the_model_keeps_single_precision_where_double_is_enabled():
    problem, series = canopy_series()
    with jax.enable_x64(True):
        data = problem.prepare(series.y[0].T.astype("float32"), None, Geometry(*series.angles[0].T.astype("float32")))
        level = jax.eval_shape(problem.misfit, np.zeros((9, 6), "float32"), data)
    assert {part.dtype for part in level} == {np.dtype("float32")}
