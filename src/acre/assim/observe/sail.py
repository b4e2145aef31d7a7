"""4SAIL: reflectance of a canopy of leaves above a soil (Verhoef et al. 2007, IEEE TGRS 45:1808).

Light is four streams: direct sun, diffuse down, diffuse up, and the one towards the sensor.  What depends on angles
and structure alone (`Canopy`) is worked out once per pixel, by `acre.assim.observe.structure`; here is the rest, per
wavelength.  Every function is elementwise: arguments broadcast, and no axis has a meaning.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

__all__ = ["Canopy", "bidirectional"]

_CLEAREST = 1e-6
_SERIES_BELOW = 0.02


class Canopy(NamedTuple):
    """Structure of a canopy as seen from sun and sensor.

    Attributes:
        lai: Leaf area index, m² m⁻².
        sun: Extinction of direct sunlight, per unit of leaf area.
        view: Extinction towards the sensor, per unit of leaf area.
        upright: Mean squared cosine of the leaves' inclination.
        back: Bidirectional scattering coefficient of leaf reflectance.
        forward: Bidirectional scattering coefficient of leaf transmittance.
        sunlit: Chance that sunlight reaches the soil.
        visible: Chance that the soil is seen.
        both: Chance that sunlit soil is seen, with the hot spot.
        single: ∫ chance that a sunlit leaf is seen, over the depth in leaf area.
    """

    lai: jax.Array
    sun: jax.Array
    view: jax.Array
    upright: jax.Array
    back: jax.Array
    forward: jax.Array
    sunlit: jax.Array
    visible: jax.Array
    both: jax.Array
    single: jax.Array


def bidirectional(reflectance: jax.Array, transmittance: jax.Array, soil: jax.Array, canopy: Canopy) -> jax.Array:
    """Bidirectional reflectance factor of canopy and soil (eq. 27 with the hot spot of Kuusk).

    Args:
        reflectance: Of a leaf, 0–1.
        transmittance: Of a leaf, 0–1; reflectance + transmittance < 1.
        soil: Reflectance of the Lambertian soil, 0–1.
        canopy: Structure, broadcastable to the rest.

    Returns:
        The reflectance factor, with the common shape.
    """
    c, rho, tau = canopy, reflectance, transmittance
    f = c.upright
    absorbed = jnp.maximum(1 - rho - tau, _CLEAREST)
    backward = 0.5 * ((1 + f) * rho + (1 - f) * tau)
    s_back, s_forth = _scatter(rho, tau, c.sun, f)
    v_back, v_forth = _scatter(rho, tau, c.view, f)
    attenuation = absorbed + backward
    m = jnp.sqrt(absorbed * (attenuation + backward))
    r = backward / (attenuation + m)
    unlike = (absorbed + m) / (attenuation + m) * (1 + r)  # 1 − r², without cancellation

    lost = -jnp.expm1(-m * c.lai)
    e1 = 1 - lost
    lost_twice = lost * (1 + e1)
    denominator = unlike + r * r * lost_twice
    re = r * e1
    sun_like, sun_unlike = _with(c.sun, m, c.lai, c.sunlit, e1)
    view_like, view_unlike = _with(c.view, m, c.lai, c.visible, e1)
    ps, qs = (s_forth + s_back * r) * sun_like, (s_forth * r + s_back) * sun_unlike
    pv, qv = (v_forth + v_back * r) * view_like, (v_forth * r + v_back) * view_unlike
    rdd = r * lost_twice / denominator
    tsd = (ps - re * qs) / denominator
    tdo = (pv - re * qv) / denominator
    rdo = (qv - re * pv) / denominator

    z = (1 - c.sunlit * c.visible) / (c.sun + c.view)
    g1 = (z - sun_like * c.visible) / (c.view + m)
    g2 = (z - view_like * c.sunlit) / (c.sun + m)
    t1 = (v_forth * r + v_back) * g1 * (s_forth + s_back * r)
    t2 = (v_forth + v_back * r) * g2 * (s_forth * r + s_back)
    multiple = (t1 + t2 - (rdo * qs + tdo * ps) * r) / unlike
    single = (c.back * rho + c.forward * tau) * c.single
    between = soil / (1 - soil * rdd)
    ground = ((c.sunlit + tsd) * tdo + (tsd + c.sunlit * soil * rdd) * c.visible) * between
    return single + multiple + ground + c.both * soil


def _scatter(rho: jax.Array, tau: jax.Array, extinction: jax.Array, f: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Scattering of a direct stream into the diffuse one against it and along it."""
    plus, minus = 0.5 * (extinction + f), 0.5 * (extinction - f)
    return plus * rho + minus * tau, minus * rho + plus * tau


def _with(k: jax.Array, m: jax.Array, lai: jax.Array, direct: jax.Array, diffuse: jax.Array) -> tuple:
    """The integrals J1(k, m) and J2(k, m) of one direct and one diffuse stream over the canopy's depth.

    J1 = (e^{−mL} − e^{−kL}) / (k − m) is a series where the two extinctions meet.
    """
    difference = (k - m) * lai
    near = jnp.abs(difference) < _SERIES_BELOW
    d = jnp.where(near, difference, 0)
    series = lai * diffuse * (1 - d / 2 * (1 - d / 3 * (1 - d / 4)))
    apart = jnp.where(near, 1, k - m)
    return jnp.where(near, series, (diffuse - direct) / apart), (1 - direct * diffuse) / (k + m)
