"""The names that people import exist, and say what they are."""

import importlib
import inspect
import pkgutil

import pytest

import acre
import acre.wire

PARTS = [
    "acre",
    "acre.client",
    "acre.assim",
    *(f"acre.wire.{m.name}" for m in pkgutil.iter_modules(acre.wire.__path__)),
]
NAMES = [(part, name) for part in PARTS for name in getattr(importlib.import_module(part), "__all__", ["__all__"])]


@pytest.mark.parametrize("part", PARTS)
def test_a_public_module_lists_its_names_and_says_what_it_is(part):
    module = importlib.import_module(part)
    assert module.__all__, f"{part} has an empty __all__"
    assert list(module.__all__) == sorted(set(module.__all__), key=module.__all__.index), "a name is listed twice"
    assert module.__doc__


@pytest.mark.parametrize(("part", "name"), NAMES, ids=lambda word: word)
def test_a_public_name_is_importable_and_documented(part, name):
    value = getattr(importlib.import_module(part), name)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        assert value.__doc__, f"{part}.{name} has no docstring"


def test_the_installed_version_is_the_one_of_the_code():
    from importlib.metadata import version

    assert version("acre") == acre.__version__


def test_importing_acre_loads_no_part():
    import subprocess
    import sys

    code = "import sys, acre; sys.exit(any(name.startswith(('acre.', 'jax', 'numpy')) for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
