"""Data assimilation of Earth Observation of the land surface.

One function, `assimilate`, turns a cube of reflectances into a cube of land surface parameters with their uncertainty:

    prior = assim.Prior.vegetation()
    operator = assim.Prosail(sensor=assim.sensors.sentinel_2a(["B02", "B03", "B04", "B08"]))
    result = assim.assimilate(cube, operator, prior)
"""

from acre.assim.cube import scene
from acre.assim.observe import Band, Linear, Noise, Prosail, Sensor, sensors
from acre.assim.prior import Prior
from acre.assim.propagate import RandomWalk
from acre.assim.run import assimilate, describe
from acre.assim.solve import MAP, Code, FourDVar
from acre.assim.state import PARAMETERS, Parameter
from acre.assim.types import InputRefusedError, Operator

__all__ = [
    "MAP",
    "PARAMETERS",
    "Band",
    "Code",
    "FourDVar",
    "InputRefusedError",
    "Linear",
    "Noise",
    "Operator",
    "Parameter",
    "Prior",
    "Prosail",
    "RandomWalk",
    "Sensor",
    "assimilate",
    "describe",
    "scene",
    "sensors",
]
