"""The sandboxes that hold every process of one person."""

from acre.hub.pods.egress import EGRESS_PORT, proxy_settings, tell_egress
from acre.hub.pods.pod import Pod, PodRecord, find, launch, recorded
from acre.hub.pods.probe import probe
from acre.hub.pods.sandbox import Inside, Sandbox, command, visible

__all__ = [
    "EGRESS_PORT",
    "Inside",
    "Pod",
    "PodRecord",
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
