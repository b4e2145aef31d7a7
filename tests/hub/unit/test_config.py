"""The configuration: every mistake gets a sentence that says where and what to do."""

import re
from pathlib import Path

import pytest

from acre.hub.config import Config, Setting, freeze, load_config, read_frozen
from acre.hub.config.files import known_keys
from acre.hub.config.home import Home
from acre.hub.errors import ConfigError


@pytest.fixture
def refusal(tmp_path: Path):
    """Return what is said about a text."""

    def refuse(text: str | bytes, **overrides: object) -> str:
        file = tmp_path / "acre.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as error:
            load_config(file, {key.replace("__", "."): value for key, value in overrides.items()})
        assert str(file) in str(error.value) or "command line" in str(error.value)
        return str(error.value)

    return refuse


def test_without_a_file_everything_is_the_default():
    config, settings = load_config(None)
    assert config == Config()
    assert {setting.source for setting in settings} == {"default"}
    assert [setting.key for setting in settings] == list(known_keys())


def test_options_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path):
    file = tmp_path / "acre.yaml"
    file.write_text("front:\n  port: 8100\n  address: 0.0.0.0\n")
    config, settings = load_config(file, {"front.port": 8200, "front.address": None})
    assert (config.front.port, config.front.address) == (8200, "0.0.0.0")  # noqa: S104 -- read, not bound
    assert Setting("front.port", 8200, "option") in settings
    assert Setting("front.address", "0.0.0.0", str(file)) in settings  # noqa: S104 -- read, not bound
    assert Setting("logs.level", "info", "default") in settings


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("front:\n  prot: 8001\n", 2, "there is no setting 'front.prot'; did you mean 'front.port'?"),
        ("\n\nfrnt:\n  port: 8001\n", 3, "there is no setting 'frnt'; did you mean 'front'?"),
        ("zzz: 1\n", 1, "there is no setting 'zzz'; did you mean"),
        ("front:\n  port: eighty\n", 2, "'front.port' cannot be 'eighty': input should be a valid integer"),
        ("front:\n  address: ''\n", 2, "should have at least 1 character"),
        ("front:\n  port: 0\n", 2, "greater than or equal to 1"),
        ("front:\n  port: 65536\n", 2, "less than or equal to 65535"),
        ("people:\n  first_admin: Ada\n", 2, "'people.first_admin' cannot be 'Ada'"),
        ("people:\n  first_admin: '../x'\n", 2, "'people.first_admin' cannot be '../x'"),
        ('people:\n  first_admin: "ada\\n"\n', 2, "'people.first_admin' cannot be"),
        ("pods: {isolation: chroot}\n", 1, "'pods' or 'none'"),
        ("egress:\n  deny: ['https://x.org']\n", 2, "'https://x.org' is neither a host nor a network"),
        ("egress:\n  allow: [10.0.0.1/8]\n", 2, "'10.0.0.1/8' is no network: 10.0.0.1/8 has host bits set"),
        ("egress:\n  allow: example.org\n", 2, "should be a valid tuple"),
        ("egress:\n  ports: [0]\n", 2, "greater than or equal to 1"),
        ("front: 8000\n", 1, "'front' is a section"),
        ("clusters:\n  workers: yes\n", 2, "'clusters.workers' cannot be True"),
        ("front: [8000]\n", 1, "'front' is a section"),
        ("front:\n  port: [1]\n", 2, "'front.port' cannot be [1]"),
        ("front:\n  port: 1\n  port: 2\n", 3, "'port' stands here again, after line 2"),
        ("front:\n  port: 1\nfront:\n  address: x\n", 3, "'front' stands here again, after line 1"),
        ("front:\n  port: 1\n bad", 3, "this is not YAML"),
        ("front: [unclosed\n", None, "this is not YAML"),
        ("front:\n\tport: 1\n", 2, "this is not YAML"),
        ("front: {address: 2001-99-99}\n", None, "this is not YAML"),
        (f"front: {{port: {'9' * 5000}}}\n", None, "this is not YAML"),
        ("[" * 3000, None, "this is not YAML"),
        ("a: &a\n  b: *a\n", None, "this is not YAML"),
        ("- front\n- people\n", None, "must hold sections such as 'front:', not a list"),
        ("just text\n", None, "must hold sections such as 'front:', not a str"),
        ("1: 2\n", None, "1"),
        ("? [a, b]\n: 2\n", None, "this is not YAML"),
        ("front: !!python/object/apply:os.getcwd []\n", 1, "this is not YAML"),
        (b"front:\n  address: \xff\xfe\n", None, "it is not text in UTF-8"),
    ],
)
def test_each_mistake_is_named_with_its_line(refusal, text: str, line: int | None, words: str):
    said = refusal(text)
    assert words in said
    if line is not None:
        assert f"line {line}" in said


@pytest.mark.parametrize("text", ["front: 8000\n", "front: [1]\n", "front: text\n"])
def test_an_option_does_not_hide_that_a_section_is_none(refusal, text: str):
    assert "'front' is a section" in refusal(text, front__port=8200)


def test_a_wrong_option_is_said_to_be_on_the_command_line(refusal):
    said = refusal("front:\n  port: 8001\n", front__port=99999)
    assert "on the command line" in said
    assert "99999" in said


def test_every_mistake_is_told_at_once(refusal):
    said = refusal("front:\n  prot: 1\nlogs:\n  level: loud\npeople:\n  failed_logins: -1\n")
    assert [f"line {number}" in said for number in (2, 4, 6)] == [True] * 3


@pytest.mark.parametrize("text", ["front:\n", "front:\n  # port: 8001\npeople: {}\n", "", "# nothing\n", "---\n"])
def test_what_is_commented_out_is_the_default(tmp_path: Path, text: str):
    file = tmp_path / "acre.yaml"
    file.write_text(text)
    assert load_config(file)[0] == Config()
    assert load_config(file, {"front.port": 8200})[0].front.port == 8200


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"no\.yaml cannot be read: No such file"):
        load_config(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_a_configuration_mistake_ends_a_command_with_2():
    assert ConfigError.exit_code == 2


@pytest.mark.parametrize("key", sorted(known_keys()))
def test_every_setting_is_documented(key: str):
    section = Config
    *path, name = key.split(".")
    for part in path:
        section = section.model_fields[part].annotation
    description = section.model_fields[name].description
    assert description, f"{key} has no docstring"
    assert re.search(r"[.]$", description), f"{key}: {description!r} is no sentence"


def test_an_ipv6_address_is_written_in_brackets():
    config, _ = load_config(None, {"front.address": "::1", "front.port": 8200})
    assert config.front.place == "[::1]:8200"
    assert Config().front.place == "127.0.0.1:8000"


def test_the_processes_read_what_was_frozen(home: Home):
    config, _ = load_config(None, {"front.port": 8200, "pods.isolation": "none"})
    freeze(config, home)
    assert read_frozen(home) == config
