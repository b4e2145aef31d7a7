"""What a notebook imports: clusters.

The parts load on first use, because worker processes import this package too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acre.client.cluster import Cluster, clusters
    from acre.client.errors import (
        ClusterBrokenError,
        ClusterClosedError,
        ClusterError,
        ClusterRefusedError,
        ClusterStartError,
        NotShippableError,
        WorkerLostError,
    )

__all__ = [
    "Cluster",
    "ClusterBrokenError",
    "ClusterClosedError",
    "ClusterError",
    "ClusterRefusedError",
    "ClusterStartError",
    "NotShippableError",
    "WorkerLostError",
    "clusters",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'acre.client' has no attribute {name!r}")
    part = "cluster" if name in {"Cluster", "clusters"} else "errors"
    return getattr(import_module(f"acre.client.{part}"), name)
