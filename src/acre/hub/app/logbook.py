"""Logs as JSON lines, one file a component, in which no secret stands."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

__all__ = ["Logbook", "clean", "parse", "redact"]

_QUOTE = r"""\\*["']?"""
_IS = rf"""{_QUOTE}\s*(?:=|:|%(?:25)*3d)\s*(?:b(?=["']))?{_QUOTE}"""
_VALUE = r"""[^\s&"'\\,;%]+"""
_SECRETS = (
    re.compile(r"(?i)(xsrf cookie for b')[^']+"),
    re.compile(rf"(?i)((?:set-)?cookie{_IS}).+"),
    re.compile(rf"(?i)(authorization{_IS}\[?{_QUOTE}(?:token|bearer|basic)?\s*){_VALUE}"),
    re.compile(rf"(?i)((?:token|password|passwd|xsrf|secret)[\w-]{{0,40}}{_IS}){_VALUE}"),
    re.compile(rf"(?i)(\b(?:code|state){_IS}){_VALUE}"),
    re.compile(r"(?i)(\b(?:token|bearer)\s+)[0-9a-z_-]{24,}"),
)
_NAMES = re.compile(r"(?i)token|password|cookie|authorization|xsrf|secret")
_TORNADO = re.compile(r"^\[(?P<level>[DIWEC]) \S+ \S+ (?P<source>[^\]]+)\] (?P<message>.*)$")
_UVICORN = re.compile(r"^(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):\s+(?P<message>.*)$")
_LEVELS = {"D": "debug", "I": "info", "W": "warning", "E": "error", "C": "critical", "warn": "warning"}


def redact(text: str) -> str:
    """Return a text without the values of tokens, codes, passwords and cookies."""
    for secret in _SECRETS:
        text = secret.sub(r"\1[hidden]", text)
    return text


def parse(line: str) -> dict[str, Any]:
    """Return the message of a line that JupyterHub, uvicorn or Caddy wrote, and its level when the line says it."""
    if line.startswith("{"):
        try:
            event = json.loads(line)
        except ValueError:
            return {"message": line}
        level = str(event.pop("level", "info")).lower()
        message = event.pop("msg", event.pop("message", ""))
        event.pop("ts", None)
        return {"level": _LEVELS.get(level, level), "message": message, **event}
    if match := _TORNADO.match(line):
        return {"level": _LEVELS[match["level"]], "message": match["message"], "source": match["source"]}
    if match := _UVICORN.match(line):
        return {"level": match["level"].lower(), "message": match["message"]}
    return {"message": line}


def clean(value: Any) -> Any:
    """Return an event without secrets, however deep they lie."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: "[hidden]" if _NAMES.search(key) else clean(one) for key, one in value.items()}
    if isinstance(value, list):
        return [clean(one) for one in value]
    return value


class _Handler(RotatingFileHandler):
    """Says once that a log cannot be written, and goes on: a full disk must not end the environment."""

    _said = False

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """Complain on the terminal, the only place that is left."""
        if not self._said:
            self._said = True
            why = sys.exc_info()[1]
            sys.stderr.write(f"acre: the log {self.baseFilename} cannot be written, its events are lost: {why}\n")


class Logbook:
    """Writes what components say, and keeps it bounded."""

    def __init__(self, folder: Path, *, megabytes: int) -> None:
        self._folder = folder
        self._bytes = megabytes * 2**20
        self._levels: dict[str, str] = {}
        self._loggers: dict[str, logging.Logger] = {}

    def file(self, component: str) -> Path:
        """Return where a component's log is."""
        return self._folder / f"{component}.jsonl"

    def write(self, component: str, line: str) -> None:
        """Keep one line."""
        event = parse(line)  # without a level it is the rest of a message of several lines, such as a traceback
        level = self._levels[component] = event.pop("level", self._levels.get(component, "info"))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        stamp = {"time": now, "component": component, "level": level}
        event = {**stamp, **event, **stamp}  # a component cannot speak in the name of another
        self._logger(component).info(json.dumps(clean(event), ensure_ascii=False))

    def _logger(self, component: str) -> logging.Logger:
        if component not in self._loggers:
            handler = _Handler(
                self.file(component), maxBytes=self._bytes, backupCount=1, encoding="utf-8", errors="replace"
            )
            logger = logging.Logger(component, logging.INFO)  # noqa: LOG001 -- it must not pass its lines on to the root
            logger.addHandler(handler)
            self._loggers[component] = logger
        return self._loggers[component]
