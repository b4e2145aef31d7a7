"""A linear operator y = A x + c: for indices, gap filling, and as a problem whose answer is known."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from acre.assim.types import Geometry

__all__ = ["Linear"]


@dataclass(frozen=True)
class Linear:
    """A linear map of physical parameters.

    Attributes:
        bands: Names of the observations.
        parameters: Names of the inputs.
        matrix: A, a row per band.
        offset: c, one per band.
        centres: A wavelength per band in nm.
    """

    bands: tuple[str, ...]
    parameters: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]
    centres: tuple[float, ...]

    def look(self, geometry: Geometry) -> Geometry:
        """Angles change nothing here."""
        return geometry

    def linearise(self, x: jax.Array, view: Geometry) -> tuple[jax.Array, jax.Array]:
        """See `acre.assim.types.Operator`."""
        matrix, offset = jnp.asarray(self.matrix, x.dtype), jnp.asarray(self.offset, x.dtype)
        jacobian = jnp.broadcast_to(matrix[:, :, None], (*matrix.shape, *view.sun_zenith.shape))
        return (jacobian * x[None]).sum(1) + offset[:, None], jacobian
