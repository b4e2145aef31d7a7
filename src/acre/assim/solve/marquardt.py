"""Levenberg–Marquardt for many pixels at once (Marquardt 1963; bounds by projection, Bertsekas 1982).

Each pixel has its own damping and accepts or rejects its own steps.  A parameter that sits at its bound and would be
pushed outward is taken out of the step; nothing is clipped that the cost has not approved.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from acre.assim.linalg import apply, solve_spd
from acre.assim.solve.problem import Data, Level, Problem

__all__ = ["Search", "descend", "pushed"]

_EASE, _STIFFEN = 0.1, 8.0
_LOWEST, _GENTLE, _HIGHEST = 1e-6, 0.1, 1e6


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

    def go_on(carry: tuple) -> jax.Array:
        i, search, _ = carry
        return (i < rounds) & ~search.done.all()

    def step(carry: tuple) -> tuple:
        i, search, level = carry
        return i + 1, *_step(problem, data, search, level, tolerance)

    return jax.lax.while_loop(go_on, step, (0, search, problem.level(search.s, data)))[1:]


def pushed(problem: Problem, s: jax.Array, gradient: jax.Array) -> jax.Array:
    """Whether a parameter is at a bound and the cost falls further outside it, shape (parameters, pixels)."""
    low, high = (jnp.asarray(bound, s.dtype) for bound in problem.bounds)
    return ((s <= low) & (gradient > 0)) | ((s >= high) & (gradient < 0))


def _step(problem: Problem, data: Data, search: Search, level: Level, tolerance: float) -> tuple[Search, Level]:
    low, high = (jnp.asarray(bound, search.s.dtype) for bound in problem.bounds)
    aim, length = _propose(problem, search, level)
    trial = jnp.where(search.done, search.s, jnp.clip(search.s + aim, low, high))
    there = problem.level(trial, data)
    better = (there.cost < level.cost) & ~search.done
    damping = jnp.where(better, search.damping * _EASE, search.damping * _STIFFEN)
    arrived = (length < tolerance**2 * len(aim)) & (search.damping <= _GENTLE)
    search = Search(
        s=jnp.where(better, trial, search.s),
        damping=jnp.where(search.done, search.damping, jnp.clip(damping, _LOWEST, _HIGHEST)),
        done=search.done | arrived,
        iterations=search.iterations + ~search.done,
    )
    return search, jax.tree.map(lambda new, old: jnp.where(better, new, old), there, level)


def _propose(problem: Problem, search: Search, level: Level) -> tuple[jax.Array, jax.Array]:
    """The damped step, and its squared length in posterior standard deviations."""
    free = ~pushed(problem, search.s, level.gradient)
    both = free[:, None] & free[None]
    identity = jnp.eye(len(search.s), dtype=bool)[:, :, None]
    damped = level.hessian * (1 + identity * search.damping)
    step = -solve_spd(jnp.where(both | identity, damped, 0), jnp.where(free, level.gradient, 0))
    return step, (step * apply(jnp.where(both, level.hessian, 0), step)).sum(0)
