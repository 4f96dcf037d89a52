"""The log survives a kill in the middle of a line and forgets what is taken again."""

from __future__ import annotations

import pytest

from avqa_core.errors import CheckpointError
from avqa_core.training import events
from avqa_core.training.events import CheckpointWritten, EvaluationDone, Finished, StepDone

EVENTS = [
    StepDone(1, {"total": 2.0, "complete/answer": 1.5}, 1e-4, 0.25),
    EvaluationDone(1, {"complete": 0.5}, 0.5, True),
    CheckpointWritten(1, "step-00000001", True),
    StepDone(2, {"total": 1.0}, 1e-4, 0.25),
    Finished(2, 0.5, 0.5),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_survives_its_line(event):
    line = events.to_line(event)
    assert line.count("\n") == 1
    assert events.from_line(line) == event


@pytest.mark.parametrize(
    "line",
    ["", "[]", "nonsense", '{"event": "Party"}', '{"event": "Finished", "step": 1}', "3"],
)
def test_anything_else_is_a_typed_error(line):
    with pytest.raises(CheckpointError, match="expected an event"):
        events.from_line(line)


def test_an_unfinished_last_line_is_left_out(tmp_path):
    log = tmp_path / "events.jsonl"
    whole = "".join(map(events.to_line, EVENTS[:3]))
    log.write_text(whole + events.to_line(EVENTS[3])[:-5])
    assert events.read_log(log) == EVENTS[:3]


def test_rewinding_keeps_what_the_checkpoint_knows(tmp_path):
    log = tmp_path / "events.jsonl"
    log.write_text("".join(map(events.to_line, EVENTS)))
    events.rewind_log(log, 1)
    assert events.read_log(log) == EVENTS[:3]
    # A run that finished and goes on has not finished.
    log.write_text("".join(map(events.to_line, EVENTS)))
    events.rewind_log(log, 2)
    assert events.read_log(log) == EVENTS[:4]
    events.rewind_log(tmp_path / "new.jsonl", 0)
    assert events.read_log(tmp_path / "new.jsonl") == []
