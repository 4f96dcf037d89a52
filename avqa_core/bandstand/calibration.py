"""How often each question is kept, so that neither template nor answer gives much away.

Most scenes answer "zero" to "How many tubas ...?", few answer "seven". Scenes that are in no split
are drawn once per world, their answerable questions counted by variant and answer, and each pair
of variant and answer gets a probability of being asked. Three levels are filled like vessels joined
at the bottom, each up to what it can hold: templates share the questions of a clip, variants share
those of their template, answers share those of their variant.

A variant holds no more than keeps its most common answer as rare as the runner-up, so that a
look-up table gains little from it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from avqa_core.bandstand.answering import FIRST_INSTRUMENT
from avqa_core.bandstand.facts import facts_of_draws
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import (
    NUM_CLASSES,
    VARIANTS,
    answer_class,
    list_candidates,
)
from avqa_core.bandstand.sampling import sample_joint
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.rng import derive

NUM_REFERENCE_SCENES = 6000
CHUNK = 500


def count_answers(
    config: WorldConfig, num_scenes: int, stream: str
) -> Float[np.ndarray, "V classes"]:
    """Return how many questions of each variant and answer a scene offers on average.

    Scenes are drawn from the world's distribution but belong to no clip id; ``stream`` names them.
    """
    generator = np.random.default_rng(derive(config.seed, "bandstand count", stream))
    counts = np.zeros((len(VARIANTS), NUM_CLASSES))
    for start in range(0, num_scenes, CHUNK):
        draws = sample_joint(config, min(CHUNK, num_scenes - start), generator)
        found = list_candidates(facts_of_draws(config, draws))
        np.add.at(counts, (found.variant, answer_class(found.answer)), 1)
    return counts / num_scenes


def fill(capacity: Float[np.ndarray, " parts"], total: float) -> Float[np.ndarray, " parts"]:
    """Share ``total`` equally among parts, none getting more than its capacity."""
    if total >= capacity.sum():
        return capacity.astype(float)
    order = np.sort(capacity)
    below = np.cumsum(order) - order
    remaining = np.arange(len(order), 0, -1)
    level = (total - below) / remaining
    return np.minimum(capacity, level[np.argmax(level <= order)])


def balanced_capacity(counts: Float[np.ndarray, "V classes"]) -> Float[np.ndarray, " V"]:
    """Return how many questions a variant can give while its two commonest answers tie.

    A question answered by an instrument is balanced by itself: all instruments are alike.
    """
    ranked = np.sort(counts[:, :FIRST_INSTRUMENT], axis=1)
    tied = np.minimum(counts[:, :FIRST_INSTRUMENT], ranked[:, -2:-1]).sum(axis=1)
    return tied + counts[:, FIRST_INSTRUMENT]


def keep_rates_for(
    counts: Float[np.ndarray, "V classes"], questions_per_clip: float
) -> Float[np.ndarray, "V classes"]:
    """Return the probability of asking, by variant and answer."""
    capacity = balanced_capacity(counts)
    template = np.array([variant.template for variant in VARIANTS])
    of_template = np.array([capacity[template == one].sum() for one in range(len(TEMPLATES))])
    rates = np.zeros_like(counts)
    for one, share in enumerate(fill(of_template, questions_per_clip)):
        members = np.flatnonzero(template == one)
        for variant, part in zip(members, fill(capacity[members], share), strict=True):
            kept = fill(counts[variant], part)
            np.divide(kept, counts[variant], out=rates[variant], where=counts[variant] > 0)
    return rates


def calibrate(config: WorldConfig) -> Float[np.ndarray, "V classes"]:
    """Return the probability of asking for this world; computed once per process and config."""
    return _calibrated(config, NUM_REFERENCE_SCENES)


@lru_cache(maxsize=32)
def _calibrated(config: WorldConfig, num_scenes: int) -> Float[np.ndarray, "V classes"]:
    counts = count_answers(config, num_scenes, "calibration")
    rates = keep_rates_for(counts, config.questions_per_clip)
    rates.flags.writeable = False
    return rates
