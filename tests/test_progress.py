"""Progress bars: live on a screen, a line now and then in a log."""

import sys

import pytest

from avqa_core import progress
from avqa_core.progress import Stage


def walk(states: int) -> None:
    """Walk through two stages, each with many states."""
    events = [Stage(name, done, states, "clip") for name in "ab" for done in range(1, states + 1)]
    assert list(progress.shown_stages(events, lambda event: event)) == events


@pytest.mark.parametrize("is_screen", [True, False])
def test_a_log_does_not_keep_each_state_of_a_bar(monkeypatch, capsys, is_screen: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_screen, raising=False)
    monkeypatch.setattr(progress, "_SECONDS_ON_A_SCREEN", 0.0)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    walk(states=200)
    states = capsys.readouterr().err.split("\r")
    ends = [state for state in states if "200/200" in state]
    assert {state.split(":")[0].strip() for state in ends} == {"a", "b"}
    assert len(states) > 200 if is_screen else len(states) < 20


def test_a_notebook_is_redrawn_as_often_as_a_screen(monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", object())
    assert not progress._is_log()
