"""The worlds that experiments run in: the profile's own or a larger one, parts of it, others."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avqa_core import fingerprint, worlds
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError, FeatureError
from avqa_core.experiments.experiment import DEFAULT_WORLD
from avqa_core.experiments.subsets import write_subset
from avqa_core.training import runs

Watch = Callable[[Iterator[Any]], Iterable[Any]]


@dataclass
class Worlds:
    """Data folders by the name of their world, each built at most once.

    Attributes:
        profile: whose size the built worlds have.
        parent: folder of all built worlds.
        data: folder of the default world; the profile's Bandstand if None, with more clips to train
            on where ``worlds.LARGER`` says so.
        builds: whether a world that is not there is built; otherwise it has no path.
        watch: hands the progress events of a build on.
    """

    profile: str
    parent: Path
    data: Path | None = None
    builds: bool = True
    watch: Watch = iter
    _found: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def find(self, name: str) -> tuple[Path, str] | None:
        """Return the folder of a world and the hash of its data, None if it is not there.

        Raises:
            AvqaError: no world can have this name, or ``data`` is no data folder.
        """
        if name not in self._found:
            folder = self._folder(name)
            if folder is None:
                return None  # not remembered: somebody else may build it meanwhile
            self._found[name] = folder, runs.data_hash(folder)
        return self._found[name]

    def _folder(self, name: str) -> Path | None:
        if match := re.fullmatch(r"only\((.+)\)", name):
            return self._subset(match[1])
        if name == DEFAULT_WORLD and self.data is not None:
            return DataFolder(self.data).path
        larger = worlds.LARGER.get(self.profile) if name == DEFAULT_WORLD else None
        parent = self.parent if name == DEFAULT_WORLD else self.parent / name
        if larger is not None:
            parent = self.parent / "results"
        if not self.builds:
            folder = parent / self.profile
            return folder if (folder / "world.json").exists() else None
        return worlds.built(self.profile, parent, self.watch, self._builder(name), larger)

    def _subset(self, category: str) -> Path | None:
        """Return the default world with the questions of one category."""
        base = self.find(DEFAULT_WORLD)
        folder = self.parent / "only" / category.lower().replace(" ", "_") / self.profile
        if base is None or not (self.builds or folder.is_dir()):
            return None
        if self.builds:
            write_subset(base[0], folder, category)
        return folder

    @staticmethod
    def _builder(name: str) -> worlds.Builder | None:
        if name == DEFAULT_WORLD:
            return None
        match = re.fullmatch(r"coupling\((\d(?:\.\d+)?)\)", name)
        if match is None:
            raise ConfigError(
                f"world: expected {DEFAULT_WORLD}, coupling(x) or only(category), got {name!r}"
            )
        coupling = float(match[1])

        def build(folder: Path, clips: dict[str, int]) -> Iterator[Any]:
            from avqa_core.bandstand.world import WorldConfig, build_world

            config = WorldConfig(coupling=coupling)
            return build_world(config, folder, splits=clips, num_workers=os.cpu_count() or 1)

        return build


def identity_of(folder: Path) -> str:
    """Return a hash of what a data folder was made from: its questions, and the makers of features.

    For a built-in world that is its recipe and the weights of its encoders, the same on every
    processor. Of other features nobody knows how they were made, so their bytes count.

    Raises:
        FeatureError: the index of the features is damaged.
    """
    index = folder / "features" / "index.json"
    try:
        recipe = json.loads(index.read_text()).get("provenance", {}) if index.exists() else {}
    except (ValueError, AttributeError, RecursionError) as error:
        raise FeatureError(
            f"expected the index of a feature store at {index}, got {error}: copy it again, or "
            "extract the features again"
        ) from error
    if "world" not in recipe:
        return runs.data_hash(folder)
    questions = fingerprint.of_files(sorted((folder / "json").glob("*.json")), folder)
    told = json.dumps(recipe, sort_keys=True)
    return fingerprint.of_text(questions, told, fingerprint.of_package("bandstand/weights"))
