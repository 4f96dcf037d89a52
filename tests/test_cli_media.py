from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["extract", "ask"])
def test_help_needs_no_torch(command):
    program = (
        "import sys\n"
        "from avqa_core import cli\n"
        "try:\n"
        f"    cli.main([{command!r}, '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert not {'torch', 'numpy', 'av'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"usage: avqa {command}" in done.stdout
