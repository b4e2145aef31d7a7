"""Small dense algebra for many pixels at once.

Matrices have shape (n, n, pixels): n is unrolled, pixels fill the processor's vectors.  Nothing is checked; callers hand
in symmetric positive definite matrices.
"""

import jax
import jax.numpy as jnp

__all__ = ["apply", "cholesky", "invert_lower", "invert_spd", "solve_spd"]


def cholesky(matrix: jax.Array) -> jax.Array:
    """Lower factor L with L Lᵀ = matrix, shape (n, n, pixels)."""
    n = matrix.shape[0]
    rest, columns = matrix, []
    for i in range(n):
        column = rest[:, 0] * jax.lax.rsqrt(rest[0, 0])
        columns.append(jnp.concatenate([jnp.zeros((i, *column.shape[1:]), column.dtype), column]))
        rest = rest[1:, 1:] - column[1:, None] * column[None, 1:]
    return jnp.stack(columns, axis=1)


def invert_lower(factor: jax.Array) -> jax.Array:
    """Inverse of a lower triangular matrix, shape (n, n, pixels)."""
    n = factor.shape[0]
    identity = jnp.eye(n, dtype=factor.dtype)
    rows: list[jax.Array] = []
    for i in range(n):
        row = jnp.broadcast_to(identity[i][:, None], factor.shape[1:])
        if rows:
            row = row - (factor[i, :i, None] * jnp.stack(rows)).sum(0)
        rows.append(row / factor[i, i])
    return jnp.stack(rows)


def apply(matrix: jax.Array, other: jax.Array) -> jax.Array:
    """Matrix times vector (n, pixels), or times matrix (n, k, pixels)."""
    subscripts = "ijp,jp->ip" if other.ndim == matrix.ndim - 1 else "ijp,jkp->ikp"
    if subscripts == "ijp,jp->ip":
        return (matrix * other[None]).sum(1)
    return (matrix[:, :, None] * other[None]).sum(1)


def solve_spd(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """Solve matrix · x = vector for a symmetric positive definite matrix, shape (n, pixels)."""
    inverse = invert_lower(cholesky(matrix))
    return apply(inverse.swapaxes(0, 1), apply(inverse, vector))


def invert_spd(matrix: jax.Array) -> jax.Array:
    """Inverse of a symmetric positive definite matrix, shape (n, n, pixels)."""
    inverse = invert_lower(cholesky(matrix))
    return apply(inverse.swapaxes(0, 1), inverse)
