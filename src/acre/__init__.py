"""Acre, a collaborative research environment.

``import acre`` is cheap: the parts load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acre.client import Cluster, clusters

__all__ = ["Cluster", "__version__", "clusters"]

__version__ = "0.1.0"

_FROM_CLIENT = frozenset({"Cluster", "clusters"})


def __getattr__(name: str) -> Any:
    if name in _FROM_CLIENT:
        return getattr(import_module("acre.client"), name)
    raise AttributeError(f"module 'acre' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
