"""Reading the configuration, and saying where each value comes from."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from acre.hub.config.tree import Config
from acre.hub.errors import ConfigError

__all__ = ["Setting", "known_keys", "load_config"]


@dataclass(frozen=True)
class Setting:
    """One value in force, and its source: ``default``, the file, or the option of a command."""

    key: str
    value: Any
    source: str


def load_config(file: Path | None, overrides: Mapping[str, Any] | None = None) -> tuple[Config, list[Setting]]:
    """Return the configuration in force and where each value comes from.

    Args:
        file: A YAML file; None for the defaults.
        overrides: Values by dotted key that win over the file; None values are left out.

    Raises:
        ConfigError: If the file cannot be read, or holds an unknown key or a value that does not fit.
    """
    text = _read(file) if file else ""
    tree = _parse(text, file)
    options = {key: value for key, value in (overrides or {}).items() if value is not None}
    for key, value in options.items():
        _put(tree, key, value)
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_explain(error, text, file, options)) from error
    in_file = {key for key, _ in _flatten(_parse(text, file))}
    settings = [
        Setting(key, value, "option" if key in options else str(file) if key in in_file else "default")
        for key, value in _flatten(config.model_dump())
    ]
    return config, settings


def known_keys(section: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Yield every valid dotted key."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise ConfigError(
            f"The configuration {file} cannot be read: {why}. Check the path given with --config"
        ) from error


def _parse(text: str, file: Path | None) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(text)
        _refuse_twice(yaml.compose(text, Loader=yaml.SafeLoader), file)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not valid"
        raise ConfigError(f"{file}{where}: this is not YAML: {problem}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{file}: the file must hold sections such as 'front:', not a {type(tree).__name__}")
    return {name: {} if section is None else section for name, section in tree.items()}  # all of it commented out


def _refuse_twice(node: yaml.Node | None, file: Path | None) -> None:
    """YAML's reader would take the last of two equal keys, and drop the other without a word."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if (first := lines.setdefault(str(key.value), line)) != line:
            raise ConfigError(f"{file}, line {line}: '{key.value}' stands here again, after line {first}; keep one")
        _refuse_twice(value, file)


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set a value; a section that is no section is left for the validation to refuse."""
    section, name = key.split(".")
    if isinstance(values := tree.setdefault(section, {}), dict):
        values[name] = value


def _flatten(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _explain(error: ValidationError, text: str, file: Path | None, options: Mapping[str, Any]) -> str:
    return "\n".join(_explain_one(dict(problem), text, file, options) for problem in error.errors())


def _explain_one(problem: dict[str, Any], text: str, file: Path | None, options: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    line = _line_of(text, [str(part) for part in problem["loc"]])
    where = "on the command line" if key in options else f"{file}, line {line}" if line else str(file)
    if problem["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, [*known_keys(), *Config.model_fields], n=1, cutoff=0.0)
        return f"{where}: there is no setting '{key}'; did you mean '{nearest[0]}'? All settings: acre config show"
    if problem["type"] == "model_type":
        return f"{where}: '{key}' is a section: its settings stand below it, indented, not beside it"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{where}: '{key}' cannot be {problem['input']!r}: {message}"


def _line_of(text: str, path: list[str]) -> int | None:
    """Return the line, from 1, on which a key stands."""
    node = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    line = None
    for name in path:
        if not isinstance(node, yaml.MappingNode):
            break
        for key, value in node.value:
            if str(key.value) == name:
                line, node = key.start_mark.line + 1, value
                break
    return line
