"""The most probable state of each pixel, with its posterior: batched Levenberg–Marquardt.

Pixels run in batches of a fixed width, so that one compiled program serves blocks of any size and a pixel's result does
not depend on its neighbours.  Pixels that need more iterations than most are collected and go on together.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import chi2

from acre.assim.linalg import compiled, invert_spd
from acre.assim.solve.codes import Code
from acre.assim.solve.marquardt import Search, descend, pushed
from acre.assim.solve.problem import Problem
from acre.assim.state import summarise
from acre.assim.types import Geometry, InputRefusedError

__all__ = ["MAP", "START", "Pixels", "Solution", "is_impossible"]

START = 0.01
_LOWEST_SUN = 89.0
_LOWEST_REFLECTANCE, _HIGHEST_REFLECTANCE = -0.2, 2.0


class Pixels(NamedTuple):
    """Observations of a block as plain arrays; NaN is missing.

    Attributes:
        y: Reflectance 0–1, shape (pixels, bands).
        sd: Standard deviation of the noise, same shape, or None for the noise model's.
        angles: Sun zenith, view zenith, relative azimuth in degrees, shape (pixels, 3).
    """

    y: np.ndarray
    sd: np.ndarray | None
    angles: np.ndarray


class Solution(NamedTuple):
    """Results of a block as plain arrays; parameters in physical units, NaN where a pixel was refused.

    Attributes:
        mode: Most probable value in transformed space, shape (pixels, parameters).
        median: Posterior median, same shape.
        sd: Posterior standard deviation, same shape.
        low: 5 % quantile, same shape.
        high: 95 % quantile, same shape.
        chi2: Twice the cost at the mode, expected to equal the number of observations, shape (pixels,).
        iterations: Evaluations of the model, shape (pixels,).
        code: `acre.assim.solve.codes.Code`, shape (pixels,).
    """

    mode: np.ndarray
    median: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    chi2: np.ndarray
    iterations: np.ndarray
    code: np.ndarray


@dataclass(frozen=True)
class MAP:
    """Settings of the solver.

    Attributes:
        iterations: At most so many evaluations of the model per pixel.
        tolerance: Done when the next step is shorter than this many posterior standard deviations.
        confidence: A pixel whose χ² exceeds this quantile of its distribution is a misfit.
        precision: ``"float32"``, or ``"float64"`` for a check at half the speed.
        batch: Pixels that run together.
        first: Iterations before the unfinished are collected.
    """

    iterations: int = 60
    tolerance: float = 0.03
    confidence: float = 0.99
    precision: str = "float32"
    batch: int = 4096
    first: int = 6

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "float64"):
            raise InputRefusedError(f"precision is {self.precision!r}; choose 'float32' or 'float64'.")
        if self.iterations < 1 or self.first < 1 or self.batch < 1:
            raise InputRefusedError("iterations, first and batch of the solver count from 1.")
        if not (self.tolerance > 0 and 0 < self.confidence < 1):
            raise InputRefusedError("tolerance of the solver must be above 0, and confidence between 0 and 1.")

    def solve(self, problem: Problem, pixels: Pixels) -> Solution:
        """Solve a block.

        A pixel without observations keeps its prior; an impossible one becomes NaN with a code.  Nothing is raised for
        a pixel.

        Args:
            problem: Operator, prior and noise.
            pixels: Observations.

        Returns:
            The results, in the order of the pixels.
        """
        refused = is_impossible(pixels)
        with jax.enable_x64(self.precision == "float64"):
            fields = _run_all(self, problem, _cast(pixels, refused, self.precision))
        return self._conclude(fields, pixels, refused)

    def _conclude(self, fields: dict[str, np.ndarray], pixels: Pixels, refused: np.ndarray) -> Solution:
        seen = np.isfinite(pixels.y) if pixels.sd is None else np.isfinite(pixels.y) & np.isfinite(pixels.sd)
        count = seen.sum(1)
        code = np.where(fields.pop("at_bound"), Code.AT_BOUND, Code.CONVERGED)
        code[fields["chi2"] > chi2.ppf(self.confidence, np.maximum(count, 1))] = Code.MISFIT
        code[~fields.pop("done")] = Code.NOT_CONVERGED
        code[count == 0] = Code.NO_OBSERVATION
        code[refused] = Code.REFUSED
        for name in ("mode", "median", "sd", "low", "high", "chi2"):
            fields[name][refused] = np.nan
        fields["chi2"][count == 0] = np.nan
        return Solution(**fields, code=code.astype(np.int8))


def is_impossible(pixels: Pixels) -> np.ndarray:
    """Whether a pixel cannot be solved at all, shape (pixels,)."""
    angles, y = pixels.angles, pixels.y
    lost = ~np.isfinite(angles).all(1)
    sunk = (angles[:, :2] < 0).any(1) | (angles[:, :2] >= _LOWEST_SUN).any(1)
    wild = np.isinf(y).any(1) | (y < _LOWEST_REFLECTANCE).any(1) | (y > _HIGHEST_REFLECTANCE).any(1)
    wrong_sd = np.zeros_like(lost) if pixels.sd is None else (pixels.sd <= 0).any(1)
    return lost | sunk | wild | wrong_sd


def _cast(pixels: Pixels, refused: np.ndarray, dtype: str) -> Pixels:
    """Give refused pixels a harmless geometry and no observation; the conclusion replaces what comes of them."""
    y = np.where(refused[:, None], np.nan, pixels.y).astype(dtype)
    angles = np.where(refused[:, None], 0, pixels.angles).astype(dtype)
    sd = None if pixels.sd is None else np.where(refused[:, None], np.nan, pixels.sd).astype(dtype)
    return Pixels(y, sd, angles)


def _run_all(solver: MAP, problem: Problem, pixels: Pixels) -> dict[str, np.ndarray]:
    count, n = len(pixels.y), len(problem.prior.names)
    s = np.zeros((count, n), pixels.y.dtype)
    damping = np.full(count, START, pixels.y.dtype)
    fields = _allocate(count, n, pixels.y.dtype)
    left, spent = np.arange(count), 0
    while len(left) and spent < solver.iterations:
        rounds = min(solver.iterations - spent, max(solver.first, spent))
        for start in range(0, len(left), solver.batch):
            chosen = left[start : start + solver.batch]
            _run_batch(solver, problem, pixels, (chosen, s, damping, fields), rounds)
        spent += rounds
        left = left[~fields["done"][left]]
    return fields


def _allocate(count: int, n: int, dtype: np.dtype) -> dict[str, np.ndarray]:
    fields = {name: np.empty((count, n), dtype) for name in ("mode", "median", "sd", "low", "high")}
    fields["chi2"] = np.empty(count, dtype)
    fields["iterations"] = np.zeros(count, np.int16)
    return fields | {"done": np.zeros(count, bool), "at_bound": np.zeros(count, bool)}


def _run_batch(solver: MAP, problem: Problem, pixels: Pixels, store: tuple, rounds: int) -> None:
    """Run some pixels, padded to the width of a batch, and put what comes of them where it belongs."""
    chosen, s, damping, fields = store
    padded = np.resize(chosen, solver.batch)
    sd = None if pixels.sd is None else pixels.sd[padded].T
    kernel = _compiled(problem, solver.tolerance)
    found = kernel(pixels.y[padded].T, sd, pixels.angles[padded].T, (s[padded].T, damping[padded]), rounds)
    found = {name: np.asarray(array).T[: len(chosen)] for name, array in found.items()}
    s[chosen], damping[chosen] = found.pop("s"), found.pop("damping")
    fields["iterations"][chosen] += found.pop("iterations").astype(np.int16)
    for name, array in found.items():
        fields[name][chosen] = array


@functools.lru_cache(maxsize=16)
def _compiled(problem: Problem, tolerance: float) -> object:
    """One compiled program per problem, kept for the life of the process."""
    return compiled(functools.partial(_run, problem, tolerance))


def _run(
    problem: Problem, tolerance: float, y: jax.Array, sd: jax.Array | None, angles: jax.Array, *start: object
) -> dict:
    """Search from a start for some rounds and describe what was found; pixels are the last axis."""
    (s, damping), rounds = start
    data = problem.prepare(y, sd, Geometry(*angles))
    fresh = jnp.zeros(y.shape[1], bool)
    search = Search(s, damping, fresh, fresh.astype(jnp.int32))
    search, level = descend(problem, data, search, rounds=rounds, tolerance=tolerance)
    outward = pushed(problem, search.s, level.gradient)
    scale, mean = (jnp.asarray(part, y.dtype)[:, None] for part in (problem.scale, np.asarray(problem.prior.mean)))
    variance = jnp.diagonal(invert_spd(level.hessian)).T
    centre = search.s - jnp.where(outward, variance * level.gradient, 0)
    marginal = summarise(mean + scale * centre, scale * jnp.sqrt(variance), problem.prior.transforms)
    described = {"mode": problem.physical(search.s), "chi2": 2 * level.cost, "at_bound": outward.any(0)}
    return described | marginal._asdict() | search._asdict()
