"""Levenberg–Marquardt for many pixels at once (Marquardt 1963; bounds by projection, Bertsekas 1982).

Each pixel has its own damping and accepts or rejects its own steps.  A parameter that sits at its bound and would be
pushed outward is taken out of the step; nothing is clipped that the cost has not approved.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from acre.assim.linalg import apply, solve_spd
from acre.assim.solve.problem import Data, Level, Problem

__all__ = ["EASE", "GENTLE", "HIGHEST", "LOWEST", "STIFFEN", "Search", "descend", "pushed"]

EASE, STIFFEN = 0.1, 8.0
LOWEST, GENTLE, HIGHEST = 1e-6, 0.1, 1e6


class Search(NamedTuple):
    """Where the pixels are.

    Attributes:
        s: State, shape (parameters, pixels).
        damping: Marquardt's λ, shape (pixels,).
        done: Whether the next step would be far shorter than the posterior is wide, shape (pixels,).
        iterations: Evaluations so far, shape (pixels,).
    """

    s: jax.Array
    damping: jax.Array
    done: jax.Array
    iterations: jax.Array


def descend(problem: Problem, data: Data, search: Search, *, rounds: int, tolerance: float) -> tuple[Search, Level]:
    """Lower the cost of every pixel that is not done.

    Args:
        problem: What to lower.
        data: Observations of the pixels.
        search: Where to start.
        rounds: At most so many evaluations.
        tolerance: A pixel is done when its next step is shorter than this many posterior standard deviations, as the
            root mean square over its parameters.

    Returns:
        Where the pixels are now, and the cost there.
    """
    unknown = jnp.full_like(search.damping, jnp.inf)
    n = len(search.s)
    nowhere = Level(unknown, jnp.zeros_like(search.s), jnp.zeros((n, *search.s.shape), search.s.dtype))

    def go_on(carry: tuple) -> jax.Array:
        i, search, _, _ = carry
        return (i < rounds) & ~search.done.all()

    def step(carry: tuple) -> tuple:
        i, *now = carry
        return i + 1, *_step(problem, data, *now, tolerance=tolerance)

    return jax.lax.while_loop(go_on, step, (0, search, nowhere, search.s))[1:3]


def pushed(problem: Problem, s: jax.Array, gradient: jax.Array) -> jax.Array:
    """Whether a parameter is at a bound and the cost falls further outside it, shape (parameters, pixels)."""
    low, high = (jnp.asarray(bound, s.dtype) for bound in problem.bounds)
    return ((s <= low) & (gradient > 0)) | ((s >= high) & (gradient < 0))


def _step(
    problem: Problem, data: Data, search: Search, level: Level, trial: jax.Array, *, tolerance: float
) -> tuple[Search, Level, jax.Array]:
    """Look at the trial, accept or reject it, and propose the next; a pixel that is done stays where it is."""
    there = problem.level(trial, data)
    going = ~search.done
    better = (there.cost < level.cost) & going
    level = jax.tree.map(lambda new, old: jnp.where(better, new, old), there, level)
    s = jnp.where(better, trial, search.s)
    eased = jnp.where(search.iterations == 0, search.damping, search.damping * EASE)
    damping = jnp.clip(jnp.where(better, eased, search.damping * STIFFEN), LOWEST, HIGHEST)
    damping = jnp.where(going, damping, search.damping)
    aim, length = _propose(problem, s, level, damping)
    low, high = (jnp.asarray(bound, s.dtype) for bound in problem.bounds)
    arrived = (length < tolerance**2 * len(s)) & (damping <= GENTLE)
    search = Search(s, damping, search.done | arrived, search.iterations + going)
    return search, level, jnp.clip(s + aim, low, high)


def _propose(problem: Problem, s: jax.Array, level: Level, damping: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The damped step, and its squared length in posterior standard deviations."""
    free = ~pushed(problem, s, level.gradient)
    both = free[:, None] & free[None]
    identity = jnp.eye(len(s), dtype=bool)[:, :, None]
    damped = level.hessian * (1 + identity * damping)
    step = -solve_spd(jnp.where(both | identity, damped, 0), jnp.where(free, level.gradient, 0))
    return step, (step * apply(jnp.where(both, level.hessian, 0), step)).sum(0)
