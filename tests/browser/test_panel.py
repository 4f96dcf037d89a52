"""The panel of JupyterLab in a real browser: a click on a toggle moves the answer."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
CELL = """\
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.viz.fakes import make_session
from avqa_core.viz.panel import TogglePanel
panel = TogglePanel(make_session(Path(tempfile.mkdtemp())))
panel
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def lab(tmp_path) -> Iterator[str]:
    """Start JupyterLab over a notebook that shows the panel; yield the notebook's address."""
    cell = {
        "cell_type": "code",
        "id": "panel",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": CELL.format(root=str(ROOT)),
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "panel.ipynb").write_text(json.dumps(notebook))
    quiet = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True, exist_ok=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    port, token = free_port(), secrets.token_hex(16)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
        *("--allow-root", f"--ServerApp.root_dir={tmp_path}"),
    ]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=tmp_path)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, tmp_path / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/panel.ipynb?token={token}&reset"
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def answer(browser) -> str:
    """Return the verdict on screen, empty while there is none; it may be replaced meanwhile."""
    assert "Traceback" not in browser.page_source
    found = browser.execute_script(
        "const e = document.querySelector('.avqa-answer'); return e ? e.textContent : ''"
    )
    return found or ""


def checkbox(browser, label: str):
    return browser.find_element(
        "xpath",
        f"//div[contains(@class, 'widget-checkbox')][.//*[contains(text(), '{label}')]]"
        "//input[@type='checkbox']",
    )


def run_cell(browser) -> bool:
    """Run the cell; False while JupyterLab, still laying itself out, takes no click on it."""
    try:
        editor = browser.find_element("css selector", ".jp-Notebook .jp-CodeCell .cm-content")
        editor.click()
        editor.send_keys(Keys.CONTROL, Keys.ENTER)
    except (
        ElementClickInterceptedException,
        ElementNotInteractableException,
        StaleElementReferenceException,
    ):
        return False
    return True


def test_toggles_move_the_answer_by_mouse_and_by_keyboard(lab, browser):
    wait = WebDriverWait(browser, 180)
    browser.get(lab)
    wait.until(lambda b: b.find_elements("css selector", ".jp-Notebook .jp-CodeCell .cm-content"))
    idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
    wait.until(lambda b: b.find_elements("css selector", idle))
    wait.until(run_cell)
    wait.until(lambda b: answer(b).startswith("both present"))

    checkbox(browser, "audio present").click()
    wait.until(lambda b: answer(b).startswith("audio missing"))
    checkbox(browser, "visual present").send_keys(Keys.SPACE)
    wait.until(lambda b: answer(b).startswith("both missing"))
    checkbox(browser, "audio present").send_keys(Keys.SPACE)
    wait.until(lambda b: answer(b).startswith("visual missing"))
    assert "Picture absent" in browser.page_source
    assert "Traceback" not in browser.page_source
