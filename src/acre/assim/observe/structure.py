"""What the angles and the arrangement of leaves do to light, whatever its wavelength.

Leaves are ellipsoidally distributed (Campbell 1990, Agric. For. Meteorol. 49:173) in 18 classes of 5°.  Extinction and
bidirectional scattering of one leaf inclination follow Verhoef (1998, PhD thesis, Wageningen, chapter 2); the hot spot
is Kuusk's (1985) as in Verhoef et al. (2007).  Angles per class depend on the geometry alone, so that solvers compute
them once (`View`), and the canopy at each iteration (`arrange`).  Pixels are the last axis.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from acre.assim.observe.sail import Canopy

__all__ = ["View", "arrange", "inclinations", "look", "place"]

_CLASSES = 18
_CENTRES = np.radians(np.arange(_CLASSES) * 5 + 2.5)
_WITHIN, _WITHIN_WEIGHT = np.polynomial.legendre.leggauss(4)
_INSIDE = _CENTRES[:, None] + np.radians(2.5) * _WITHIN
_DEPTH, _DEPTH_WEIGHT = (np.polynomial.legendre.leggauss(8)[0] + 1) / 2, np.polynomial.legendre.leggauss(8)[1] / 2
_FLATTEST = 1e-3


class View(NamedTuple):
    """One geometry of sun and sensor, per pixel.

    Attributes:
        sun: Extinction of sunlight per leaf inclination, shape (18, pixels).
        view: Extinction towards the sensor, shape (18, pixels).
        back: Scattering of leaf reflectance from sun to sensor, shape (18, pixels).
        forward: Scattering of leaf transmittance, shape (18, pixels).
        apart: Distance of sun and sensor on the unit plane, shape (pixels,).
    """

    sun: jax.Array
    view: jax.Array
    back: jax.Array
    forward: jax.Array
    apart: jax.Array


def look(sun_zenith: jax.Array, view_zenith: jax.Array, relative_azimuth: jax.Array) -> View:
    """Work out all that depends on angles alone.

    Args:
        sun_zenith: Degrees, 0 ≤ θ < 90, shape (pixels,).
        view_zenith: Degrees, 0 ≤ θ < 90, shape (pixels,).
        relative_azimuth: Between sun and sensor in degrees, 0 is the hot spot's side, shape (pixels,).

    Returns:
        The view, per leaf inclination and pixel.
    """
    sun, view = jnp.radians(jnp.asarray(sun_zenith)), jnp.radians(jnp.asarray(view_zenith))
    azimuth = jnp.radians(jnp.abs(jnp.mod(relative_azimuth + 180, 360) - 180))
    lying, rising = (jnp.asarray(part[:, None], sun.dtype) for part in (np.cos(_CENTRES), np.sin(_CENTRES)))
    cs, ss = lying * jnp.cos(sun), rising * jnp.sin(sun)
    co, so = lying * jnp.cos(view), rising * jnp.sin(view)
    turn_s, turn_o = _turning(cs, ss), _turning(co, so)
    chi_s, chi_o = _projection(turn_s, cs, ss), _projection(turn_o, co, so)
    back, forward = _phase(azimuth, (turn_s, cs, ss), (turn_o, co, so))
    both = jnp.cos(sun) * jnp.cos(view)
    flat_s, flat_o = jnp.tan(sun), jnp.tan(view)
    apart = flat_s**2 + flat_o**2 - 2 * flat_s * flat_o * jnp.cos(azimuth)
    return View(
        chi_s / jnp.cos(sun), chi_o / jnp.cos(view), back / both, forward / both, jnp.sqrt(jnp.maximum(apart, 0))
    )


def _turning(c: jax.Array, s: jax.Array) -> jax.Array:
    """Azimuth at which a leaf turns from one face to the other; π for leaves flatter than the beam is high."""
    return jnp.where(s > c, jnp.arccos(-jnp.minimum(c / jnp.maximum(s, 1e-9), 1)), jnp.pi)


def _projection(turn: jax.Array, c: jax.Array, s: jax.Array) -> jax.Array:
    return 2 / jnp.pi * ((turn - jnp.pi / 2) * c + jnp.sin(turn) * s)


def _phase(azimuth: jax.Array, sun: tuple, view: tuple) -> tuple[jax.Array, jax.Array]:
    """Scattering of reflectance and transmittance, averaged over the leaves' azimuth."""
    (turn_s, cs, ss), (turn_o, co, so) = sun, view
    differ = jnp.abs(turn_s - turn_o)
    joint = jnp.pi - jnp.abs(turn_s + turn_o - jnp.pi)
    first = jnp.minimum(azimuth, differ)
    middle = jnp.maximum(jnp.minimum(azimuth, joint), differ)
    last = jnp.maximum(azimuth, joint)
    amplitude_s, amplitude_o = jnp.where(turn_s < jnp.pi, ss, cs), jnp.where(turn_o < jnp.pi, so, co)
    across = 2 * cs * co + ss * so * jnp.cos(azimuth)
    along = jnp.sin(middle) * (2 * amplitude_s * amplitude_o + ss * so * jnp.cos(first) * jnp.cos(last))
    back = ((jnp.pi - middle) * across + along) / (2 * jnp.pi)
    forward = (-middle * across + along) / (2 * jnp.pi)
    return jnp.maximum(back, 0), jnp.maximum(forward, 0)


def inclinations(mean_angle: jax.Array) -> jax.Array:
    """Share of leaf area in each class of inclination.

    Args:
        mean_angle: Mean leaf inclination in degrees, 5–85, shape (pixels,).

    Returns:
        Shares that add up to one, shape (18, pixels) (Campbell 1990, eq. 14 for the ellipsoid's axis ratio).
    """
    a = mean_angle
    axes = jnp.exp(3.2491 + a * (-0.1239 + a * (2.1145e-3 - 1.6184e-5 * a)))
    squared = (axes**2)[None, None, :]
    lying, rising = (jnp.asarray(part[..., None], a.dtype) for part in (np.cos(_INSIDE), np.sin(_INSIDE)))
    density = rising / (lying**2 + squared * rising**2) ** 2
    share = (density * jnp.asarray(_WITHIN_WEIGHT[:, None], a.dtype)).sum(1)
    return share / share.sum(0)


def arrange(lai: jax.Array, mean_angle: jax.Array, hotspot: jax.Array, *, view: View) -> Canopy:
    """Put the leaves of each pixel in place, ellipsoidally.

    Args:
        lai: Leaf area index, ≥ 0, shape (pixels,).
        mean_angle: Mean leaf inclination in degrees, shape (pixels,).
        hotspot: Leaf size over canopy height, > 0, shape (pixels,).
        view: From `look`.

    Returns:
        The structure that `acre.assim.observe.sail.bidirectional` needs, each of shape (pixels,).
    """
    return place(lai, inclinations(mean_angle), hotspot, view=view)


def place(lai: jax.Array, share: jax.Array, hotspot: jax.Array, *, view: View) -> Canopy:
    """Like `arrange`, for any share of leaf area per class of inclination, shape (18, pixels)."""
    sun, seen = (share * view.sun).sum(0), (share * view.view).sum(0)
    both, single = _hotspot(lai, sun, seen, view.apart / hotspot * 2 / (sun + seen))
    return Canopy(
        lai=lai,
        sun=sun,
        view=seen,
        upright=(share * jnp.asarray(np.cos(_CENTRES)[:, None] ** 2, share.dtype)).sum(0),
        back=(share * view.back).sum(0),
        forward=(share * view.forward).sum(0),
        sunlit=jnp.exp(-sun * lai),
        visible=jnp.exp(-seen * lai),
        both=both,
        single=single,
    )


def _hotspot(lai: jax.Array, sun: jax.Array, view: jax.Array, decorrelation: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Chance to see sunlit soil, and the integral of the chance to see sunlit leaves over depth.

    The integrand falls fast within 1/decorrelation of the top, so Gauss nodes are spread over the logarithm of depth.
    """
    alpha = jnp.maximum(decorrelation, _FLATTEST)
    stretch = jnp.log1p(alpha)
    grown = jnp.exp(stretch * jnp.asarray(np.append(_DEPTH, 1)[:, None], alpha.dtype))
    depth = (grown - 1) / alpha
    overlap = lai * jnp.sqrt(sun * view) * -jnp.expm1(-alpha * depth) / alpha
    chance = jnp.exp(overlap - (sun + view) * lai * depth)
    weight = jnp.asarray(_DEPTH_WEIGHT[:, None], alpha.dtype) * grown[:-1] * stretch / alpha
    return chance[-1], lai * (chance[:-1] * weight).sum(0)
