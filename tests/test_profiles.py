"""Parameters of a chapter: what the profile gives, what the reader gives, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from avqa_core import profiles
from avqa_core.errors import AnnotationError, ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Profiles of one chapter with one value of its own."""
    place = tmp_path / "notebooks" / "profiles"
    place.mkdir(parents=True)
    for number, profile in enumerate(profiles.PROFILES):
        (place / f"{profile}.yml").write_text(f"seed: 5\nnum_seeds: {number + 1}\ndevice: cpu\n")
    (place / "07_x.yml").write_text(
        "budget_seconds: {smoke: 3, book: 30, full: 300}\n"
        "parameters: {smoke: {steps: 2}, book: {steps: 4}, full: {steps: 8}}\n"
    )
    monkeypatch.setenv(profiles.CHECKOUT_VARIABLE, str(tmp_path))
    return place


def test_the_profile_alone_is_enough(folder: Path) -> None:
    run = profiles.resolve("07_x", "smoke")
    assert (run.seed, run.num_seeds, run.device, run.steps) == (5, 1, "cpu", 2)
    assert list(profiles.resolve("07_x", "full").seeds) == [5, 6, 7]
    assert profiles.resolve("07_x").profile == "book"


def test_a_given_value_wins_and_none_does_not(folder: Path) -> None:
    run = profiles.resolve("07_x", "smoke", seed=0, steps=9, num_seeds=None, data_dir=None)
    assert (run.seed, run.steps, run.num_seeds, run.data_dir) == (0, 9, 1, None)


def test_files_go_below_build_unless_a_place_is_given(folder: Path, tmp_path: Path) -> None:
    assert profiles.resolve("07_x", "smoke").out_dir == tmp_path / "build/out/smoke/07_x"
    run = profiles.resolve("07_x", "smoke", out_dir="elsewhere")
    assert run.media_dir == Path("elsewhere/07_x_media")


@pytest.mark.parametrize(
    ("profile", "given", "message"),
    [
        ("smok", {}, "did you mean 'smoke'"),
        ("smoke", {"step": 3}, "did you mean 'steps'"),
        ("smoke", {"seed": 1.5}, "whole number"),
        ("smoke", {"seed": -1}, "at least 0"),
        ("smoke", {"num_seeds": 0}, "at least 1"),
        ("smoke", {"num_seeds": True}, "whole number"),
        ("smoke", {"device": "tpu9000"}, "expected auto, cpu, cuda"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, profile: str, given: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        profiles.resolve("07_x", profile, **given)


def test_an_unknown_chapter_is_named_with_the_closest(folder: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean '07_x'"):
        profiles.resolve("07_y", "smoke")


def test_a_value_that_no_one_gives_is_an_error(folder: Path) -> None:
    (folder / "smoke.yml").write_text("seed: 5\ndevice: cpu\n")
    with pytest.raises(ConfigError, match="'num_seeds'"):
        profiles.resolve("07_x", "smoke")
    assert profiles.resolve("07_x", "smoke", num_seeds=1).num_seeds == 1


@pytest.mark.parametrize("content", ["seed: [", "just text", "sead: 3\n"])
def test_an_unreadable_profile_is_an_error(folder: Path, content: str) -> None:
    (folder / "smoke.yml").write_text(content)
    with pytest.raises(ConfigError, match=r"smoke\.yml"):
        profiles.resolve("07_x", "smoke")


def test_a_misspelt_section_is_an_error(folder: Path) -> None:
    (folder / "07_x.yml").write_text("parameter: {smoke: {steps: 2}}\n")
    with pytest.raises(ConfigError, match="did you mean 'parameters'"):
        profiles.resolve("07_x", "smoke")


def test_every_chapter_promises_a_time(folder: Path) -> None:
    assert profiles.budget("07_x", "book") == 30.0
    (folder / "07_x.yml").write_text("budget_seconds: {book: soon}\n")
    with pytest.raises(ConfigError, match="budget_seconds"):
        profiles.budget("07_x", "book")


def test_an_attribute_that_is_no_value_is_none_of_ours(folder: Path) -> None:
    with pytest.raises(AttributeError, match="no value 'epochs'"):
        _ = profiles.resolve("07_x", "smoke").epochs


def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "version", lambda name: "0.10.2")
    profiles.require_package("0.10")
    with pytest.raises(ConfigError, match="pip install -e"):
        profiles.require_package("0.1")


def test_no_checkout_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(profiles.CHECKOUT_VARIABLE, str(tmp_path))
    with pytest.raises(ConfigError, match=profiles.CHECKOUT_VARIABLE):
        profiles.checkout()


def test_a_chapter_finds_its_checkout_from_any_folder_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(profiles.CHECKOUT_VARIABLE)
    monkeypatch.chdir(folder)
    assert profiles.checkout() == folder.parents[1]


def test_a_folder_of_ones_own_is_looked_at(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="expected a data folder"):
        profiles.world("smoke", tmp_path)
    (tmp_path / "json").mkdir()
    assert profiles.world("smoke", str(tmp_path)) == tmp_path
