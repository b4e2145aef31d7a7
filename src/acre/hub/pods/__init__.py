"""The sandboxes that hold every process of one person."""

from acre.hub.pods.egress import EGRESS_PORT, proxy_settings, tell_egress
from acre.hub.pods.launching import launch
from acre.hub.pods.orders import PodOrder, PodsClient
from acre.hub.pods.pod import Pod, PodRecord, find, recorded
from acre.hub.pods.probe import probe
from acre.hub.pods.sandbox import Inside, Sandbox, command, visible
from acre.hub.pods.service import PodService

__all__ = [
    "EGRESS_PORT",
    "Inside",
    "Pod",
    "PodOrder",
    "PodRecord",
    "PodService",
    "PodsClient",
    "Sandbox",
    "command",
    "find",
    "launch",
    "probe",
    "proxy_settings",
    "recorded",
    "tell_egress",
    "visible",
]
