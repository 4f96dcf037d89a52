"""The files that say what to install agree, and the installer says what is wrong."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from book.tools import environment

ROOT = Path(__file__).resolve().parents[2]


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    extras = {line for group in groups.values() for line in group}
    return [Requirement(line) for line in [*project["dependencies"], *sorted(extras)]]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in kept}


def test_conda_says_the_same_as_pip() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    named = {str(Requirement(line)) for line in pip if not line.startswith("-")}
    assert named == {str(one) for one in requirements()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"python{project['requires-python']}" in listed


@pytest.mark.parametrize("one", requirements(), ids=str)
def test_every_requirement_is_pinned_to_a_version_that_meets_it(one: Requirement) -> None:
    assert one.specifier.contains(pins()[canonicalize_name(one.name)])


def test_torch_is_pinned_first_and_without_a_local_version() -> None:
    assert next(iter(pins())) == "torch"
    assert "+" not in pins()["torch"]


def test_every_pin_can_be_installed_with_the_oldest_python_that_is_promised() -> None:
    """Not with the Python at hand alone: a release may want a later patch of the same minor one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (oldest,) = (
        one.version for one in SpecifierSet(project["requires-python"]) if one.operator == ">="
    )
    wants = {name: _requires_python(name) for name in pins()}
    assert sum(one is not None for one in wants.values()) > 100
    too_new = {name: one for name, one in wants.items() if one and f"{oldest}.0" not in one}
    assert not too_new


def _requires_python(name: str) -> SpecifierSet | None:
    """Return what an installed package says; None for one that only other machines need."""
    try:
        told = distribution(name).metadata["Requires-Python"]
    except PackageNotFoundError:
        return None
    return None if told is None else SpecifierSet(told)


def test_the_pins_hold_everything_that_ours_pull_in() -> None:
    """Walk the requirements of this environment: a package without a pin would drift."""
    waiting, seen = [canonicalize_name(one.name) for one in requirements()], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in distribution(name).requires or []:
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(one.name))
    # CUDA builds of torch pull in their own packages, which torch itself pins
    unpinned = {name for name in seen - set(pins()) if not name.startswith(("nvidia", "triton"))}
    assert unpinned - {"cuda-toolkit", "cuda-bindings", "cuda-pathfinder"} == set()


@pytest.mark.parametrize(
    ("version", "good"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_the_range_of_pythons(version: tuple[int, int], good: bool) -> None:
    problem = environment.unfit(version)
    assert (problem is None) == good
    assert good or f"got {version[0]}.{version[1]}" in str(problem)


def test_torch_comes_first_from_its_index() -> None:
    first, *rest = environment.commands(ROOT, Path("v"), "https://example.org/cpu")
    assert first[-3:] == ["--index-url", "https://example.org/cpu", f"torch=={pins()['torch']}"]
    assert all("--index-url" not in one for one in rest)
    assert all("-c" in one for one in rest)
    assert "--index-url" not in environment.commands(ROOT, Path("v"), "")[0]


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A checkout whose environment is there already, with a Python that notes how it is called."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\necho "$@" >> "$0.log"\n[ "$1" = -c ] && exit 0\nexit ${FAIL:-0}\n'
    )
    python.chmod(0o755)
    return tmp_path


def call(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    program = ROOT / "book" / "tools" / "environment.py"
    return subprocess.run(
        [sys.executable, str(program), "--root", str(root)],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def installations(root: Path) -> list[str]:
    lines = (root / ".venv" / "bin" / "python.log").read_text().splitlines()
    return [line for line in lines if "pip install" in line]


def test_it_installs_once_and_again_after_a_change(fake: Path) -> None:
    assert call(fake).returncode == 0
    assert len(installations(fake)) == 3
    assert call(fake).stdout == ""
    assert len(installations(fake)) == 3
    with (fake / "constraints.txt").open("a") as stream:
        stream.write("# changed\n")
    assert call(fake, TORCH_INDEX_URL="https://example.org/cpu").returncode == 0
    assert len(installations(fake)) == 6
    assert "https://example.org/cpu" in installations(fake)[3]


def test_a_failed_installation_is_not_taken_for_done(fake: Path) -> None:
    failed = call(fake, FAIL="1")
    assert failed.returncode == 2
    assert "expected pip to finish" in failed.stderr
    assert not (fake / ".venv" / environment.STAMP).exists()
    assert call(fake).returncode == 0


@pytest.mark.slow
def test_an_environment_without_pip_is_made_again_and_nothing_in_it_removed(fake: Path) -> None:
    """A ``make`` that is stopped in its first seconds leaves a Python and nothing else."""
    (fake / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    mine = fake / ".venv" / "thesis.txt"
    mine.write_text("years of work, and no environment of ours")
    call(fake, PIP_NO_INDEX="1")
    settings = (fake / ".venv" / "pyvenv.cfg").read_text()
    assert f"version = {sys.version_info[0]}.{sys.version_info[1]}" in settings
    assert mine.exists()


@pytest.mark.slow
def test_an_environment_that_was_moved_is_made_anew(fake: Path) -> None:
    assert call(fake).returncode == 0
    moved = fake.rename(fake.with_name("moved"))
    old_program = moved / ".venv" / "bin" / "jupyter-book"
    old_program.write_text(f"#!{fake}/.venv/bin/python\n")
    assert "installing into" in call(moved, PIP_NO_INDEX="1").stdout
    assert not old_program.exists()


@pytest.mark.parametrize(("version", "is_told"), [("3.1.9", True), ("{0}.{1}.0", False)])
def test_a_named_python_that_is_not_taken_is_told(
    tmp_path: Path, capsys, version: str, is_told: bool
) -> None:
    (tmp_path / "pyvenv.cfg").write_text(f"version = {version.format(*sys.version_info)}\n")
    environment.note_other_python(tmp_path)
    assert ("has Python 3.1 and keeps it" in capsys.readouterr().out) == is_told


def test_a_second_installation_waits_for_the_first(fake: Path) -> None:
    with environment.alone(fake / ".venv"):
        program = [sys.executable, str(ROOT / "book" / "tools" / "environment.py")]
        with subprocess.Popen(
            [*program, "--root", str(fake)], stdout=subprocess.PIPE, text=True
        ) as second:
            assert second.stdout is not None
            assert "waiting, another process" in second.stdout.readline()
            assert not (fake / ".venv" / "bin" / "python.log").exists()
            second.kill()
