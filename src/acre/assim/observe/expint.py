"""How much light one absorbing plate lets through.

The transmissivity of an elementary layer of absorption k to isotropic light is τ = 2 E₃(k), with Eₙ the exponential
integral (Jacquemoud and Baret 1990, eq. 10).  Below k = 1 the entire part of E₁ is summed as its power series
(Abramowitz and Stegun 5.1.11); above, eᵏ τ is a polynomial in 1/(1 + k) fitted at import to SciPy's E₁.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import chebyshev, polynomial
from scipy.special import exp1

__all__ = ["plate"]

_TERMS = 16
_SERIES = [-np.euler_gamma] + [(-1) ** (i + 1) / (i * math.factorial(i)) for i in range(1, _TERMS)]
_DEGREE = 15
_FARTHEST = 60.0


def _fit_tail() -> list[float]:
    """Fit eᵏ E₁(k) · (1 + k) for k in [1, 60] by a polynomial in 1/(1 + k)."""
    lowest, highest = 1 / (1 + _FARTHEST), 0.5
    node = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    u = 0.5 * (highest + lowest) + 0.5 * (highest - lowest) * node
    k = 1 / u - 1
    fitted = chebyshev.Chebyshev.fit(u, np.exp(k) * exp1(k) / u, _DEGREE, domain=[lowest, highest])
    return fitted.convert(kind=polynomial.Polynomial).coef.tolist()


_TAIL = _fit_tail()


def _horner(coefficients: list[float], x: jax.Array) -> jax.Array:
    total = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def _exponential_integral(k: jax.Array, decay: jax.Array) -> jax.Array:
    """E₁(k) for k > 0, given ``decay`` = e⁻ᵏ."""
    near = _horner(_SERIES, jnp.minimum(k, 1)) - jnp.log(jnp.minimum(k, 1))
    u = 1 / (1 + jnp.maximum(k, 1))
    return jnp.where(k < 1, near, decay * u * _horner(_TAIL, u))


@jax.custom_jvp
def plate(k: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Transmitted and absorbed fractions of isotropic light in one plate.

    Both are returned because 1 − τ loses all digits for a clear plate in single precision.

    Args:
        k: Absorption of the plate, > 0, any shape; values above 60 are treated as 60.

    Returns:
        τ = 2 E₃(k) and 1 − τ, shaped like ``k``.
    """
    return _evaluate(k)[:2]


def _evaluate(k: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    k = jnp.minimum(k, _FARTHEST)
    lost = -jnp.expm1(-k)
    decay = 1 - lost
    decay = jnp.where(k > 1, jnp.exp(-k), decay)
    integral = k * _exponential_integral(k, decay)
    absorbed = lost + k * (decay - integral)
    transmitted = jnp.where(k < 1, 1 - absorbed, jnp.maximum((1 - k) * decay + k * integral, 1e-12))
    return transmitted, absorbed, 2 * (decay - integral)


@plate.defjvp
def _plate_jvp(primals: tuple, tangents: tuple) -> tuple:
    """dτ/dk = −2 E₂(k)."""
    transmitted, absorbed, slope = _evaluate(primals[0])
    change = slope * tangents[0]
    return (transmitted, absorbed), (-change, change)
