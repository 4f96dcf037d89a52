"""Which world an experiment runs in."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from avqa_core import worlds
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.experiments.worlds import Worlds, identity_of
from avqa_core.training import runs
from tests.training.worlds import write_world

Built = tuple[str, Path, dict[str, int] | None]


@pytest.fixture(name="built")
def _built(monkeypatch: pytest.MonkeyPatch) -> list[Built]:
    """Build nothing, and tell what would have been built."""
    asked: list[Built] = []

    def build(
        profile: str,
        parent: Path,
        watch: Callable[[Iterator[Any]], Any],
        builder: worlds.Builder | None,
        clips: dict[str, int] | None = None,
    ) -> Path:
        asked.append((profile, parent, clips))
        return parent / profile

    monkeypatch.setattr(worlds, "built", build)
    monkeypatch.setattr(runs, "data_hash", str)
    return asked


def test_stored_results_of_the_book_train_on_more_clips_than_its_pages(
    built: list[Built], tmp_path: Path
) -> None:
    found = Worlds("book", tmp_path).find("default")
    assert found is not None and found[0] == tmp_path / "results" / "book"
    ((_, _, clips),) = built
    assert clips == worlds.LARGER["book"]
    pages = worlds.CLIPS["book"]
    assert clips["train"] > pages["train"]
    assert [clips[split] for split in ("val", "test")] == [pages["val"], pages["test"]]


def test_where_nothing_larger_is_named_the_pages_and_the_results_share_a_world(
    built: list[Built], tmp_path: Path
) -> None:
    assert Worlds("smoke", tmp_path).find("default") == (
        tmp_path / "smoke",
        str(tmp_path / "smoke"),
    )
    assert built == [("smoke", tmp_path, None)]


def test_another_coupling_is_a_world_of_its_own(built: list[Built], tmp_path: Path) -> None:
    Worlds("book", tmp_path).find("coupling(0.5)")
    assert built == [("book", tmp_path / "coupling(0.5)", None)]


def test_a_world_that_is_not_built_has_no_path(built: list[Built], tmp_path: Path) -> None:
    assert Worlds("book", tmp_path, builds=False).find("default") is None
    assert built == []


def test_a_world_of_one_category_shares_the_features_and_is_another_one(tmp_path: Path) -> None:
    base = write_world(tmp_path / "base")
    listed = Worlds("smoke", tmp_path / "worlds", base, builds=False)
    assert listed.find("only(Audio Counting)") is None
    found = Worlds("smoke", tmp_path / "worlds", base).find("only(Audio Counting)")
    assert found is not None and found[1] != runs.data_hash(base)
    assert listed.find("only(Visual Location)") is None
    assert Worlds("smoke", tmp_path / "worlds", base, builds=False).find(
        "only(Audio Counting)"
    ) == (found)
    for split in ("train", "val", "test"):
        whole, part = (DataFolder(one).examples(split) for one in (base, found[0]))
        assert part == [one for one in whole if str(one.category) == "Audio Counting"]
        assert 0 < len(part) < len(whole)
    assert (found[0] / "features").resolve() == (base / "features").resolve()
    batch = DataFolder(found[0]).dataset("test").batch([0])
    assert torch.equal(batch.audio, DataFolder(base).dataset("test").batch([0]).audio)


def test_a_world_of_one_category_is_cut_out_of_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    base = write_world(tmp_path / "base")
    for path in (base / "json").iterdir():
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    found = Worlds("smoke", tmp_path / "worlds", base).find("only(Audio Counting)")
    assert found is not None and DataFolder(found[0]).examples("test")


def test_a_world_of_one_category_follows_its_base(tmp_path: Path) -> None:
    first, second = write_world(tmp_path / "a"), write_world(tmp_path / "b", seed=1)
    for base in (first, second):
        found = Worlds("smoke", tmp_path / "worlds", base).find("only(Audio Counting)")
        assert found is not None and (found[0] / "features").resolve() == base / "features"


def test_a_category_that_nobody_asks_about_is_refused(tmp_path: Path) -> None:
    base = write_world(tmp_path / "base")
    with pytest.raises(ConfigError, match="'Audio Smell'"):
        Worlds("smoke", tmp_path / "worlds", base).find("only(Audio Smell)")


def test_no_other_world_has_a_name(built: list[Built], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected default, coupling\(x\) or only\(category\)"):
        Worlds("book", tmp_path).find("mars")


def test_a_built_world_is_what_it_was_made_from_and_not_how_its_features_are_rounded(
    tmp_path: Path,
) -> None:
    folder = write_world(tmp_path / "world")
    index = folder / "features" / "index.json"
    assert identity_of(folder) == runs.data_hash(folder)  # nobody knows how these were made
    content = json.loads(index.read_text())
    index.write_text(json.dumps(content | {"provenance": {"world": {"seed": 0}}}))
    identity, data_hash = identity_of(folder), runs.data_hash(folder)
    index.write_text(json.dumps(content | {"provenance": {"world": {"seed": 0}}, "rounded": 1}))
    assert identity_of(folder) == identity and runs.data_hash(folder) != data_hash
    index.write_text(json.dumps(content | {"provenance": {"world": {"seed": 1}}}))
    assert identity_of(folder) != identity
    index.write_text(json.dumps(content | {"provenance": {"world": {"seed": 0}}}))
    questions = folder / "json" / "avqa-test.json"
    questions.write_text(questions.read_text() + "\n")
    assert identity_of(folder) != identity


def test_a_world_that_another_call_has_built_since_is_found(tmp_path: Path) -> None:
    looks = Worlds("smoke", tmp_path, builds=False)
    assert looks.find("coupling(0.5)") is None
    folder = write_world(tmp_path / "coupling(0.5)" / "smoke")
    (folder / "world.json").write_text("{}")
    found = looks.find("coupling(0.5)")
    assert found is not None and found[0] == folder
