import pytest

from avqa_core import calibration
from avqa_core.checks import lowest_threshold


def test_the_package_solves_the_exercise():
    assert lowest_threshold(calibration.threshold_for)


@pytest.mark.parametrize(
    ("solution", "hint"),
    [
        (lambda sure, right, accuracy: 0.95, "first threshold that fails"),
        (lambda sure, right, accuracy: 0.8, "two of three"),
        (lambda sure, right, accuracy: 0.5, "only 60 %"),
        (lambda sure, right, accuracy: 0.6, "got 0.6"),
        (lambda sure, right, accuracy: 0.7, "expected None"),
        (lambda sure, right, accuracy: None, "nothing is returned"),
        (lambda sure, right, accuracy: sure["a"], "stopped with TypeError"),
    ],
)
def test_what_is_off_is_said(solution, hint):
    verdict = lowest_threshold(solution)
    assert not verdict and hint in verdict.message
