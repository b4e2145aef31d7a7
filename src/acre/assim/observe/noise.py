"""How far an observation may lie from the model: R = instrument noise + model discrepancy."""

from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.types import InputRefusedError

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise:
    """Standard deviations a + b·reflectance of two sources of error.

    The defaults are judgements, to be tuned by innovations where field data exist: the noise is the instrument's and
    the relative calibration of its bands; the discrepancy is what remains of the atmosphere (Sentinel-2's requirement
    for surface reflectance is 0.005 + 5 %) and what PROSAIL does not describe (clumping, shoots, rough soil), and it is
    shared by bands that lie near each other.

    Attributes:
        absolute: a of the noise, independent per band, in reflectance.
        relative: b of the noise.
        discrepancy: a of the discrepancy.
        relative_discrepancy: b of the discrepancy.
        correlation_length: Distance in nm over which the discrepancy's correlation falls to 1/e.

    Raises:
        InputRefusedError: A number is negative or not finite, or nothing is left of the noise.
    """

    absolute: float = 0.003
    relative: float = 0.01
    discrepancy: float = 0.008
    relative_discrepancy: float = 0.03
    correlation_length: float = 150.0

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if not (np.isfinite(value) and value >= 0):
                raise InputRefusedError(f"{part.name} of the noise is {value}; give a finite number, 0 or more.")
        if self.correlation_length == 0 or self.absolute + self.discrepancy == 0:
            raise InputRefusedError(
                "The noise needs a correlation_length above 0, and absolute or discrepancy above 0: otherwise a dark "
                "band would count as known exactly."
            )

    def covariance(self, y: jax.Array, sd: jax.Array | None, *, centres: tuple[float, ...]) -> jax.Array:
        """R per pixel.

        Args:
            y: Observed reflectance, shape (bands, pixels), finite.
            sd: Standard deviation of the noise where the data bring their own, same shape; it replaces the noise, and
                the discrepancy stays.
            centres: Mean wavelength of each band in nm.

        Returns:
            Shape (bands, bands, pixels).
        """
        size = jnp.abs(y)
        noise = self.absolute + self.relative * size if sd is None else sd
        discrepancy = self.discrepancy + self.relative_discrepancy * size
        distance = np.abs(np.subtract.outer(np.asarray(centres), np.asarray(centres)))
        shared = jnp.asarray(np.exp(-distance / self.correlation_length), y.dtype)
        independent = jnp.eye(len(centres), dtype=y.dtype)[:, :, None] * noise[:, None] ** 2
        return independent + shared[:, :, None] * discrepancy[:, None] * discrepancy[None]
