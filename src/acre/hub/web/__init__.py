"""The service's HTTP interface: translate a request, ask a service, translate the answer."""

from acre.hub.web.api import make_api

__all__ = ["make_api"]
