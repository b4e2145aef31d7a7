"""The way out of the pods: an HTTP proxy that listens inside each pod and connects from the machine."""

from acre.hub.egress.dial import Dialer
from acre.hub.egress.exchange import Exchange
from acre.hub.egress.gate import Gate

__all__ = ["Dialer", "Exchange", "Gate"]
