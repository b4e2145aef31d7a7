import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no installed package


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def tree():
    """Every file of the project as it would be committed now."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git repository, so nobody can say which files belong to the project")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
