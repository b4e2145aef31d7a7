"""What a sensor would see of a given surface."""

from acre.assim.observe import sensors
from acre.assim.observe.linear import Linear
from acre.assim.observe.noise import Noise
from acre.assim.observe.prosail import Prosail, spectra
from acre.assim.observe.sensors import Band, Sensor

__all__ = ["Band", "Linear", "Noise", "Prosail", "Sensor", "sensors", "spectra"]
