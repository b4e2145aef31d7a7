"""What a pod and its egress know of each other: the egress listens inside the pod's own network."""

import asyncio
from pathlib import Path

__all__ = ["EGRESS_PORT", "proxy_settings", "tell_egress"]

EGRESS_PORT = 3128
"""On the pod's own loopback."""

_DIRECT = "localhost,127.0.0.1,::1,acre"
_PATIENCE_SECONDS = 5.0


def proxy_settings() -> dict[str, str]:
    """Return the variables by which programs in a pod find the way out; the pod's own loopback is reached directly."""
    proxy = f"http://127.0.0.1:{EGRESS_PORT}"
    values = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": _DIRECT}
    return values | {name.upper(): value for name, value in values.items()}


async def tell_egress(socket: Path) -> bool:
    """Have the egress look for new pods, and return whether it did: then it listens in every pod that is recorded.

    No failure is more than a delay: an egress that is away looks when it is back, and then every few seconds.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                return await reader.read() == b"looked"
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False
