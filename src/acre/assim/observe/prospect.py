"""PROSPECT-D: reflectance and transmittance of a leaf (Féret et al. 2017, Remote Sens. Environ. 193:204).

A leaf is N plates; the first meets directional light within 40°, the others isotropic light (Allen et al. 1969;
Jacquemoud and Baret 1990).  The sums are written with the plate's absorptance α = 1 − r − t, which is known
without cancellation, so that single precision is enough.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.observe.expint import plate

__all__ = ["Interface", "leaf", "mean_transmissivity"]


class Interface(NamedTuple):
    """What the surface of a leaf does to light, per wavelength.

    Attributes:
        entering: Transmissivity from air for light within 40° of the normal.
        inward: Transmissivity from air for isotropic light.
        outward: Transmissivity to air for isotropic light.
    """

    entering: np.ndarray
    inward: np.ndarray
    outward: np.ndarray

    @classmethod
    def from_index(cls, refractive_index: np.ndarray) -> "Interface":
        """Make it from the refractive index of leaf material, one value per wavelength."""
        inward = mean_transmissivity(refractive_index, 90)
        return cls(mean_transmissivity(refractive_index, 40), inward, inward / refractive_index**2)


def mean_transmissivity(refractive_index: np.ndarray, cone: float) -> np.ndarray:
    """Fresnel transmissivity of a dielectric averaged over a cone of incident unpolarised light.

    Args:
        refractive_index: One value per wavelength.
        cone: Half angle of the cone in degrees.

    Returns:
        ∫T(θ) sin 2θ dθ / sin²(cone), shaped like ``refractive_index`` (Allen 1973; here by Gauss quadrature).
    """
    node, weight = np.polynomial.legendre.leggauss(64)
    limit = np.radians(cone)
    incident = 0.5 * limit * (node + 1)
    n = np.asarray(refractive_index)[:, None]
    inside = np.cos(np.arcsin(np.sin(incident) / n))
    outside = np.cos(incident)
    parallel = (n * outside - inside) / (n * outside + inside)
    perpendicular = (outside - n * inside) / (outside + n * inside)
    transmitted = 1 - 0.5 * (parallel**2 + perpendicular**2)
    return (transmitted * np.sin(2 * incident)) @ (0.5 * limit * weight) / np.sin(limit) ** 2


def leaf(absorption: jax.Array, layers: jax.Array, interface: Interface) -> tuple[jax.Array, jax.Array]:
    """Reflectance and transmittance of a leaf.

    Args:
        absorption: Absorption k of one plate, Σ content · coefficient / N, > 0.
        layers: The number N of plates, ≥ 1, broadcastable to ``absorption``.
        interface: Surface properties, broadcastable to ``absorption``.

    Returns:
        Hemispherical reflectance and transmittance, shaped like ``absorption``.
    """
    entering, inward, outward = interface
    through, absorbed = plate(absorption)
    back = 1 - outward
    carried = through * outward / (1 - (back * through) ** 2)
    first_t, first_r = entering * carried, 1 - entering + entering * carried * back * through
    t, r = inward * carried, 1 - inward + inward * carried * back * through
    below_r, below_t = _stack(r, t, inward * absorbed / (1 - back * through), layers - 1)
    onward = first_t / (1 - below_r * r)
    return first_r + onward * below_r * t, onward * below_t


def _stack(r: jax.Array, t: jax.Array, absorbed: jax.Array, layers: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Reflectance and transmittance of a pile of equal plates (Stokes 1862).

    With a = e^α and b = e^β of Stokes' solution, R = sinh(Mβ)/sinh(α + Mβ) and T = sinh(α)/sinh(α + Mβ), written
    in decaying exponentials; ``absorbed`` = 1 − r − t keeps a − 1 and b − 1 exact for clear plates.
    """
    root = jnp.sqrt((1 + r + t) * (1 + r - t) * (1 - r + t) * absorbed)
    a_excess = (absorbed * (1 - r + t) + root) / (2 * r)
    b_excess = (absorbed * (1 - t + r) + root) / (2 * t)
    lost = -jnp.expm1(-layers * jnp.log1p(b_excess))
    passed = 1 - lost
    lost_twice = lost * (1 + passed)
    a_inverse = 1 / (1 + a_excess)
    turned = a_excess * (1 + a_inverse) * a_inverse
    total = turned + a_inverse**2 * lost_twice
    return a_inverse * lost_twice / total, passed * turned / total
