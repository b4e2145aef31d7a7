"""A fresh clone, an empty home and ``make test`` are enough."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What a machine may need to reach its packages; nothing else of the environment is handed on.
REACH = ("UV_", "PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "LANG")


@pytest.fixture
def fresh_clone(root, tmp_path):
    if not shutil.which("git") or not (root / ".git").exists():
        pytest.skip("this is no git repository, or git is missing: apt-get install git")
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", root, tmp_path / "acre"], check=True)
    return tmp_path / "acre"


@pytest.fixture
def bare_environment(root, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    handed_on = {name: value for name, value in os.environ.items() if name.upper().startswith(REACH)}
    uv = root / ".venv" / "bin" / "uv"
    if uv.exists():  # what was downloaded once need not be downloaded again
        cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        handed_on["UV_CACHE_DIR"] = cache
    return {**handed_on, "PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_fresh_clone_passes_its_tests_with_make_alone(fresh_clone, bare_environment):
    python = Path(sys.base_prefix) / "bin" / "python3"
    ended = subprocess.run(
        ["make", "test", f"PYTHON={python}", 'args=tests/wire tests/house -m "not long" -x -q'],
        cwd=fresh_clone, env=bare_environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    assert " passed" in ended.stdout
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=fresh_clone, capture_output=True, text=True, check=True
    )
    assert changed.stdout == "", "make test has changed the tree"
