"""Caddy's configuration: static, since a route is a socket in a folder."""

from pathlib import Path
from typing import Any

from acre.hub.config import Config, Front, Home
from acre.hub.domain.names import NAME_PATTERN

__all__ = ["front_config"]

_HTTPS = 443
_YEAR_SECONDS = 365 * 24 * 3600
_SECURITY_HEADERS = {
    "Referrer-Policy": ["same-origin"],
    "X-Content-Type-Options": ["nosniff"],
    "Cross-Origin-Opener-Policy": ["same-origin"],
}


def front_config(config: Config, home: Home, starting_page: Path) -> dict[str, Any]:
    """Return the whole configuration.

    Args:
        config: What the operator decided.
        home: Where the sockets are.
        starting_page: What is shown while the hub is away.
    """
    front = config.front
    server = {
        "listen": [front.place],
        **_encryption(front),
        "routes": [_headers(front), *_user_routes(home), _service_route(home), _to(home.routes / "hub.sock")],
        "errors": {"routes": [_fall_to_hub(home), _starting(starting_page)]},
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": config.logs.level.replace("warning", "warn").upper()}}},
        "storage": {"module": "file_system", "root": str(home.root / "front")},
        "apps": {"http": {"servers": {"front": server}}, **_certificates(front)},
    }


def _encryption(front: Front) -> dict[str, Any]:
    if front.tls == "off":
        return {"automatic_https": {"disable": True}}
    redirect = front.tls == "acme" and front.port == _HTTPS
    # Who asks by address sends no name, and gets the same certificate.
    return {
        "automatic_https": {"disable_redirects": not redirect},
        "tls_connection_policies": [{"default_sni": front.host}],
    }


def _certificates(front: Front) -> dict[str, Any]:
    """Where certificates come from; an authority of Caddy's own is not put among those that the machine trusts."""
    if front.tls == "files":
        pair = {"certificate": str(front.certificate), "key": str(front.key)}
        return {"tls": {"certificates": {"load_files": [pair]}}}
    if front.tls == "off":
        return {}
    policy = {"subjects": [front.host], "issuers": [{"module": front.tls}]}
    tls = {"certificates": {"automate": [front.host]}, "automation": {"policies": [policy]}}
    return {"tls": tls, "pki": {"certificate_authorities": {"local": {"install_trust": False}}}}


def _headers(front: Front) -> dict[str, Any]:
    encrypted = {} if front.tls == "off" else {"Strict-Transport-Security": [f"max-age={_YEAR_SECONDS}"]}
    response = {
        "set": {**_SECURITY_HEADERS, **encrypted},
        "delete": ["Server", "Via"],
        "deferred": True,  # what comes from behind the front is changed too
    }
    return {"handle": [{"handler": "headers", "response": response}]}


def _user_routes(home: Home) -> list[dict[str, Any]]:
    """The name in the address becomes part of a path: only what is a valid name matches."""
    match = [{"path_regexp": {"name": "user", "pattern": f"^/user/({NAME_PATTERN})(/|$)"}}]
    return [{"match": match, **_to(home.routes / "user-{http.regexp.user.1}.sock")}]


def _service_route(home: Home) -> dict[str, Any]:
    return {"match": [{"path": ["/services/acre/*"]}], **_to(home.service_socket)}


def _to(socket: Path) -> dict[str, Any]:
    return {
        "handle": [
            {
                "handler": "reverse_proxy",
                "upstreams": [{"dial": f"unix/{socket}"}],
                "flush_interval": -1,  # progress and outputs arrive as they are made
            }
        ],
        "terminal": True,
    }


def _fall_to_hub(home: Home) -> dict[str, Any]:
    """A person whose server does not run is told so by the hub."""
    return {"match": [{"path": ["/user/*"]}], **_to(home.routes / "hub.sock")}


def _starting(page: Path) -> dict[str, Any]:
    return {
        "handle": [
            {
                "handler": "static_response",
                "status_code": "503",
                "headers": {"Content-Type": ["text/html; charset=utf-8"], "Retry-After": ["2"]},
                "body": page.read_text(encoding="utf-8"),
            }
        ]
    }
