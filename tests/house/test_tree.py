"""What no file of the project may hold, and how long it may be."""

import os
import re
import subprocess

import pytest

# Written in pieces, so that this file passes its own test.
REGISTRIES = [
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "ana" + "conda.org",
    "anaconda" + ".com",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb.debian" + ".org",
    "crates" + ".io",
]
MACHINE_PATHS = ["/wo" + "rk/", "/t" + "mp/lab", "/opt/" + "wheels", "/root/" + "."]
LONGEST = 400


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("words", [REGISTRIES, MACHINE_PATHS], ids=["registries", "machine"])
def test_no_file_names_a_registry_or_a_folder_of_the_build_machine(root, tree, words):
    pattern = re.compile("|".join(map(re.escape, [*words, f"{root}/"])))
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
        for path in tree
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def test_every_source_file_can_be_read_at_one_sitting(root, tree):
    lengths = {
        str(path.relative_to(root)): len(text_of(path).splitlines())
        for path in tree
        if path.suffix == ".py" and path.is_relative_to(root / "src")
    }
    assert lengths, "no source file was found"
    assert {name: length for name, length in lengths.items() if length >= LONGEST} == {}


def test_what_ci_runs_is_a_program_without_mistakes_of_syntax(root):
    program = root / ".ci" / "run"
    assert os.access(program, os.X_OK)
    subprocess.run(["bash", "-n", program], check=True)


def test_every_pinned_package_has_its_hashes_and_no_address(root):
    for name in ("uv", "runtime", "develop"):
        text = (root / "constraints" / f"{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text, f"{name}.txt holds an address"
        assert "index" not in re.findall(r"--([a-z]+)", text), f"{name}.txt chooses an index"
        requirements = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
        assert requirements, f"{name}.txt is empty"
        bare = [line.split()[0] for line in requirements if "==" not in line or "--hash=sha256:" not in line]
        assert bare == [], f"{name}.txt has requirements without a version or a hash"


def test_what_tests_need_agrees_with_what_people_get(root):
    def pins(name):
        text = (root / "constraints" / f"{name}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9._-]+==\S+)", text, flags=re.MULTILINE))

    assert pins("runtime") <= pins("develop")
