"""From a Gaussian in transformed space, cut at the bounds, to physical numbers a person can use."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from scipy import special

from acre.assim.state.parameters import Transforms

__all__ = ["QUANTILES", "Marginal", "summarise"]

QUANTILES = (0.05, 0.5, 0.95)
"""Probabilities of the lower end, the median and the upper end."""
_NODE, _NODE_WEIGHT = np.polynomial.hermite_e.hermegauss(7)
_NODE_WEIGHT = _NODE_WEIGHT / _NODE_WEIGHT.sum()
_NODE_PROBABILITY = special.ndtr(_NODE)
_FARTHEST_OUTSIDE = 3.0


class Marginal(NamedTuple):
    """What is known of each parameter, physical units, shape (parameters, pixels) each."""

    median: jax.Array
    sd: jax.Array
    low: jax.Array
    high: jax.Array


def summarise(centre: jax.Array, sd: jax.Array, transforms: Transforms) -> Marginal:
    """Median, standard deviation and 5–95 % interval in physical units.

    Each parameter is normal in transformed space, cut at its bounds; quantiles are mapped through the transform and
    the moments are integrated with Gauss–Hermite nodes, so that a skewed posterior stays skewed.

    Args:
        centre: Of the uncut normal in transformed space, shape (parameters, pixels); it may lie outside the bounds.
        sd: Of the uncut normal, > 0, same shape.
        transforms: Of these parameters.

    Returns:
        The summary.
    """
    low, high = (jnp.asarray(bound, centre.dtype)[:, None] for bound in transforms.bounds)
    centre = jnp.clip(centre, low - _FARTHEST_OUTSIDE * sd, high + _FARTHEST_OUTSIDE * sd)
    a, b = (low - centre) / sd, (high - centre) / sd
    probabilities = np.concatenate([QUANTILES, _NODE_PROBABILITY])
    z = centre + sd * _cut_normal(jnp.asarray(probabilities, centre.dtype), a, b)
    x = transforms.inverse(jnp.clip(z, low, high).swapaxes(0, 1)).swapaxes(0, 1)
    nodes, weights = x[len(QUANTILES) :], jnp.asarray(_NODE_WEIGHT, centre.dtype)[:, None, None]
    mean = (weights * nodes).sum(0)
    spread = jnp.sqrt((weights * (nodes - mean) ** 2).sum(0))
    ends = jnp.minimum(x[0], x[2]), jnp.maximum(x[0], x[2])
    return Marginal(x[1], spread, *ends)


def _cut_normal(p: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Quantiles of the standard normal cut to [a, b], shape (quantiles, *a.shape).

    The lower tail keeps its digits in single precision, so a distribution in the upper tail is mirrored.
    """
    mirrored = a + b > 0
    start, stop = ndtr(jnp.where(mirrored, -b, a)), ndtr(jnp.where(mirrored, -a, b))
    p = p.reshape((-1,) + (1,) * a.ndim)
    inside = ndtri(start + jnp.where(mirrored, 1 - p, p) * (stop - start))
    return jnp.clip(jnp.where(mirrored, -inside, inside), a, b)
