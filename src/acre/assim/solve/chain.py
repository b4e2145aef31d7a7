"""Algebra of block-tridiagonal precision matrices: many series at once, one date after the other.

A matrix is given by its diagonal blocks, shape (dates, n, n, series), and the blocks to the right of them, which all
series share: shape (dates − 1, n, n), or (dates − 1, n) where they are diagonal themselves, which is faster.  It is
eliminated from the first date to the last and solved from the last to the first; the second sweep also gives the
diagonal blocks of the inverse (Rauch, Tung and Striebel 1965, in information form; Takahashi et al. 1973).  Scans keep
the size of the compiled program independent of the number of dates.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from acre.assim.linalg import apply, compiled, invert_spd
from acre.assim.propagate import Chain

__all__ = ["Eliminated", "eliminate", "marginals", "product", "smooth", "substitute"]


class Eliminated(NamedTuple):
    """What the sweep forward leaves.

    Attributes:
        filtered: Inverses of the diagonal blocks given all earlier dates, shape (dates, n, n, series).
        gain: −``filtered`` times the block to its right, same shape; of the last date 0.
    """

    filtered: jax.Array
    gain: jax.Array


def eliminate(diagonal: jax.Array, beside: jax.Array) -> Eliminated:
    """Sweep forward.

    Args:
        diagonal: Shape (dates, n, n, series); the whole matrix is positive definite.
        beside: Shape (dates − 1, n, n) or (dates − 1, n).

    Returns:
        What `substitute` and `marginals` need.
    """
    padded = jnp.concatenate([beside, jnp.zeros_like(beside, shape=(1, *beside.shape[1:]))])

    def step(owed: jax.Array, block: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, Eliminated]:
        here, right = block
        filtered = invert_spd(here - owed)
        if right.ndim == 1:
            reach = filtered * right[None, :, None]
            return right[:, None, None] * reach, Eliminated(filtered, -reach)
        reach = (filtered[:, :, None] * right[None, :, :, None]).sum(1)
        return (right[:, :, None, None] * reach[:, None]).sum(0), Eliminated(filtered, -reach)

    return jax.lax.scan(step, jnp.zeros_like(diagonal[0]), (diagonal, padded))[1]


def substitute(eliminated: Eliminated, right_side: jax.Array) -> jax.Array:
    """Solve for a right side of shape (dates, n, series); the solution has the same shape."""
    nothing = jnp.zeros_like(right_side[0])

    def forward(owed: jax.Array, date: tuple[Eliminated, jax.Array]) -> tuple[jax.Array, jax.Array]:
        (filtered, gain), here = date
        collected = here + owed
        return apply(gain.swapaxes(0, 1), collected), apply(filtered, collected)

    def backward(after: jax.Array, date: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        gain, here = date
        solved = here + apply(gain, after)
        return solved, solved

    filtered = jax.lax.scan(forward, nothing, (eliminated, right_side))[1]
    return jax.lax.scan(backward, nothing, (eliminated.gain, filtered), reverse=True)[1]


def marginals(eliminated: Eliminated) -> jax.Array:
    """Diagonal blocks of the inverse, shape (dates, n, n, series)."""

    def backward(after: jax.Array, date: Eliminated) -> tuple[jax.Array, jax.Array]:
        carried = apply(date.gain, after)
        here = date.filtered + apply(carried, date.gain.swapaxes(0, 1))
        return here, here

    return jax.lax.scan(backward, jnp.zeros_like(eliminated.filtered[0]), eliminated, reverse=True)[1]


def product(diagonal: jax.Array, beside: jax.Array, vector: jax.Array) -> jax.Array:
    """A matrix whose diagonal blocks are shared too, (dates, n, n), times a vector (dates, n, series)."""
    right = jax.vmap(jnp.diag)(beside) if beside.ndim == diagonal.ndim - 1 else beside
    here = jnp.einsum("tij,tjp->tip", diagonal, vector, precision="highest")
    ahead = jnp.einsum("tij,tjp->tip", right, vector[1:], precision="highest")
    behind = jnp.einsum("tij,tip->tjp", right, vector[:-1], precision="highest")
    return here.at[:-1].add(ahead).at[1:].add(behind)


def smooth(chain: Chain, information: jax.Array, pull: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Smooth many linear series: mean and variance of every date, given all of them.

    Args:
        chain: What is known before.
        information: Hᵀ R⁻¹ H of each date's observations, 0 where there are none, shape (dates, n, n, series).
        pull: Hᵀ R⁻¹ y, shape (dates, n, series).

    Returns:
        Mean and variance, shape (dates, n, series) each.
    """
    return _compiled()(*chain, information, pull)


@functools.cache
def _compiled() -> object:
    return compiled(_smooth)


def _smooth(
    diagonal: jax.Array, beside: jax.Array, information: jax.Array, pull: jax.Array
) -> tuple[jax.Array, jax.Array]:
    eliminated = eliminate(diagonal[..., None] + information, beside)
    variance = jnp.diagonal(marginals(eliminated), axis1=1, axis2=2)
    return substitute(eliminated, pull), variance.swapaxes(1, 2)
