"""The cost that a solver lowers: prior + observations, per pixel, in units of the prior's standard deviation.

State vectors are s = (z − z̄)/σ with the prior's mean z̄ and standard deviation σ, so that single precision is enough
and bounds stay aligned with the axes.  Pixels are the last axis.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.linalg import apply, cholesky, invert_lower
from acre.assim.observe import Noise
from acre.assim.prior import Prior
from acre.assim.propagate import Chain, RandomWalk
from acre.assim.types import Geometry, InputRefusedError, Operator

__all__ = ["Data", "Level", "Problem"]


class Data(NamedTuple):
    """Observations of a batch of pixels, ready for iteration.

    Attributes:
        y: Observed reflectance, 0 where missing, shape (bands, pixels).
        whiten: Inverse Cholesky factor of R, rows of missing bands 0, shape (bands, bands, pixels).
        view: From the operator's ``look``.
    """

    y: jax.Array
    whiten: jax.Array
    view: object


class Level(NamedTuple):
    """The cost at a state, with its gradient and Gauss–Newton Hessian.

    Attributes:
        cost: −log posterior up to a constant, shape (pixels,).
        gradient: Shape (parameters, pixels).
        hessian: Shape (parameters, parameters, pixels).
    """

    cost: jax.Array
    gradient: jax.Array
    hessian: jax.Array


@dataclass(frozen=True)
class Problem:
    """Operator, prior, noise and dynamics, joined.

    Raises:
        InputRefusedError: The prior has a parameter that the operator does not know, or one of them is something else.
    """

    operator: Operator
    prior: Prior
    noise: Noise
    dynamics: RandomWalk | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.operator, Operator) or not isinstance(self.prior, Prior):
            raise InputRefusedError(
                f"The operator is a {type(self.operator).__name__} and the prior a {type(self.prior).__name__}; give "
                "an operator such as acre.assim.Prosail, and an acre.assim.Prior."
            )
        if not isinstance(self.dynamics, RandomWalk | None):
            raise InputRefusedError(f"The dynamics are a {type(self.dynamics).__name__}; give assim.RandomWalk(...).")
        if len(self.operator.centres) != len(self.operator.bands):
            raise InputRefusedError("The operator needs one of its centres for each of its bands.")
        strangers = [name for name in self.prior.names if name not in self.operator.parameters]
        if strangers:
            known = ", ".join(self.operator.parameters)
            raise InputRefusedError(f"The operator has no parameter {', '.join(strangers)}; it has {known}.")

    @property
    def scale(self) -> np.ndarray:
        """Standard deviation of the prior in transformed space, shape (parameters,)."""
        return np.sqrt(np.diag(np.asarray(self.prior.covariance)))

    @property
    def correlation(self) -> np.ndarray:
        """Correlation of the prior in transformed space, shape (parameters, parameters)."""
        return np.asarray(self.prior.covariance) / np.outer(self.scale, self.scale)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of s, each of shape (parameters, 1)."""
        low, high = self.prior.transforms.bounds
        mean, scale = np.asarray(self.prior.mean), self.scale
        return ((low - mean) / scale)[:, None], ((high - mean) / scale)[:, None]

    def prepare(self, y: jax.Array, sd: jax.Array | None, geometry: Geometry) -> Data:
        """Whiten the observations; NaN is a band that was not seen.

        Args:
            y: Reflectance, shape (bands, pixels).
            sd: Standard deviation of the noise, same shape, or None.
            geometry: Angles per pixel.

        Returns:
            The data.
        """
        seen = jnp.isfinite(y) if sd is None else jnp.isfinite(y) & jnp.isfinite(sd)
        filled = jnp.where(seen, y, 0)
        spread = None if sd is None else jnp.where(seen, sd, 1)
        covariance = self.noise.covariance(filled, spread, centres=self.operator.centres)
        both = seen[:, None] & seen[None]
        identity = jnp.eye(len(y), dtype=y.dtype)[:, :, None]
        whiten = invert_lower(cholesky(jnp.where(both, covariance, identity)))
        return Data(filled, whiten * seen[:, None], self.operator.look(geometry))

    def physical(self, s: jax.Array) -> jax.Array:
        """Varying parameters in physical units, shape (parameters, pixels)."""
        return self.prior.transforms.inverse(self._transformed(s))

    def level(self, s: jax.Array, data: Data) -> Level:
        """Work out the cost and its derivatives at s, shape (parameters, pixels)."""
        cost, gradient, hessian = self.misfit(s, data)
        precision = jnp.asarray(np.linalg.inv(self.correlation), s.dtype)[:, :, None]
        held = (precision * s[None]).sum(1)
        return Level(cost + 0.5 * (s * held).sum(0), gradient + held, hessian + precision)

    def misfit(self, s: jax.Array, data: Data) -> Level:
        """Work out the observations' part of the cost alone, without the prior's."""
        transforms = self.prior.transforms
        z = self._transformed(s)
        predicted, jacobian = self._linearise(transforms.inverse(z), data)
        columns = np.array([self.operator.parameters.index(name) for name in self.prior.names])
        slope = transforms.slope(z) * jnp.asarray(self.scale, s.dtype)[:, None]
        leaning = apply(data.whiten, jacobian[:, columns] * slope[None])
        residual = apply(data.whiten, data.y - predicted)
        hessian = (leaning[:, :, None] * leaning[:, None]).sum(0)
        return Level(0.5 * (residual**2).sum(0), -(leaning * residual[:, None]).sum(0), hessian)

    def chain(self, days: np.ndarray) -> Chain:
        """Precision of a series before any observation.

        Args:
            days: Dates in days from any origin, rising, shape (dates,).

        Raises:
            InputRefusedError: There are no dynamics, or the dates do not rise.
        """
        if self.dynamics is None:
            raise InputRefusedError("A series needs dynamics, such as assim.RandomWalk(); MAP() solves single dates.")
        if not (np.isfinite(days).all() and (np.diff(days) > 0).all()):
            raise InputRefusedError("The dates are not in rising order, or two are equal; sort by time and merge them.")
        shares = self.dynamics.shares(self.prior.names, np.asarray(self.prior.mean), self.scale)
        return self.dynamics.chain(days, shares, self.correlation)

    def _linearise(self, varying: jax.Array, data: Data) -> tuple[jax.Array, jax.Array]:
        """Ask the operator; an answer of another shape would be broadcast to a wrong number."""
        predicted, jacobian = self.operator.linearise(self._complete(varying), data.view)
        bands, pixels = data.y.shape
        for answer, shape in ((predicted, (bands, pixels)), (jacobian, (bands, len(self.operator.parameters), pixels))):
            if answer.shape != shape:
                raise InputRefusedError(
                    f"The operator's linearise returned an array of shape {answer.shape} where {shape} is needed; "
                    "see acre.assim.Operator."
                )
        return predicted, jacobian

    def _transformed(self, s: jax.Array) -> jax.Array:
        low, high = self.prior.transforms.bounds
        mean, scale = (jnp.asarray(part, s.dtype)[:, None] for part in (np.asarray(self.prior.mean), self.scale))
        return jnp.clip(mean + scale * s, jnp.asarray(low, s.dtype)[:, None], jnp.asarray(high, s.dtype)[:, None])

    def _complete(self, varying: jax.Array) -> jax.Array:
        rows = dict(zip(self.prior.names, varying, strict=True))
        rest = {name: self.prior.value(name) for name in self.operator.parameters if name not in rows}
        rows |= {name: jnp.full_like(varying[0], value) for name, value in rest.items()}
        return jnp.stack([rows[name] for name in self.operator.parameters])
