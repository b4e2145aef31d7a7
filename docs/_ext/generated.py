"""The reference pages that are made from the code: commands, configuration, errors, changes.

Each directive writes Markdown from the objects themselves, so the pages cannot fall behind.
"""

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

import typer
from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from acre.hub.cli import app as commands
from acre.hub.config import Config
from acre.hub.errors import AcreError, RefusedError
from acre.wire.errors import ErrorCode

KINDS = ("new", "changed", "fixed")
"""The kinds of change, in the order in which they are shown."""

OPTIONS = {"module": "   :members:", "class": "   :members:", "function": "", "data": "   :no-value:"}
"""What autodoc is told about each kind of thing."""

UNIVERSAL = ("help", "install_completion", "show_completion")
"""Parameters that every program of this kind has."""


class Generated(SphinxDirective):
    """A directive whose body is the Markdown that `lines` yields."""

    def run(self) -> list[nodes.Node]:
        """Parse the generated Markdown where the directive stands."""
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the page."""
        raise NotImplementedError


class Commands(Generated):
    """Every command of `acre` with the help that it prints itself."""

    def lines(self) -> Iterator[str]:
        """Walk the tree of commands, parents first."""
        yield from _describe(typer.main.get_command(commands), "acre")


class Configuration(Generated):
    """Every key of the configuration file."""

    def lines(self) -> Iterator[str]:
        """Write one table, a row for each key."""
        yield "| key | type | default | meaning |"
        yield "|---|---|---|---|"
        yield from _rows(Config, "")


class Refusals(Generated):
    """Every code with which the service refuses, with its HTTP status."""

    def lines(self) -> Iterator[str]:
        """Write one row for each code; a code that no class raises breaks the build."""
        classes = {cls.code: cls for cls in RefusedError.__subclasses__()}
        yield "| code | HTTP status | meaning |"
        yield "|---|---|---|"
        for code in ErrorCode:
            if code not in classes:
                raise ExtensionError(f"No class in acre.hub.errors refuses with the code {code.value}.")
            refusal = classes[code]
            yield f"| `{code.value}` | {refusal.status} | {_cell(inspect.getdoc(refusal) or '')} |"


class Endings(Generated):
    """Every reason for which a command gives up, with its exit code."""

    def lines(self) -> Iterator[str]:
        """Write one row for each class."""
        yield "| reason | exit code | meaning |"
        yield "|---|---|---|"
        for ending in AcreError.__subclasses__():
            if ending is not RefusedError:
                name = ending.__name__.removesuffix("Error")
                yield f"| {name} | {ending.exit_code} | {_cell(inspect.getdoc(ending) or '')} |"


class Names(Generated):
    """The public names of a module, each with its docstring; the module says them in `__all__`."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Hand each name to autodoc, since a module that loads on first use hides its names from it."""
        module = import_module(self.arguments[0])
        yield from ("```{eval-rst}", f".. automodule:: {module.__name__}", "")
        for name in module.__all__:
            kind, where = _kind_and_place(module, name)
            yield from (f".. auto{kind}:: {where}", OPTIONS[kind], "")
        yield "```"


class Changes(Generated):
    """What has changed since the last release, from the files `NAME.KIND.md` in `docs/changes/`."""

    def lines(self) -> Iterator[str]:
        """Write one list for each kind; a file of another kind breaks the build."""
        folder = Path(self.env.srcdir) / "changes"
        fragments = {path: path.name.split(".")[1] for path in sorted(folder.glob("*.*.md"))}
        for path, kind in fragments.items():
            self.env.note_dependency(str(path))
            if kind not in KINDS:
                raise ExtensionError(f"{path.name}: a change is one of {', '.join(KINDS)}, not '{kind}'.")
        for kind in KINDS:
            texts = [path.read_text().split() for path in fragments if fragments[path] == kind]
            if texts:
                yield from (f"### {kind.capitalize()}", "", *(f"- {' '.join(text)}" for text in texts), "")


def _kind_and_place(module: ModuleType, name: str) -> tuple[str, str]:
    """Return the word that autodoc has for a public thing, and the name under which it finds it."""
    value = getattr(module, name)
    if inspect.ismodule(value):
        return "module", value.__name__
    if inspect.isclass(value) or inspect.isroutine(value):
        return "class" if inspect.isclass(value) else "function", f"{module.__name__}.{name}"
    return "data", _origin(module, name)


def _origin(module: ModuleType, name: str) -> str:
    """Return where a constant is made, since only there stands its docstring."""
    for origin in [one for one in sys.modules if one.startswith(f"{module.__name__}.")]:
        if ("", name) in ModuleAnalyzer.for_module(origin).find_attr_docs():
            return f"{origin}.{name}"
    raise ExtensionError(f"The constant {module.__name__}.{name} has no docstring below it.")


def _describe(command: Any, name: str) -> Iterator[str]:
    """Write what a command does and takes; `command` is click's, or what typer has in its place."""
    if command.hidden:
        return
    children = getattr(command, "commands", {})
    takes = [parameter for parameter in command.params if parameter.name not in UNIVERSAL]
    arguments = [_placeholder(parameter) for parameter in takes if parameter.param_type_name == "argument"]
    yield from (f"## `{name}`", "", inspect.cleandoc(command.help or ""), "")
    if arguments:
        yield from ("```text", " ".join([name, *arguments]), "```", "")
    for parameter in takes:
        yield from (f"{_spelling(parameter)}", f": {_meaning(parameter)}", "")
    for child, described in children.items():
        yield from _describe(described, f"{name} {child}")


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_placeholder(parameter)}`"
    names = " or ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} `{_placeholder(parameter)}`"


def _placeholder(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _meaning(parameter: Any) -> str:
    if not parameter.help:
        raise ExtensionError(f"The parameter {parameter.name} of a command has no help.")
    text = " ".join(parameter.help.split()).removesuffix(".") + "."
    default = parameter.default
    shown = not parameter.is_flag if parameter.param_type_name == "option" else not parameter.required
    return f"{text} Default: `{default}`." if shown and isinstance(default, str | int) else text


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, f"{key}.")
            continue
        if not field.description:
            raise ExtensionError(f"The configuration key {key} has no description: write a docstring below it.")
        meaning = " ".join(field.description.split())
        yield f"| `{key}` | {_type(field.annotation)} | {_default(field)} | {_cell(meaning)} |"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is None:
        return f"`{getattr(annotation, '__name__', annotation)}`"
    if str(annotation).startswith("typing.Literal"):
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    return f"`{_cell(str(annotation))}`"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is PydanticUndefined or value is None else f"`{_cell(str(value))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("acre-commands", Commands)
    app.add_directive("acre-configuration", Configuration)
    app.add_directive("acre-refusals", Refusals)
    app.add_directive("acre-endings", Endings)
    app.add_directive("acre-names", Names)
    app.add_directive("acre-changes", Changes)
    return {"parallel_read_safe": True}
