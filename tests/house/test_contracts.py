"""Deliberate offences against the floors: each one is caught by ``lint-imports``."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

BETWEEN = "hub, client, server and assim never import each other; wire lies below"
SCIENCE = "The science knows nothing of the platform"
HUB = "Floors of the hub"
LIBRARY = "Floors of the library"
SOLVERS = "Solvers see arrays only"
DECISIONS = "Decisions never speak SQL, HTTP or processes"
PAGES = "Web reaches storage, pods and places only through services"

OFFENCES = {
    "the library imports the client": ("assim/types/offence.py", "import acre.client", BETWEEN),
    "the library imports the wire": ("assim/types/offence.py", "import acre.wire.record", SCIENCE),
    "the client imports the hub": ("client/offence.py", "import acre.hub", BETWEEN),
    "the server imports the hub": ("server/offence.py", "import acre.hub", BETWEEN),
    "the wire imports the hub": ("wire/offence.py", "import acre.hub.errors", BETWEEN),
    "a decision speaks SQL": ("hub/domain/offence.py", "import sqlalchemy", DECISIONS),
    "a service starts a process": ("hub/services/offence.py", "import subprocess", DECISIONS),
    "a service speaks HTTP": ("hub/services/offence.py", "import httpx", DECISIONS),
    "a decision reaches up to storage": ("hub/domain/offence.py", "import acre.hub.storage", HUB),
    "storage reaches up to a service": ("hub/storage/offence.py", "import acre.hub.services", HUB),
    "storage knows the pods": ("hub/storage/offence.py", "import acre.hub.pods", HUB),
    "a page knows JupyterHub's glue": ("hub/web/offence.py", "import acre.hub.jupyter", HUB),
    "a page reaches around the services": ("hub/web/offence.py", "import acre.hub.storage", PAGES),
    "a solver sees a data set": ("assim/solve/offence.py", "import xarray", SOLVERS),
    "a solver sees a cluster": ("assim/solve/offence.py", "import distributed", SOLVERS),
    "a matrix reaches up to a solver": ("assim/linalg/offence.py", "import acre.assim.solve", LIBRARY),
    "a module of the hub stands on no floor": ("hub/attic.py", "", HUB),
    "a module of the library stands on no floor": ("assim/attic.py", "", LIBRARY),
}


@pytest.fixture(scope="module")
def copied_tree(root, tmp_path_factory):
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(root / "src", house / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", house)
    return house


def lint(house):
    environment = {**os.environ, "PYTHONPATH": str(house / "src"), "COLUMNS": "200"}
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_house_as_it_stands_keeps_its_contracts(copied_tree):
    result = lint(copied_tree)
    assert result.returncode == 0, result.stdout
    assert " 0 broken" in result.stdout


@pytest.fixture
def plant(copied_tree):
    """Write a line into a module, new or not, and take it out again."""
    planted = []

    def put(name, line):
        file = copied_tree / "src" / "acre" / name
        if not file.parent.is_dir():  # this floor is one file, not a folder
            file = file.parent.with_suffix(".py")
        before = file.read_text(encoding="utf-8") if file.exists() else None
        planted.append((file, before))
        file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")

    yield put
    for file, before in planted:
        file.unlink() if before is None else file.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda name: name.replace(" ", "-"))
def test_an_offence_breaks_its_contract(copied_tree, plant, offence):
    file, line, contract = OFFENCES[offence]
    plant(file, line)
    result = lint(copied_tree)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout, result.stdout + result.stderr


def test_every_contract_has_an_offence_that_it_catches(root):
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert {contract["name"] for contract in contracts} == {contract for *_, contract in OFFENCES.values()}
