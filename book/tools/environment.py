"""Create or reuse the virtual environment; run by any Python, with the standard library alone.

torch is installed first and by itself, so that TORCH_INDEX_URL chooses its build and nothing that
comes later replaces it. A stamp in the environment holds the hash of what it was made from, and
where it was made, since its programs name that place; as long as both are unchanged, nothing is
done and nothing is fetched.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
STAMP = ".made-from"


def main():
    """Make sure that the environment is there, complete and of this checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path())
    parser.add_argument("--venv", type=pathlib.Path, default=pathlib.Path(".venv"))
    parser.add_argument("--named", action="store_true", help="this Python was asked for by name")
    parser.add_argument("--torch-index-url", default=os.environ.get("TORCH_INDEX_URL", ""))
    options = parser.parse_args()
    root = options.root.resolve()
    venv = options.venv if options.venv.is_absolute() else root / options.venv
    problem = unfit(sys.version_info[:2]) if not python_of(venv).exists() else None
    if problem:
        print("error: " + problem, file=sys.stderr)
        return 2
    if options.named:
        note_other_python(venv)
    wanted = fingerprint(root) + "\n" + str(venv)
    stamp = venv / STAMP
    with alone(venv):
        if stamp.is_file() and stamp.read_text() == wanted and python_of(venv).exists():
            return 0
        say(f"environment: installing into {venv}, about 5 minutes and 2.5 GB the first time")
        return install(root, venv, options.torch_index_url, stamp, wanted)


@contextlib.contextmanager
def alone(venv):
    """Let one process at a time fill an environment; the others wait and then find it filled."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with venv.with_name(venv.name + ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"environment: waiting, another process installs into {venv}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def note_other_python(venv):
    """Say so where an environment is of another Python than the one that was asked for."""
    settings = venv / "pyvenv.cfg"
    text = settings.read_text() if settings.is_file() else ""
    found = re.search(r"^version = (\d+)\.(\d+)", text, re.M)
    if found and (int(found[1]), int(found[2])) != sys.version_info[:2]:
        asked = ".".join(map(str, sys.version_info[:2]))
        say(
            f"environment: {venv} has Python {found[1]}.{found[2]} and keeps it, not the {asked} "
            f"that was named: run 'rm -r {venv}' first, or name another folder with VENV=..."
        )


def fingerprint(root):
    """Return a hash of the files that decide what is installed."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def unfit(version):
    """Return why this Python will not do, None if it does."""
    if OLDEST <= tuple(version) <= NEWEST:
        return None
    return (
        f"expected Python 3.11, 3.12 or 3.13, got {version[0]}.{version[1]} ({sys.executable}): "
        "install one of them and name it, for example 'make book PYTHON=python3.12'"
    )


def python_of(venv):
    """Return the interpreter of an environment."""
    return venv / "bin" / "python"


def pinned(root, name):
    """Return the line of ``constraints.txt`` that pins ``name``."""
    for line in (root / "constraints.txt").read_text().splitlines():
        if line.split("==")[0].strip().lower() == name:
            return line.strip()
    raise SystemExit(f"error: expected a pin of {name} in constraints.txt, got none: restore it")


def commands(root, venv, torch_index_url):
    """Return the pip commands, in their order."""
    pip = [str(python_of(venv)), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    index = ["--index-url", torch_index_url] if torch_index_url else []
    constraints = ["-c", str(root / "constraints.txt")]
    return [
        [*pip, *index, pinned(root, "torch")],
        [*pip, *constraints, "setuptools", "wheel"],
        [*pip, *constraints, "--no-build-isolation", "-e", f"{root}[encoders,book,dev]"],
    ]


def install(root, venv, torch_index_url, stamp, wanted):
    """Create the environment if it is not there, fill it, and write the stamp last."""
    was_moved = stamp.is_file() and stamp.read_text().splitlines()[1:] not in ([], [str(venv)])
    if (was_moved or not has_pip(venv)) and not create(venv, ["--clear"] if was_moved else []):
        return 2
    if stamp.is_file():
        stamp.unlink()
    for command in commands(root, venv, torch_index_url):
        say("environment: " + " ".join(command[2:]).replace(str(root), "."))
        if subprocess.call(command) != 0:
            print(
                "error: expected pip to finish, it failed as shown above: check the network and "
                "the disk, then give the same command again",
                file=sys.stderr,
            )
            return 2
    stamp.write_text(wanted)
    return 0


def has_pip(venv):
    """Tell whether there is an environment that can be filled; a stopped ``venv`` leaves half."""
    test = [str(python_of(venv)), "-c", "import pip"]
    return python_of(venv).exists() and subprocess.call(test, stderr=subprocess.DEVNULL) == 0


def create(venv, options):
    """Create an empty environment; say which system package is missing where that is the cause."""
    if subprocess.call([sys.executable, "-m", "venv", *options, str(venv)]) == 0:
        return True
    print(
        "error: expected 'python -m venv' to work, it failed as shown above: on Debian and Ubuntu "
        "run 'apt-get install python3-venv', then give the same command again",
        file=sys.stderr,
    )
    return False


def say(text):
    """Print at once, before pip writes."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
