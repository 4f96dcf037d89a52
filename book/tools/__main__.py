"""``python -m book.tools STEP``: every step of the book machine, alone or all of them in order."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from avqa_core.errors import AvqaError
from avqa_core.profiles import CHECKOUT_VARIABLE, PROFILES
from book.tools import (
    alone,
    bundle,
    cells,
    expect,
    freshness,
    gate_html,
    gate_notebook,
    gate_source,
    pairing,
    picture,
    readme,
    run,
    stage,
)
from book.tools.layout import BookError, Layout

Step = Callable[[Layout, argparse.Namespace], None]


def main(arguments: list[str] | None = None) -> int:
    """Run one step; a problem is one message and exit code 2, without a traceback."""
    options = _parser().parse_args(arguments)
    layout = Layout(options.root.resolve())
    os.environ[CHECKOUT_VARIABLE] = str(layout.root)
    try:
        if not layout.chapters():
            raise BookError(
                f"--root: expected a checkout with chapters, got {layout.root}: name one"
            )
        if options.jobs < 1:
            raise BookError(f"--jobs: expected at least 1, got {options.jobs}: raise it")
        with alone.alone(layout) if options.name in _ALONE else nullcontext():
            options.step(layout, options)
    except (AvqaError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 0


def _pair(layout: Layout, options: argparse.Namespace) -> None:
    for path in pairing.pair(layout):
        print(f"written: {path.relative_to(layout.root)}")
    print(f"{len(layout.chapters())} pairs agree")


def _check(layout: Layout, options: argparse.Namespace) -> None:
    cells.report("check", gate_source.problems(layout))
    print(f"check: {len(layout.chapters())} chapters and their pairs are as they have to be")


def _convert(layout: Layout, options: argparse.Namespace) -> None:
    for script in layout.chapters():
        print(pairing.convert(layout, script).relative_to(layout.root))


def _world(layout: Layout, options: argparse.Namespace) -> None:
    print(f"world: {run.build_world(options.profile)}")


def _run(layout: Layout, options: argparse.Namespace) -> None:
    given = dict(_value(text) for text in options.parameter)
    outcomes = run.run(
        layout, options.profile, options.chapters, given, options.jobs, options.force
    )
    run.report(outcomes)


def _gate(layout: Layout, options: argparse.Namespace) -> None:
    names = getattr(options, "chapters", None)
    late = gate_notebook.slow(layout, options.profile, names)
    # our own machines hold the pages to their promise; a reader's may be slower
    is_ours = os.environ.get("CI", "").lower() not in ("", "0", "false")
    found = gate_notebook.problems(layout, options.profile, names)
    cells.report("gate", found + late if is_ours else found)
    for one in late:
        print(f"gate, a note: {one}")
    print("gate: every executed notebook is fit for the page")


def _stage(layout: Layout, options: argparse.Namespace) -> None:
    print(f"stage: {stage.stage(layout, options.profile).relative_to(layout.root)}")


def _build(layout: Layout, options: argparse.Namespace) -> None:
    print(f"build: {stage.build(layout).relative_to(layout.root)}")


def _gate_html(layout: Layout, options: argparse.Namespace) -> None:
    cells.report("gate-html", gate_html.problems(layout))
    print(f"gate-html: {len(layout.pages())} pages, complete and readable from a folder")


def _zip(layout: Layout, options: argparse.Namespace) -> None:
    print(f"zip: {bundle.pack(layout, options.profile).relative_to(layout.root)}")


def _expect(layout: Layout, options: argparse.Namespace) -> None:
    for name in options.chapters or [one.stem for one in layout.chapters()]:
        path = expect.store(layout, layout.chapter(name).stem, options.profile, options.tolerance)
        print(f"expect: {path.relative_to(layout.root)}")


def _readme(layout: Layout, options: argparse.Namespace) -> None:
    print(f"readme: {readme.write(layout).relative_to(layout.root)}")


def _picture(layout: Layout, options: argparse.Namespace) -> None:
    print(f"picture: {picture.take(layout).relative_to(layout.root)}")


def _fresh(layout: Layout, options: argparse.Namespace) -> None:
    cells.report("fresh", [*freshness.stale(layout), *readme.problems(layout)])
    print("fresh: every stored result comes from this source, and the README shows them")


def _all(layout: Layout, options: argparse.Namespace) -> None:
    """Run the seven steps in order and say where the book is."""
    started = time.monotonic()
    for name, step in (
        ("1 of 7, convert and check the sources", _check),
        ("2 and 3 of 7, run the chapters and finish them", _run),
        ("4 of 7, gate the executed notebooks", _gate),
        ("5 of 7, stage", _stage),
        ("6 of 7, build the pages", _build),
        ("7 of 7, gate the pages", _gate_html),
    ):
        print(f"[{time.monotonic() - started:4.0f} s] {name}", flush=True)
        step(layout, options)
    print(f"[{time.monotonic() - started:4.0f} s] done. Open {layout.html / 'index.html'}")


STEPS: dict[str, tuple[Step, str]] = {
    "all": (_all, "convert, run, finish, gate, stage, build and gate again"),
    "pair": (_pair, "write the notebook beside each script"),
    "check": (_check, "check sources, pairs, parameters and profiles"),
    "convert": (_convert, "convert the scripts to notebooks under build/"),
    "world": (_world, "build the built-in world of a profile, or find it built"),
    "run": (_run, "run chapters through papermill and finish them, where something changed"),
    "gate": (_gate, "check the executed notebooks"),
    "stage": (_stage, "put together what is to be built"),
    "build": (_build, "build the pages, every warning an error"),
    "gate-html": (_gate_html, "check the built pages"),
    "zip": (_zip, "pack the pages into one archive"),
    "expect": (_expect, "store a run's glued numbers, with a tolerance, for later runs to meet"),
    "readme": (_readme, "write the results table of the README from the stored results"),
    "picture": (_picture, "take the picture of the README from the built pages; needs Chromium"),
    "fresh": (_fresh, "fail if a stored result is older than the source"),
}

# the others write nothing that a second process could be reading
_ALONE = ("all", "run", "gate", "stage", "build", "gate-html", "zip", "picture")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m book.tools", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="STEP")
    for name, (step, summary) in STEPS.items():
        one = subparsers.add_parser(name, help=summary, description=summary)
        one.set_defaults(name=name, step=step)
        one.add_argument("--root", type=Path, default=Path(), help="root of the checkout")
        one.add_argument("--profile", choices=PROFILES, default="book")
        one.add_argument("--tolerance", type=float, default=0.05, help="relative; for 'expect'")
        chapters = "chapters by name or number; all where none is given"
        one.add_argument("chapters", nargs="*", help=chapters)
        one.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
        one.add_argument("--force", action="store_true", help="run even what is up to date")
        one.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    return parser


def _value(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise BookError(f"expected -p NAME=VALUE, got {text!r}: write for example -p seed=3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    sys.exit(main())
