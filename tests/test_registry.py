"""A run imports the parts it uses, so that the others cannot make its numbers stale."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.diffusion import denoisers
from avqa_core.enhancement import enhancers
from avqa_core.errors import RegistryError
from avqa_core.registry import Registry

ASKED = """
import json, sys
import avqa_core.experiments.worker
from avqa_core.completion import completers
from avqa_core.training import runs
before = runs.source_modules()
completers.config({name!r})
print(json.dumps([before, runs.source_modules()]))
"""


def _imported(name: str) -> tuple[set[str], set[str]]:
    """Return the modules of a worker before and after it asked for a completer."""
    told = subprocess.run(
        [sys.executable, "-c", ASKED.format(name=name)], capture_output=True, text=True, check=True
    )
    before, after = json.loads(told.stdout)
    return set(before), set(after)


def test_a_worker_imports_the_part_that_was_asked_for_and_no_other() -> None:
    before, after = _imported("retrieval")
    parts = {f"avqa_core.completion.{name}" for name in completers}
    assert not parts & before
    assert parts & after == {"avqa_core.completion.retrieval"}


def test_the_command_line_adds_nothing_to_the_source_of_the_runs_that_it_starts() -> None:
    """A child of a process that began as ``avqa`` imports its module again."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, sys, avqa_core.experiments.worker\n"
            "from avqa_core.training import runs\n"
            "alone = runs.source_modules()\n"
            "import avqa_core.cli\n"
            "print(json.dumps([alone, runs.source_modules()]))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    alone, started_by_a_command = json.loads(told.stdout)
    # 'avqa floors' asks for it at once, and the list of every stored run has it
    assert set(started_by_a_command) - set(alone) <= {"avqa_core.places"}


def test_asked_for_all_a_registry_names_what_lies_in_its_package() -> None:
    assert {"zeros", "rmm", "segment_transformer"} <= set(completers)
    assert "identity" in enhancers
    assert "nobody" not in enhancers


def test_a_part_may_live_in_a_module_of_another_name() -> None:
    assert denoisers.config("light").__module__ == "avqa_core.diffusion.denoiser"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OtherConfig(CompleterConfig):
    """A config that no part has."""


def test_a_name_is_taken_even_before_its_module_is_imported() -> None:
    fresh: Registry[Completer] = Registry("completer", "avqa_core.completion")
    with pytest.raises(RegistryError, match="'rmm' with _OtherConfig, which is registered already"):
        fresh.register("rmm", _OtherConfig)(Completer)


def test_nobody_of_that_name() -> None:
    with pytest.raises(RegistryError, match="got 'retreival'; did you mean 'retrieval'"):
        completers.config("retreival")


def _package(folder: Path, monkeypatch, **modules: str) -> Registry[Completer]:
    """Return a registry over a package of its own with these modules."""
    package = folder / "own_parts"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, source in modules.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    for name in ("own_parts", *(f"own_parts.{one}" for one in modules)):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Registry("completer", "own_parts")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that"),
        ("def broken(:", "SyntaxError: .*broken.py, line 1"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_its_error(
    tmp_path, monkeypatch, source: str, told: str
) -> None:
    registry = _package(tmp_path, monkeypatch, broken=source)
    with pytest.raises(RegistryError, match=rf"a completer in own_parts\.broken, got {told}"):
        registry.config("broken")
    with pytest.raises(RegistryError, match=r"own_parts\.broken"):
        list(registry)


def test_a_module_that_registers_nothing_is_told_from_one_that_is_not_there(
    tmp_path, monkeypatch
) -> None:
    registry = _package(tmp_path, monkeypatch, silent="")
    with pytest.raises(
        RegistryError, match=r"own_parts\.silent is there and registers no such name"
    ):
        registry.config("silent")
    with pytest.raises(RegistryError, match=r"got 'missing'$"):
        registry.config("missing")
