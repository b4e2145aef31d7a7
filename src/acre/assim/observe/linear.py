"""A linear operator y = A x + c: for indices, gap filling, and as a problem whose answer is known."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.types import Geometry, InputRefusedError

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

    Raises:
        InputRefusedError: The shapes do not fit, or a number is not finite.
    """

    bands: tuple[str, ...]
    parameters: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]
    centres: tuple[float, ...]

    def __post_init__(self) -> None:
        rows, columns = len(self.bands), len(self.parameters)
        for name, shape in (("matrix", (rows, columns)), ("offset", (rows,)), ("centres", (rows,))):
            values = np.asarray(getattr(self, name), float)
            if values.shape != shape or not np.isfinite(values).all():
                raise InputRefusedError(
                    f"The {name} of Linear has the shape {values.shape}; {rows} bands and {columns} parameters need "
                    f"{shape}, all finite."
                )
            object.__setattr__(self, name, _tuples(values))
        for name in ("bands", "parameters"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def look(self, geometry: Geometry) -> Geometry:
        """Angles change nothing here."""
        return geometry

    def linearise(self, x: jax.Array, view: Geometry) -> tuple[jax.Array, jax.Array]:
        """See `acre.assim.types.Operator`."""
        matrix, offset = jnp.asarray(self.matrix, x.dtype), jnp.asarray(self.offset, x.dtype)
        jacobian = jnp.broadcast_to(matrix[:, :, None], (*matrix.shape, *view.sun_zenith.shape))
        return (jacobian * x[None]).sum(1) + offset[:, None], jacobian


def _tuples(values: np.ndarray) -> tuple:
    """Numbers as nested tuples: an operator must be hashable, also when lists or arrays were given."""
    return tuple(tuple(row) if isinstance(row, list) else row for row in values.tolist())
