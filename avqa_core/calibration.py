"""Does the model know when it is right: calibration error, temperature, and when not to answer.

Plain numbers in, plain numbers out, as in ``metrics``. A practitioner who may abstain sets a
threshold on the confidence; for "at least 80 % sure" to mean 80 % right, the confidence has to be
calibrated first, by a temperature fitted on the validation split (Guo et al., ICML 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from avqa_core.config import require
from avqa_core.metrics import Interval, Tally

NUM_BINS = 15  # as in most published figures
COLDEST, HOTTEST = 0.02, 50.0  # temperatures that are looked for


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence: how sure the model was on average, and how often right."""

    confidence: float
    tally: Tally


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What is wrong among the answered, when only the surest questions are answered.

    Attributes:
        coverage: answered share of all questions, rising to one.
        risk: wrong share of the answered ones.
        threshold: the confidence from which on a question is answered.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    threshold: tuple[float, ...]

    @property
    def area(self) -> float:
        """The mean risk over coverage; lower is better, 0 only of a model that is never wrong."""
        widths = np.diff([0.0, *self.coverage])
        return float((widths * np.asarray(self.risk)).sum())


def bins(
    confidence: Sequence[float], is_correct: Sequence[bool], num_bins: int = NUM_BINS
) -> list[Bin]:
    """Return the bins of equal width that hold a question, from unsure to sure.

    Raises:
        ConfigError: a confidence is no probability, or there are not as many as answers.
    """
    sure, right = checked(confidence, is_correct)
    place = np.clip(np.ceil(sure * num_bins).astype(int) - 1, 0, num_bins - 1)
    return [
        Bin(float(sure[place == one].mean()), Tally(int(right[place == one].sum()), count))
        for one in range(num_bins)
        if (count := int((place == one).sum()))
    ]


def expected_calibration_error(
    confidence: Sequence[float], is_correct: Sequence[bool], num_bins: int = NUM_BINS
) -> float:
    """Return by how much confidence and accuracy differ, averaged over questions by bin.

    A finite sample has an error above zero even of a calibrated model; compare with another model
    on the same questions.
    """
    found = bins(confidence, is_correct, num_bins)
    total = sum(one.tally.total for one in found)
    apart = (one.tally.total * abs(one.tally.accuracy - one.confidence) for one in found)
    return math.fsum(apart) / total


def calibration_interval(
    confidence: Sequence[float],
    is_correct: Sequence[bool],
    clusters: Sequence[str],
    *,
    generator: np.random.Generator,
    num_draws: int = 500,
    coverage: float = 0.95,
) -> Interval:
    """Return the calibration error with an interval from redrawing whole clips.

    The error of a sample is too high, by more the fewer questions there are: also where a network
    is as often right as it says, some bins are off. The interval reaches down to allow for that;
    of a true error close to zero it still says too much (simulated: CONTRIBUTING).

    Args:
        confidence: of each answer.
        is_correct: whether it is right.
        clusters: the clip of each question; questions about one clip are not independent.
        generator: source of the redraws.
        num_draws: how often the clips are redrawn.
        coverage: of the interval.
    """
    sure, right = checked(confidence, is_correct)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    members = [np.flatnonzero(cluster == one) for one in range(cluster.max() + 1)]
    estimate = expected_calibration_error(confidence, is_correct)
    redrawn = []
    for _ in range(num_draws):
        drawn = generator.integers(len(members), size=len(members))
        rows = np.concatenate([members[one] for one in drawn])
        redrawn.append(expected_calibration_error(sure[rows].tolist(), right[rows].tolist()))
    low, high = np.quantile(redrawn, [0.5 - coverage / 2, 0.5 + coverage / 2])
    # A redraw is too high above the estimate as the estimate is above the truth, so below it the
    # way is as long as above it; above, the redraws themselves are on the safe side.
    lowest, highest = 2 * estimate - float(high), max(float(high), 2 * estimate - float(low))
    return Interval(estimate, max(0.0, lowest), highest)


def risk_coverage(confidence: Sequence[float], is_correct: Sequence[bool]) -> RiskCoverage:
    """Return the curve from answering only the surest questions to answering all.

    Questions of equal confidence are answered together: nothing tells them apart.
    """
    sure, right = checked(confidence, is_correct)
    order = np.argsort(-sure, kind="stable")
    sure, wrong = sure[order], (~right[order]).cumsum()
    is_last = np.append(sure[1:] < sure[:-1], True)
    answered = np.flatnonzero(is_last) + 1
    return RiskCoverage(
        coverage=tuple((answered / len(sure)).tolist()),
        risk=tuple((wrong[answered - 1] / answered).tolist()),
        threshold=tuple(sure[answered - 1].tolist()),
    )


def answered_at(
    confidence: Sequence[float], is_correct: Sequence[bool], threshold: float
) -> tuple[Tally, Tally]:
    """Return how many questions are answered, and how many of those are right, at a threshold."""
    sure, right = checked(confidence, is_correct)
    answered = sure >= threshold
    number = int(answered.sum())
    return Tally(number, len(sure)), Tally(int(right[answered].sum()), number)


def threshold_for(
    confidence: Sequence[float], is_correct: Sequence[bool], accuracy: float
) -> float | None:
    """Return the lowest threshold at which the answered are right often enough, None without one.

    Fit it on the validation split, and look at the test split only with the value found.
    """
    require(0 < accuracy <= 1, f"calibration: expected an accuracy in (0, 1], got {accuracy}")
    curve = risk_coverage(confidence, is_correct)
    fitting = [
        threshold
        for threshold, risk in zip(curve.threshold, curve.risk, strict=True)
        if round(1 - risk, 12) >= accuracy  # 1 - 8 / 25 is a little less than 0.68
    ]
    return fitting[-1] if fitting else None


def fit_temperature(logits: Float[Tensor, "N A"], answers: Int[Tensor, " N"]) -> float:
    """Return the temperature that makes the known answers most likely.

    The log-likelihood is concave in 1 / temperature, so its slope has one zero, which is bisected.
    Rows without a known answer (-1) do not count.

    Raises:
        ConfigError: no answer is known, or a logit is not finite.
    """
    known = answers >= 0
    require(bool(known.any()), "temperature: expected known answers, got none: use another split")
    logits, answers = logits[known].double(), answers[known]
    require(
        bool(logits.isfinite().all()),
        "temperature: expected finite logits, got others: look at the model first",
    )
    truth = logits.gather(1, answers[:, None])[:, 0]

    def slope(sharpness: float) -> float:
        expected = ((sharpness * logits).softmax(dim=-1) * logits).sum(dim=-1)
        return float((truth - expected).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return 1 / math.sqrt(low * high)


def confidences(
    logits: Float[Tensor, "N A"], temperature: float = 1.0
) -> tuple[Float[Tensor, " N"], Int[Tensor, " N"]]:
    """Return how sure the most likely answer is, and which it is; the latter never changes."""
    require(temperature > 0, f"temperature: expected a number above 0, got {temperature}")
    top = (logits.double() / temperature).softmax(dim=-1).max(dim=-1)
    return top.values, top.indices


def checked(
    confidence: Sequence[float], is_correct: Sequence[bool]
) -> tuple[Float[np.ndarray, " N"], Bool[np.ndarray, " N"]]:
    """Return single answers as arrays.

    Raises:
        ConfigError: a confidence is no probability, or there are not as many as answers.
    """
    sure, right = np.asarray(confidence, dtype=float), np.asarray(is_correct, dtype=bool)
    require(
        sure.shape == right.shape and sure.ndim == 1 and len(sure) > 0,
        f"calibration: expected as many confidences as answers, got {sure.shape} and {right.shape}",
    )
    require(
        bool(((sure >= 0) & (sure <= 1)).all()),
        f"calibration: expected confidences in [0, 1], got {sure.min()} to {sure.max()}",
    )
    return sure, right
