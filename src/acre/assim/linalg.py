"""Small dense algebra for many pixels at once, and its compilation.

Matrices have shape (n, n, pixels): n is unrolled, pixels fill the processor's vectors.  Nothing is checked; callers
hand in symmetric positive definite matrices.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib.version

__all__ = ["apply", "cholesky", "compiled", "invert_lower", "invert_spd", "keep", "solve_spd"]

_FIRST_WRONG_JAXLIB = (0, 10, 2)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays with JAX, kept on disk for the next process.

    The cache lies where JAX was told to keep it, else in the user's cache folder under ``acre/jax``.  From jaxlib
    0.10.2 on, reductions on CPU are handed to a library that returns wrong sums for large batches (jax issue 39103):
    the option that turns it off is set here, so every compiled function of this library must pass here.

    Args:
        function: Of arrays.

    Returns:
        The compiled function.
    """
    if jax.config.jax_compilation_cache_dir is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(home / "acre" / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    concerned = jax.default_backend() == "cpu" and jaxlib.version.__version_info__ >= _FIRST_WRONG_JAXLIB
    return jax.jit(function, compiler_options={"xla_cpu_experimental_ynn_fusion_type": ""} if concerned else None)


def keep(function: Callable[..., Any], *arguments: Any) -> Any:
    """Apply a function inside a compiled one so that its results are kept.

    XLA on CPU otherwise works a value out again for each of its uses, which doubles the time of a Jacobian; it never
    merges across a condition that only the data can decide, so there is one here that always holds.

    Args:
        function: Of arrays.
        *arguments: Arrays or trees of them; the first leaf decides nothing, but is looked at.

    Returns:
        What the function returns.
    """
    leaves = jax.tree.leaves(arguments)
    shapes = jax.eval_shape(function, *arguments)
    always = ~(leaves[0].ravel()[0] < -jnp.inf)
    nothing = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    return jax.lax.cond(always, function, lambda *_: nothing, *arguments)


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
    """Inverse of a symmetric positive definite matrix, shape (n, n, pixels).

    By halves (Banachiewicz 1937): the inverse of the first half, then of the rest once the first is known.  XLA turns
    this into three times faster loops than triangular factors.
    """
    n = matrix.shape[0]
    if n == 1:
        return 1 / matrix
    half = n // 2
    corner, side, rest = matrix[:half, :half], matrix[:half, half:], matrix[half:, half:]
    first = invert_spd(corner)
    reach = apply(first, side)
    second = invert_spd(rest - apply(side.swapaxes(0, 1), reach))
    across = apply(reach, second)
    top = jnp.concatenate([first + apply(across, reach.swapaxes(0, 1)), -across], axis=1)
    return jnp.concatenate([top, jnp.concatenate([-across.swapaxes(0, 1), second], axis=1)])
