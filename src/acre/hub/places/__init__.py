"""Where processes run."""

from acre.hub.places.local import LocalPlace

__all__ = ["LocalPlace"]
