"""Components die; the environment lives, or ends whole with its reason."""

import os
import signal

import psutil
import pytest


def kill(environment, component, eventually):
    before = environment.pid_of(component)
    os.kill(before, signal.SIGKILL)
    eventually(
        lambda: environment.pid_of(component) != before and environment.is_running(component),
        f"the {component} is running again",
    )


@pytest.mark.parametrize("component", ["front", "hub", "service", "pods", "egress"])
async def test_a_killed_component_comes_back_and_no_kernel_is_lost(environment, eventually, component):
    async with await environment.let_in("survivor") as person:
        await person.start_server()
        kernel = await person.open_kernel("work.ipynb")
        await kernel.run("state = 40")
        kill(environment, component, eventually)
        if component == "front":  # the connection went through it
            kernel = await person.open_kernel("work.ipynb")
        assert (await kernel.run("state + 2"))[0]["data"]["text/plain"] == "42"
        kernel.close()
        assert await person.visit("/hub/home") == 200
        assert await person.visit(f"/user/{person.name}/api/status") == 200
    assert environment.acre("user", "list").returncode == 0


def test_a_component_that_cannot_live_ends_the_whole_with_the_reason(new_environment, eventually):
    environment = new_environment()
    processes = environment.processes()
    (environment.home.run / "front.json").write_text("{ this is no configuration")
    os.kill(environment.pid_of("front"), signal.SIGKILL)
    assert environment.process.wait(timeout=60) == 1
    assert "The front could not be kept alive" in environment.printed
    assert "What people saved is kept" in environment.printed
    assert "Traceback" not in environment.printed
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


async def test_a_server_that_is_stopped_is_gone_whole_and_starts_again(environment, eventually):
    async with await environment.let_in("stopper") as person:
        await person.start_server()
        pod = environment.home.pods / "stopper" / "pod.json"
        first = pod.read_text()
        await person.stop_server()
        eventually(lambda: not (environment.home.routes / "user-stopper.sock").is_symlink(), "the route is gone")
        assert await person.visit("/user/stopper/api/status") in {404, 424, 503}
        await person.start_server()
        assert pod.read_text() != first


def test_the_log_of_every_component_is_valid_json_and_in_order(environment):
    result = environment.acre("logs", "-n", "1000")
    assert result.returncode == 0
    times = [line[:19] for line in result.stdout.splitlines() if line[:2] == "20"]
    assert len(times) > 10
    assert times == sorted(times)
