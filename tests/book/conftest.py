"""A checkout in miniature: one chapter, two pages, three profiles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from avqa_core import profiles
from book.tools import pairing
from book.tools.layout import Layout

ROOT = Path(__file__).resolve().parents[2]

CHAPTER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does a tiny chapter show?

# %% [markdown]
# :::{admonition} At a glance
# **Time** at most 20 s. See {doc}`../book/intro`.
# :::

# %% tags=["parameters"]
profile: str = "book"  # how large
seed = None  # first seed
num_seeds = None  # how many
device = None  # where
data_dir = None  # which data
out_dir = None  # where to write
steps = None  # how long

# %%
from avqa_core import profiles

run = profiles.resolve(
    "01_tiny",
    profile,
    seed=seed,
    num_seeds=num_seeds,
    device=device,
    data_dir=data_dir,
    out_dir=out_dir,
    steps=steps,
)

# %%
total = run.seed + 2 * run.steps
total

# %% [markdown]
# ## It adds up
# $1 + 1 = 2$, see {term}`sum`.
"""

PROFILE = """\
budget_seconds: {smoke: 60, book: 20, full: 60}
parameters:
  smoke: {steps: 2}
  book: {steps: 4}
  full: {steps: 8}
"""

TOC = """\
format: jb-book
root: book/intro
chapters:
  - file: notebooks/01_tiny
"""

INTRO = """\
# A tiny book

:::{glossary}
sum
  What one gets by adding.
:::
"""


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout in miniature, paired, with the real configuration."""
    small = Layout(tmp_path)
    (small.notebooks / "profiles").mkdir(parents=True)
    small.results.mkdir(parents=True)
    for profile in profiles.PROFILES:
        shared = f"profile: {profile}\nseed: 1\nnum_seeds: 2\ndevice: cpu\n"
        (small.notebooks / "profiles" / f"{profile}.yml").write_text(shared)
    (small.notebooks / "profiles" / "01_tiny.yml").write_text(PROFILE)
    (small.notebooks / "01_tiny.py").write_text(CHAPTER)
    (small.root / "_toc.yml").write_text(TOC)
    (small.book / "intro.md").write_text(INTRO)
    (small.book / "references.bib").write_text("")
    for name in ("_config.yml", "jupytext.toml"):
        shutil.copy(ROOT / name, small.root)
    for name in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / name, small.book / name)
    monkeypatch.setenv(profiles.CHECKOUT_VARIABLE, str(tmp_path))
    pairing.pair(small)
    return small


@pytest.fixture
def chapter(layout: Layout) -> Path:
    """The script of the only chapter."""
    return layout.notebooks / "01_tiny.py"


@pytest.fixture
def edit(layout: Layout, chapter: Path):
    """Return a function that replaces text in the chapter and pairs it again."""

    def replace(old: str, new: str) -> None:
        assert old in chapter.read_text()
        chapter.write_text(chapter.read_text().replace(old, new))
        pairing.pair(layout)

    return replace
