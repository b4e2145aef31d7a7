"""How the state may change from one date to the next."""

from acre.assim.propagate.walk import Chain, RandomWalk

__all__ = ["Chain", "RandomWalk"]
