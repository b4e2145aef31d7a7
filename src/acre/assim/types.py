"""The few records that every floor of the library shares."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax

__all__ = ["Geometry", "InputRefusedError", "Operator"]


class InputRefusedError(ValueError):
    """What was handed in cannot be right; the message says what, why, and the remedy."""


class Geometry(NamedTuple):
    """Angles in degrees, each of shape (pixels,).

    Attributes:
        sun_zenith: 0 is overhead.
        view_zenith: 0 is nadir.
        relative_azimuth: Between sun and sensor; 0 when the sun is behind the sensor.
    """

    sun_zenith: jax.Array
    view_zenith: jax.Array
    relative_azimuth: jax.Array


@runtime_checkable
class Operator(Protocol):
    """What a solver asks of an observation operator.

    Operators are immutable and hashable (a compiled solver is kept per operator) and can be pickled.
    Inside, pixels are the last axis, so that the processor's vectors run over them.
    """

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the observations, in order."""
        ...

    @property
    def centres(self) -> tuple[float, ...]:
        """A wavelength per band in nm, which model discrepancy is correlated over."""
        ...

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the inputs, in order; each is a name of `acre.assim.state.PARAMETERS`."""
        ...

    def look(self, geometry: Geometry) -> object:
        """Work out, once per pixel, what depends on angles alone; any JAX tree whose last axes are pixels."""
        ...

    def linearise(self, x: jax.Array, view: object) -> tuple[jax.Array, jax.Array]:
        """Predict observations and their derivatives.

        Args:
            x: Physical parameters, shape (parameters, pixels).
            view: From `look`.

        Returns:
            Predictions of shape (bands, pixels) and the Jacobian of shape (bands, parameters, pixels).
        """
        ...
