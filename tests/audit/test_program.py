from __future__ import annotations

from pathlib import Path

import pytest

from avqa_core.audit.program import program_points
from avqa_core.errors import AnnotationError, ConfigError

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "book" / "results" / "paper" / "released_program.csv"


def test_every_point_names_a_test_that_is_there():
    points = program_points(STORED)
    assert len(points) > 20
    for one in points:
        assert one.field or one.here, one.topic
        if one.test:
            file, name = one.test.split("::")
            assert f"def {name}(" in (ROOT / file).read_text(), one.test


def test_choices_are_read_off_the_presets():
    chosen = {one.field: one.chosen for one in program_points(STORED) if one.field}
    assert chosen["enhancer.diffusion.schedule"] == ("linear", "sigmoid")
    assert chosen["completer.detach_target"] == ("yes", "no")
    assert chosen["enhancer.diffusion.gradient_steps"] == ("none", "none")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("topic,paper,program,field,here,test\na,b,c,completer.slots,,\n", ConfigError),
        ("topic,paper\na,b\n", AnnotationError),
        ("", AnnotationError),
    ],
)
def test_a_damaged_file_is_one_error(tmp_path, content, error):
    path = tmp_path / "points.csv"
    path.write_text(content)
    with pytest.raises(error, match="expected"):
        program_points(path)
    with pytest.raises(AnnotationError, match="nowhere"):
        program_points(tmp_path / "nowhere.csv")
