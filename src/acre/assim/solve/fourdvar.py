"""The most probable series of states, with its posterior: weak-constraint 4D-Var (Trémolet 2006), batched.

Many series advance together; each has its own damping and accepts or rejects its own steps as a whole.  The model runs
in the precision asked for, at the observed dates only; what joins the dates is always double precision.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import chi2

from acre.assim.linalg import compiled
from acre.assim.propagate import Chain
from acre.assim.solve.chain import eliminate, marginals
from acre.assim.solve.codes import Code
from acre.assim.solve.map import START, Pixels, is_impossible
from acre.assim.solve.marquardt import Search, pushed
from acre.assim.solve.problem import Problem
from acre.assim.solve.trajectory import Track, climb_down
from acre.assim.state import summarise
from acre.assim.types import Geometry, InputRefusedError

__all__ = ["FourDVar", "Series", "SeriesSolution"]

_FIELDS = ("mode", "median", "sd", "low", "high")


class Series(NamedTuple):
    """Observations of a block of series as plain arrays; NaN is missing.

    Attributes:
        y: Reflectance 0–1, shape (series, dates, bands).
        sd: Standard deviation of the noise, same shape, or None for the noise model's.
        angles: Sun zenith, view zenith, relative azimuth in degrees, shape (series, dates, 3).
        days: Dates in days from any origin, rising, shape (dates,).
        grid: Dates of the result, from the same origin, rising; None for those of the observations.
    """

    y: np.ndarray
    sd: np.ndarray | None
    angles: np.ndarray
    days: np.ndarray
    grid: np.ndarray | None = None


class SeriesSolution(NamedTuple):
    """Results of a block as plain arrays; parameters in physical units, NaN where a date was refused.

    Attributes:
        mode: Most probable value in transformed space, shape (series, dates, parameters).
        median: Posterior median, same shape.
        sd: Posterior standard deviation, same shape.
        low: 5 % quantile, same shape.
        high: 95 % quantile, same shape.
        chi2: Of the observations of each date at the mode, NaN where there are none, shape (series, dates).
        chi2_series: Twice the cost at the mode, expected to equal the number of observations, shape (series,).
        iterations: Evaluations of the model, shape (series,).
        code: `acre.assim.solve.codes.Code`, shape (series, dates).
        covariance: Posterior of each date in transformed space, shape (series, dates, parameters, parameters); None
            unless asked for.
    """

    mode: np.ndarray
    median: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chi2: np.ndarray
    chi2_series: np.ndarray
    iterations: np.ndarray
    code: np.ndarray
    covariance: np.ndarray | None


@dataclass(frozen=True)
class FourDVar:
    """Settings of the solver for series.

    Attributes:
        iterations: At most so many evaluations of the model per series.
        tolerance: Done when the next step is shorter than this times the root of the number of parameters, in standard
            deviations of the joint posterior of all dates; no parameter of any date would move by more.
        confidence: A date whose χ² exceeds this quantile of its distribution is a misfit.
        precision: Of the model, ``"float32"`` or ``"float64"``; what joins the dates is always ``"float64"``.
        batch: Series that run together.
        first: Iterations before the unfinished are collected.
        covariance: Whether to keep the posterior covariance of each date.
    """

    iterations: int = 60
    tolerance: float = 0.1
    confidence: float = 0.99
    precision: str = "float32"
    batch: int = 64
    first: int = 8
    covariance: bool = False

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "float64"):
            raise InputRefusedError(f"precision is {self.precision!r}; choose 'float32' or 'float64'.")
        if self.iterations < 1 or self.first < 1 or self.batch < 1:
            raise InputRefusedError("iterations, first and batch of the solver count from 1.")
        if not (self.tolerance > 0 and 0 < self.confidence < 1):
            raise InputRefusedError("tolerance of the solver must be above 0, and confidence between 0 and 1.")

    def solve(self, problem: Problem, series: Series) -> SeriesSolution:
        """Solve a block.

        A series without observations keeps its prior; an impossible observation makes its date NaN with a code, and
        the other dates of its series do without it.  Nothing is raised for a series.

        Args:
            problem: Operator, prior, noise and dynamics.
            series: Observations.

        Returns:
            The results, in the order of the series.

        Raises:
            InputRefusedError: The problem has no dynamics, or dates do not rise.
        """
        grid = series.days if series.grid is None else series.grid
        dates = np.union1d(series.days, grid) if (np.diff(grid) > 0).all() else grid
        chain = problem.chain(dates)
        problem.chain(series.days)
        observed, wanted = np.searchsorted(dates, series.days), np.searchsorted(dates, grid)
        refused, seen = _look_over(series)
        with jax.enable_x64(True):
            clean = _clean(series, seen, self.precision)
            fields = _run_all(self, problem, clean, (chain, observed, wanted))
        count, bad = (np.zeros((len(seen), len(dates)), int) for _ in range(2))
        count[:, observed], bad[:, observed] = seen.sum(-1), refused
        return self._conclude(fields, count[:, wanted], bad[:, wanted].astype(bool))

    def _conclude(self, fields: dict[str, np.ndarray], count: np.ndarray, refused: np.ndarray) -> SeriesSolution:
        code = np.where(fields.pop("at_bound"), Code.AT_BOUND, Code.CONVERGED)
        code[count == 0] = Code.FILLED
        code[fields["chi2"] > chi2.ppf(self.confidence, np.maximum(count, 1))] = Code.MISFIT
        code[~fields.pop("done")] = Code.NOT_CONVERGED
        nothing = ~fields.pop("any_seen")
        code[nothing] = Code.NO_OBSERVATION
        code[refused] = Code.REFUSED
        for name in _FIELDS:
            fields[name][refused] = np.nan
        fields["chi2"][count == 0] = np.nan
        fields["chi2_series"][nothing] = np.nan
        if fields.setdefault("covariance", None) is not None:
            fields["covariance"][refused] = np.nan
        return SeriesSolution(**fields, code=code.astype(np.int8))


def _look_over(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Which dates hold something impossible, (series, dates), and which numbers count, (series, dates, bands)."""
    shape = series.y.shape
    flat = (None if part is None else part.reshape(-1, part.shape[-1]) for part in series[:3])
    present = ~np.isnan(series.y)
    refused = is_impossible(Pixels(*flat)).reshape(shape[:2]) & present.any(-1)
    seen = present if series.sd is None else present & np.isfinite(series.sd)
    return refused, seen & ~refused[..., None]


def _clean(series: Series, seen: np.ndarray, dtype: str) -> Series:
    """Give dates that were not seen a harmless geometry."""
    y = np.where(seen, series.y, np.nan).astype(dtype)
    sd = None if series.sd is None else np.where(seen, series.sd, np.nan).astype(dtype)
    angles = np.where(seen.any(-1, keepdims=True), series.angles, 0).astype(dtype)
    return series._replace(y=y, sd=sd, angles=angles)


def _run_all(solver: FourDVar, problem: Problem, series: Series, where: tuple) -> dict[str, np.ndarray]:
    count, chain, dtype = len(series.y), where[0], series.y.dtype
    s = np.zeros((count, *chain.diagonal.shape[:2]))
    damping = np.full(count, START)
    fields = _allocate(solver, (count, len(where[2]), len(problem.prior.names)), dtype)
    fields["any_seen"] = np.isfinite(series.y).any((1, 2))
    left, spent = np.arange(count), 0
    while len(left) and spent < solver.iterations:
        rounds = min(solver.iterations - spent, max(solver.first, spent))
        for start in range(0, len(left), solver.batch):
            chosen = left[start : start + solver.batch]
            _run_batch(solver, problem, series, (chosen, s, damping, fields), where=where, rounds=rounds)
        spent += rounds
        left = left[~fields["done"][left]]
    return fields


def _allocate(solver: FourDVar, shape: tuple[int, int, int], dtype: np.dtype) -> dict[str, np.ndarray]:
    fields = {name: np.empty(shape, dtype) for name in _FIELDS}
    if solver.covariance:
        fields["covariance"] = np.empty((*shape, shape[-1]))
    fields |= {"chi2": np.empty(shape[:2], dtype), "chi2_series": np.empty(shape[0], dtype)}
    fields["iterations"] = np.zeros(shape[0], np.int16)
    return fields | {"done": np.zeros(shape[0], bool), "at_bound": np.zeros(shape[:2], bool)}


def _run_batch(solver: FourDVar, problem: Problem, series: Series, store: tuple, *, where: tuple, rounds: int) -> None:
    """Run some series, padded to the width of a batch, and put what comes of them where it belongs."""
    chosen, s, damping, fields = store
    padded = np.resize(chosen, solver.batch)
    kernel = _compiled(dataclasses.replace(problem, dynamics=None), solver.tolerance, solver.covariance)
    observations = [None if part is None else np.moveaxis(part[padded], 0, -1) for part in series[:3]]
    start = np.moveaxis(s[padded], 0, -1), damping[padded]
    found = kernel(*observations, start, where, rounds)
    found = {name: np.moveaxis(np.asarray(array), -1, 0)[: len(chosen)] for name, array in found.items()}
    s[chosen], damping[chosen] = found.pop("s"), found.pop("damping")
    fields["iterations"][chosen] += found.pop("iterations").astype(np.int16)
    for name, array in found.items():
        fields[name][chosen] = array


@functools.lru_cache(maxsize=16)
def _compiled(problem: Problem, tolerance: float, covariance: bool) -> object:  # noqa: FBT001 - a key of the cache
    """One compiled program per problem, whatever its dynamics, kept for the life of the process."""
    return compiled(functools.partial(_run, problem, (tolerance, covariance)))


def _run(
    problem: Problem, settings: tuple, y: jax.Array, sd: jax.Array | None, angles: jax.Array, *rest: object
) -> dict:
    """Search from a start for some rounds and describe what was found; series are the last axis."""
    (s, damping), (chain, observed, wanted), rounds = rest
    tolerance, with_covariance = settings
    y, sd, angles = (
        None if part is None else jnp.moveaxis(part, 1, 0).reshape(part.shape[1], -1) for part in (y, sd, angles)
    )
    track = Track(problem, problem.prepare(y, sd, Geometry(*angles)), Chain(*chain), observed)
    fresh = jnp.zeros(s.shape[-1], bool)
    search = Search(s, damping, fresh, fresh.astype(jnp.int32))
    search, level = climb_down(track, search, rounds=rounds, tolerance=tolerance)
    n = len(problem.prior.names)
    posterior = marginals(eliminate(track.precision(level), chain.beside))[wanted, :n, :n]
    scale, mean = problem.scale[:, None], np.asarray(problem.prior.mean)[:, None]
    place, gradient = search.s[wanted, :n], level.gradient[wanted, :n]
    outward = pushed(problem, place, gradient)
    variance = jnp.diagonal(posterior, axis1=1, axis2=2).swapaxes(1, 2)
    centre = mean + scale * (place - jnp.where(outward, variance * gradient, 0))
    flat = functools.partial(_flat, dtype=y.dtype)
    marginal = summarise(flat(centre), flat(scale * jnp.sqrt(variance)), problem.prior.transforms)
    fields = {"mode": problem.physical(flat(place))} | marginal._asdict()
    fields = {name: jnp.moveaxis(part.reshape(n, len(wanted), -1), 0, 1) for name, part in fields.items()}
    chi2_dates = jnp.zeros((len(s), s.shape[-1])).at[observed].set(2 * level.misfit)[wanted]
    fields |= {"chi2": chi2_dates, "chi2_series": 2 * level.cost, "at_bound": outward.any(1)}
    if with_covariance:
        fields["covariance"] = posterior * (scale * scale.T)[None, :, :, None]
    return fields | search._asdict()


def _flat(part: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """From (dates, parameters, series) to (parameters, dates · series)."""
    return jnp.moveaxis(part, 1, 0).reshape(part.shape[1], -1).astype(dtype)
