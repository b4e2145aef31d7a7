"""The state of the land surface: named parameters, their units, bounds and transforms.

Solvers work on transformed parameters z, in which reflectance is nearly linear (Lewis et al. 2012, EO-LDAS, table 2):
z = exp(−x/s) for leaf area, chlorophyll, water and dry matter, z = x for the rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.types import InputRefusedError

__all__ = ["PARAMETERS", "Parameter", "Transforms", "lookup"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the state.

    Attributes:
        name: In code, tables and results.
        long_name: For people and CF metadata.
        unit: UDUNITS string.
        default: The value when it is fixed and none was given.
        low: Lower bound, physical.
        high: Upper bound, physical.
        scale: s of z = exp(−x/s); None when the parameter is not transformed.
        standard_name: CF standard name; empty where there is none.
    """

    name: str
    long_name: str
    unit: str
    default: float
    low: float
    high: float
    scale: float | None = None
    standard_name: str = ""

    def forward(self, x: float) -> float:
        """Transform one physical value."""
        return x if self.scale is None else math.exp(-x / self.scale)


PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter("n", "leaf structure (plates)", "1", 1.5, 1.0, 3.0),
        Parameter("cab", "leaf chlorophyll a+b", "ug cm-2", 40.0, 0.0, 120.0, 100.0),
        Parameter("car", "leaf carotenoids", "ug cm-2", 10.0, 0.0, 30.0),
        Parameter("ant", "leaf anthocyanins", "ug cm-2", 0.0, 0.0, 20.0),
        Parameter("senescence", "leaf brown pigments", "1", 0.0, 0.0, 1.5),
        Parameter("cw", "leaf water, equivalent thickness", "cm", 0.015, 0.0005, 0.08, 0.02),
        Parameter("cm", "leaf dry matter", "g cm-2", 0.008, 0.0005, 0.03, 0.01),
        Parameter("lai", "leaf area index", "m2 m-2", 2.0, 0.0, 9.0, 2.0, "leaf_area_index"),
        Parameter("ala", "mean leaf inclination", "degree", 57.0, 20.0, 80.0),
        Parameter("hotspot", "leaf size over canopy height", "1", 0.05, 0.005, 1.0),
        Parameter("soil_brightness", "soil brightness", "1", 1.0, 0.1, 2.0),
        Parameter("soil_wetness", "soil wetness", "1", 0.5, 0.0, 1.0),
    )
}
"""All parameters by name; operators and priors choose among them."""


def lookup(name: str) -> Parameter:
    """Find a parameter.

    Raises:
        InputRefusedError: There is none of this name.
    """
    if name not in PARAMETERS:
        raise InputRefusedError(f"There is no parameter {name!r}; choose among {', '.join(PARAMETERS)}.")
    return PARAMETERS[name]


@dataclass(frozen=True)
class Transforms:
    """The transforms of a sequence of parameters, along the first axis of an array."""

    names: tuple[str, ...]

    @property
    def parameters(self) -> Sequence[Parameter]:
        """The parameters, in order."""
        return [lookup(name) for name in self.names]

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of z, each of shape (parameters,)."""
        ends = np.array([[p.forward(p.low), p.forward(p.high)] for p in self.parameters]).reshape(-1, 2)
        return ends.min(1), ends.max(1)

    @property
    def decreasing(self) -> np.ndarray:
        """Whether z falls when x rises, shape (parameters,)."""
        return np.array([p.scale is not None for p in self.parameters])

    def forward(self, x: jax.Array) -> jax.Array:
        """Physical to transformed, shape (parameters, …)."""
        scale, decreasing = self._columns(x)
        return jnp.where(decreasing, jnp.exp(-x / scale), x)

    def inverse(self, z: jax.Array) -> jax.Array:
        """Transformed to physical, shape (parameters, …); z of a transformed parameter must be > 0."""
        scale, decreasing = self._columns(z)
        return jnp.where(decreasing, -scale * jnp.log(jnp.where(decreasing, z, 1)), z)

    def slope(self, z: jax.Array) -> jax.Array:
        """dx/dz at z, shape (parameters, …)."""
        scale, decreasing = self._columns(z)
        return jnp.where(decreasing, -scale / z, 1)

    def _columns(self, like: jax.Array) -> tuple[jax.Array, jax.Array]:
        shape = (-1,) + (1,) * (jnp.ndim(like) - 1)
        scale = np.array([p.scale or 1.0 for p in self.parameters]).reshape(shape)
        return jnp.asarray(scale, like.dtype), self.decreasing.reshape(shape)
