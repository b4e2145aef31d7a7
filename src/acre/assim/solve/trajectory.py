"""Levenberg–Marquardt for whole series: the cost of all dates, and steps that lower it.

As for single pixels (`acre.assim.solve.marquardt`), but a step moves all dates of a series at once: the Gauss–Newton
system is block-tridiagonal.  Series are the last axis, dates the first.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from acre.assim.propagate import Chain
from acre.assim.solve.chain import eliminate, product, substitute
from acre.assim.solve.marquardt import EASE, GENTLE, HIGHEST, LOWEST, STIFFEN, Search, pushed
from acre.assim.solve.problem import Data, Problem

__all__ = ["SeriesLevel", "Track", "climb_down"]

_SPRING = 1e12
_PASSES = 6


class SeriesLevel(NamedTuple):
    """The cost at a series of states, with its derivatives.

    Attributes:
        cost: −log posterior up to a constant, shape (series,).
        gradient: Shape (dates, n, series).
        misfit: The observations' part of the cost, shape (observed dates, series).
        hessian: The observations' part, shape (observed dates, parameters, parameters, series).
    """

    cost: jax.Array
    gradient: jax.Array
    misfit: jax.Array
    hessian: jax.Array


class Track(NamedTuple):
    """What a batch of series is held by.

    Attributes:
        problem: Operator, prior and noise.
        data: Observations; the last axis is observed dates · series.
        chain: Precision of prior and dynamics.
        observed: Which dates were observed, shape (observed dates,).
    """

    problem: Problem
    data: Data
    chain: Chain
    observed: jax.Array

    def level(self, s: jax.Array) -> SeriesLevel:
        """Work out the cost and its derivatives at s, shape (dates, n, series)."""
        n, dates, series = len(self.problem.prior.names), len(self.observed), s.shape[-1]
        flat = jnp.moveaxis(s[self.observed, :n], 1, 0).reshape(n, -1).astype(self.data.y.dtype)
        part = jax.tree.map(lambda array: array.astype(s.dtype), self.problem.misfit(flat, self.data))
        misfit = part.cost.reshape(dates, series)
        pull = jnp.moveaxis(part.gradient.reshape(n, dates, series), 1, 0)
        hessian = jnp.moveaxis(part.hessian.reshape(n, n, dates, series), 2, 0)
        held = product(self.chain.diagonal, self.chain.beside, s)
        cost = misfit.sum(0) + 0.5 * (s * held).sum((0, 1))
        return SeriesLevel(cost, held.at[self.observed, :n].add(pull), misfit, hessian)

    def precision(self, level: SeriesLevel) -> jax.Array:
        """Diagonal blocks of the Gauss–Newton Hessian, shape (dates, n, n, series)."""
        n = level.hessian.shape[1]
        prior = jnp.broadcast_to(self.chain.diagonal[..., None], (*self.chain.diagonal.shape, level.cost.size))
        return prior.at[self.observed, :n, :n].add(level.hessian)

    def curve(self, level: SeriesLevel, step: jax.Array) -> jax.Array:
        """The Gauss–Newton Hessian times a step, shape (dates, n, series)."""
        seen = step[self.observed, : level.hessian.shape[1]]
        held = product(self.chain.diagonal, self.chain.beside, step)
        return held.at[self.observed, : seen.shape[1]].add((level.hessian * seen[:, None]).sum(2))


def climb_down(track: Track, search: Search, *, rounds: int, tolerance: float) -> tuple[Search, SeriesLevel]:
    """Lower the cost of every series that is not done.

    Args:
        track: What the series are held by.
        search: Where to start; ``s`` has shape (dates, n, series).
        rounds: At most so many evaluations.
        tolerance: A series is done when its next step is shorter than this times the root of the number of parameters,
            in standard deviations of the joint posterior, so that no parameter of any date would move by more.

    Returns:
        Where the series are now, and the cost there.
    """
    shapes = jax.eval_shape(track.level, search.s)
    nowhere = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    nowhere = nowhere._replace(cost=jnp.full_like(search.damping, jnp.inf))

    def go_on(carry: tuple) -> jax.Array:
        return (carry[0] < rounds) & ~carry[1].done.all()

    def step(carry: tuple) -> tuple:
        i, *now = carry
        return i + 1, *_step(track, *now, tolerance=tolerance)

    return jax.lax.while_loop(go_on, step, (0, search, nowhere, search.s))[1:3]


def _step(
    track: Track, search: Search, level: SeriesLevel, trial: jax.Array, *, tolerance: float
) -> tuple[Search, SeriesLevel, jax.Array]:
    """Look at the trial, accept or reject it, and propose the next; a series that is done stays where it is."""
    there = track.level(trial)
    going = ~search.done
    better = (there.cost < level.cost) & going
    level = jax.tree.map(lambda new, old: jnp.where(better, new, old), there, level)
    s = jnp.where(better, trial, search.s)
    eased = jnp.where(search.iterations == 0, search.damping, search.damping * EASE)
    damping = jnp.clip(jnp.where(better, eased, search.damping * STIFFEN), LOWEST, HIGHEST)
    damping = jnp.where(going, damping, search.damping)
    aim = _propose(track, s, level, damping)
    length = (aim * track.curve(level, aim)).sum((0, 1))
    arrived = (length < tolerance**2 * level.hessian.shape[1]) & (damping <= GENTLE)
    search = Search(s, damping, search.done | arrived, search.iterations + going)
    return search, level, s + aim


def _propose(track: Track, s: jax.Array, level: SeriesLevel, damping: jax.Array) -> jax.Array:
    """The damped step, within the bounds (a primal-dual active set, Hintermüller, Ito and Kunisch 2002).

    To clip one date would break what it agreed on with its neighbours.  Where a step ends outside, the parameter is led
    to its bound by a stiff spring, the rest is solved again, and who no longer pulls at its spring is let go.
    """
    n = level.hessian.shape[1]
    low, high = (bound - s[:, :n] for bound in track.problem.bounds)
    own = jnp.diagonal(level.hessian, axis1=1, axis2=2).swapaxes(1, 2)
    damper = (damping * jnp.ones_like(low)).at[track.observed].add(damping * own)
    diagonal, entries = track.precision(level), jnp.arange(n)

    def solve_again(_: int, now: tuple) -> tuple:
        held, aim = now
        damped = diagonal.at[:, entries, entries].add(damper + _SPRING * held)
        pull = jnp.where(held, _SPRING * aim[:, :n], -level.gradient[:, :n])
        step = substitute(eliminate(damped, track.chain.beside), (-level.gradient).at[:, :n].set(pull))
        inside = jnp.clip(step[:, :n], low, high)
        slope = (level.gradient + track.curve(level, step))[:, :n] + damper * step[:, :n]
        outward = jnp.where(inside - low < high - inside, slope > 0, slope < 0)
        return jnp.where(held, outward, inside != step[:, :n]), step.at[:, :n].set(inside)

    held = pushed(track.problem, s[:, :n], level.gradient[:, :n])
    return jax.lax.fori_loop(0, _PASSES, solve_again, (held, jnp.zeros_like(s)))[1]
