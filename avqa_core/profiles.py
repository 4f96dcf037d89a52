"""Profiles of the book: how large a chapter runs, and where its data lies.

``smoke`` takes seconds and is what every change is checked with, ``book`` is what the published
pages show (two CPU cores), ``full`` is what a GPU is for. The values stand in
``notebooks/profiles``: ``<profile>.yml`` holds what every chapter shares and is an ordinary
papermill parameter file, ``<chapter>.yml`` holds one section a profile with the values of that
chapter alone. Every chapter resolves its parameters here, so that a profile name alone, or any
single value, may be given.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from avqa_core.errors import ConfigError

Profile = Literal["smoke", "book", "full"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
SHARED = ("profile", "seed", "num_seeds", "device", "data_dir", "out_dir")
CHECKOUT_VARIABLE = "AVQA_BOOK"


@dataclass(frozen=True)
class ChapterRun:
    """The resolved parameters of one run of one chapter; its own values are attributes too."""

    chapter: str
    profile: str
    seed: int
    num_seeds: int
    device: str
    data_dir: Path | None
    out_dir: Path
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seeds(self) -> range:
        """Return the seeds of this run, the first of them ``seed``."""
        return range(self.seed, self.seed + self.num_seeds)

    @property
    def media_dir(self) -> Path:
        """Return the folder whose files the published page finds beside itself, by its name."""
        return self.out_dir / f"{self.chapter}_media"

    def __getattr__(self, name: str) -> Any:
        """Return one of the chapter's own values."""
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(f"{self.__dict__.get('chapter', 'chapter')} has no value {name!r}")
        return values[name]

    def __str__(self) -> str:
        own = "".join(f", {name} {value}" for name, value in self.values.items())
        seeds = f"seed {self.seed}" if self.num_seeds == 1 else f"seeds {list(self.seeds)}"
        return f"{self.chapter}: profile {self.profile}, {seeds}, device {self.device}{own}"


def checkout() -> Path:
    """Return the root of the book's checkout: above the working directory, or above the package.

    Raises:
        ConfigError: neither lies in a checkout and ``AVQA_BOOK`` does not name one.
    """
    named = os.environ.get(CHECKOUT_VARIABLE)
    here = Path.cwd()
    places = [Path(named)] if named else [here, *here.parents, Path(__file__).resolve().parents[1]]
    for place in places:
        if (place / "notebooks" / "profiles").is_dir():
            return place
    raise ConfigError(
        f"expected a checkout of the book (a folder with notebooks/profiles), found none at "
        f"{' or above '.join(map(str, places[:1]))}: run inside one, or set {CHECKOUT_VARIABLE}"
    )


def require_package(wanted: str) -> None:
    """Stop a chapter that was written for another version of the package.

    Args:
        wanted: the version without its last part, e.g. ``"0.1"``.

    Raises:
        ConfigError: the installed package is of another version.
    """
    installed = version("avqa-core")
    if installed != wanted and not installed.startswith(f"{wanted}."):
        raise ConfigError(
            f"expected avqa-core {wanted}, got {installed}: run 'pip install -e .' in the checkout "
            "that this chapter belongs to"
        )


def shared(profile: str) -> dict[str, Any]:
    """Return what every chapter shares under ``profile``."""
    _require_known(profile, PROFILES, "profile")
    values = _read(_folder() / f"{profile}.yml")
    for name in values:
        _require_known(name, SHARED, f"{profile}.yml")
    return {name: values.get(name) for name in SHARED} | {"profile": profile}


def own(chapter: str, profile: str) -> dict[str, Any]:
    """Return the values that ``chapter`` alone has under ``profile``; a chapter may have none."""
    return dict(_section(chapter, "parameters", profile))


def budget(chapter: str, profile: str) -> float:
    """Return the seconds that ``chapter`` may take under ``profile`` on two CPU cores."""
    seconds = _section(chapter, "budget_seconds", None).get(profile)
    if not isinstance(seconds, int | float) or seconds <= 0:
        raise ConfigError(
            f"{chapter}.yml: expected budget_seconds for profile {profile!r}, "
            f"got {seconds!r}: add the seconds that the chapter promises"
        )
    return float(seconds)


def resolve(chapter: str, profile: str | None = None, **given: Any) -> ChapterRun:
    """Fill in every parameter of ``chapter`` that was not given from the table of the profile.

    Args:
        chapter: name of the notebook without its ending, e.g. ``"04_full_training"``.
        profile: ``smoke``, ``book`` or ``full``; ``book`` where None.
        given: values that win over the table; None means "take the table's".

    Raises:
        ConfigError: an unknown profile or parameter, or one without any value.
    """
    from avqa_core.training.distributed import resolve_device

    profile = profile or "book"
    table = shared(profile) | own(chapter, profile)
    for name in given:
        _require_known(name, table, chapter)
    table |= {name: value for name, value in given.items() if value is not None}
    empty = [name for name, value in table.items() if value is None and not name.endswith("_dir")]
    if empty:
        raise ConfigError(
            f"{chapter}: expected a value for {empty[0]!r} under profile {profile!r}, got none: "
            f"add it to notebooks/profiles/{chapter}.yml"
        )
    _require_whole("seed", table["seed"], at_least=0)
    _require_whole("num_seeds", table["num_seeds"], at_least=1)
    return ChapterRun(
        chapter=chapter,
        profile=profile,
        seed=table["seed"],
        num_seeds=table["num_seeds"],
        device=str(resolve_device(table["device"])),
        data_dir=Path(table["data_dir"]) if table["data_dir"] else None,
        out_dir=_out_dir(table["out_dir"], chapter, profile),
        values={name: value for name, value in table.items() if name not in SHARED},
    )


def world(
    profile: str,
    data_dir: str | Path | None = None,
    watch: Callable[[Iterator[Any]], Iterable[Any]] = iter,
) -> Path:
    """Return the data folder of a run; without ``data_dir`` that is a Bandstand of our own.

    The built-in world of a profile lies under ``build/world/<profile>``. It is built at the first
    call, which takes about a minute for each thousand clips, and reused as long as the code that
    makes it stays as it is.

    Args:
        profile: whose world, where no folder is given.
        data_dir: a folder in the same format.
        watch: hands the progress events of a build on, for example to a bar.

    Raises:
        AnnotationError: ``data_dir`` is no data folder.
    """
    from avqa_core import worlds
    from avqa_core.data.folder import DataFolder

    _require_known(profile, PROFILES, "profile")
    if data_dir is not None:
        return DataFolder(data_dir).path
    return worlds.built(profile, checkout() / "build" / "world", watch)


def _out_dir(out_dir: str | Path | None, chapter: str, profile: str) -> Path:
    """Return where the run may write; the default lies with everything generated."""
    return Path(out_dir) if out_dir else checkout() / "build" / "out" / profile / chapter


def _folder() -> Path:
    return checkout() / "notebooks" / "profiles"


def _section(chapter: str, name: str, profile: str | None) -> Mapping[str, Any]:
    """Return ``parameters.<profile>`` or ``budget_seconds`` of a chapter's file."""
    path = _folder() / f"{chapter}.yml"
    if not path.is_file():
        chapters = [file.stem for file in path.parent.glob("[0-9]*.yml")]
        _require_known(chapter, chapters, "chapter")
    content = _read(path)
    for key in content:
        _require_known(key, ("budget_seconds", "parameters"), path.name)
    section = content.get(name) or {}
    for key in section:
        _require_known(key, PROFILES, f"{path.name}: {name}")
    return section if profile is None else section.get(profile) or {}


def _read(path: Path) -> dict[str, Any]:
    """Read one parameter file, a mapping from names to plain values."""
    try:
        import yaml
    except ImportError as error:
        raise ConfigError(
            "expected PyYAML for the book's profiles, found none: pip install 'avqa-core[book]'"
        ) from error
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(
            f"expected a parameter file at {path}, got {error}: restore it"
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path.name}: expected 'name: value' lines, got {content!r}")
    return content


def _require_known(name: str, known: Iterable[str], where: str) -> None:
    known = sorted(known)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{where}: expected one of {', '.join(known)}; got {name!r}{hint}")


def _require_whole(name: str, value: Any, at_least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ConfigError(
            f"{name}: expected a whole number of at least {at_least}, got {value!r}: change it"
        )
