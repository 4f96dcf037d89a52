"""How often a perfect observer of what is present would be right.

The observer knows the generator, all facts of the modalities that are present, and the question;
nothing of the absent ones. Scenes are drawn from the exact conditional (see ``sampling``) and each
votes for its own answer with the probability that it would have led to this question: zero where it
does not answer it clearly, else the probability of being asked (see ``calibration``). The Bayes
answer has the largest share of the votes, and its share is its probability of being right.

Two things keep a thousand draws enough. Instruments that nothing present shows are all alike, so
every draw is counted under every way of naming its unknown instruments, in closed form. And the
answer is chosen on one half of the draws and scored on the other, both ways, so that the noise of
finitely many draws does not flatter the observer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from avqa_core.bandstand.answering import ANSWERS, FIRST_INSTRUMENT, UNANSWERABLE
from avqa_core.bandstand.calibration import calibrate, count_answers
from avqa_core.bandstand.facts import NOWHERE, Facts, facts_of_draws, facts_of_scenes
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import (
    Question,
    answer_class,
    answer_codes,
)
from avqa_core.bandstand.sampling import (
    draw_heard_given_seen,
    draw_seen_given_heard,
)
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.templates import INSTRUMENT_SLOTS, TEMPLATES
from avqa_core.errors import ConfigError
from avqa_core.rng import derive

SCENARIOS = ("complete", "audio_missing", "visual_missing", "both_missing")
NUM_DRAWS = 1000
MOST_ROUNDS = 32
ENOUGH_VOTES = 100.0  # effective number of draws behind a posterior
NUM_PRIOR_SCENES = 6000

Votes = Float[np.ndarray, "2 answers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a perfect observer makes of one question.

    Attributes:
        answer: the most probable answer; one of them where unknown instruments tie.
        chance: how probable it is to be right, cross-fitted over the draws.
        halves: the same from either half of the draws, for the error bar of the simulation.
        truth: the probability that the observer gives to the true answer.
        credit: the truth's share among the answers that the observer cannot tell from the best.
        num_votes: effective number of draws behind it; infinite where it is computed exactly.
    """

    answer: str
    chance: float
    halves: tuple[float, float]
    truth: float
    credit: float
    num_votes: float


def observe(
    config: WorldConfig,
    scene: Scene,
    questions: Sequence[Question],
    scenario: str,
    *,
    num_draws: int = NUM_DRAWS,
) -> list[Observed]:
    """Return what a perfect observer makes of questions about ``scene`` in a scenario.

    Only the facts of the present modalities are used, apart from scoring the truth.

    Raises:
        ConfigError: no such scenario.
    """
    if scenario not in SCENARIOS:
        raise ConfigError(
            f"expected a scenario out of {', '.join(SCENARIOS)}, got {scenario!r}: ceilings of "
            "mixtures are averages of these"
        )
    if scenario == "complete":
        return [_certain(question) for question in questions]
    if scenario == "both_missing":
        return [_from_prior(config, question) for question in questions]
    return _from_conditional(config, scene, questions, scenario, num_draws)


def _certain(question: Question) -> Observed:
    return Observed(
        answer=ANSWERS[question.answer],
        chance=1.0,
        halves=(1.0, 1.0),
        truth=1.0,
        credit=1.0,
        num_votes=float("inf"),
    )


def _from_prior(config: WorldConfig, question: Question) -> Observed:
    """Observe nothing but the question: how its variant is answered in the world at large."""
    votes = np.zeros((2, len(ANSWERS)))
    for half in range(2):
        counts = _prior_counts(config, half, NUM_PRIOR_SCENES)[question.variant]
        votes[half, :FIRST_INSTRUMENT] = counts[:FIRST_INSTRUMENT]
        votes[half, FIRST_INSTRUMENT] = counts[FIRST_INSTRUMENT]
    votes = _share_among_alike(config, votes, question, known=frozenset())
    return _judge(votes, question, num_votes=float("inf"))


@lru_cache(maxsize=32)
def _prior_counts(
    config: WorldConfig, half: int, num_scenes: int
) -> Float[np.ndarray, "V classes"]:
    return count_answers(config, num_scenes, f"prior {half}") * calibrate(config)


def _from_conditional(
    config: WorldConfig,
    scene: Scene,
    questions: Sequence[Question],
    scenario: str,
    num_draws: int,
) -> list[Observed]:
    draw = draw_heard_given_seen if scenario == "audio_missing" else draw_seen_given_heard
    rates = calibrate(config)
    stream = derive(config.seed, "bandstand ceiling", scenario, scene.clip_id)
    generator = np.random.default_rng(stream)
    known = _known_instruments(config, scene, scenario)
    votes = [np.zeros((2, len(ANSWERS))) for _ in questions]
    moments = np.zeros((len(questions), 2))  # sums of weights and of squared weights
    pending = list(range(len(questions)))
    for _ in range(MOST_ROUNDS):
        draws = draw(config, scene, num_draws, generator)
        electorate = _Electorate(config, facts_of_draws(config, draws), draws.weight, known)
        for index in pending:
            question = questions[index]
            cast, weights = electorate.votes(question, rates[question.variant])
            votes[index] += cast
            moments[index] += weights.sum(), np.square(weights).sum()
        effective = np.square(moments[:, 0]) / np.maximum(moments[:, 1], 1e-300)
        pending = [index for index in pending if effective[index] < ENOUGH_VOTES]
        if not pending:
            break
    observed = []
    for question, cast, number in zip(questions, votes, effective, strict=True):
        shared = _share_among_alike(config, cast, question, frozenset(known.tolist()))
        observed.append(_judge(shared, question, float(number)))
    return observed


def _known_instruments(
    config: WorldConfig, scene: Scene, scenario: str
) -> Int[np.ndarray, " known"]:
    facts = facts_of_scenes(config, [scene])
    return np.flatnonzero((facts.seen if scenario == "audio_missing" else facts.heard)[0])


class _Electorate:
    """Draws of one clip in one scenario, ready to vote on questions about it."""

    def __init__(
        self,
        config: WorldConfig,
        facts: Facts,
        weight: Float[np.ndarray, " N"],
        known: Int[np.ndarray, " known"],
    ) -> None:
        self.facts, self.weight, self.known = facts, weight, known
        present = facts.present()
        is_guest = (present != NOWHERE) & ~np.isin(present, known)
        order = np.argsort(~is_guest, axis=1, kind="stable")[:, : is_guest.sum(axis=1).max()]
        has_guest = np.take_along_axis(is_guest, order, axis=1)
        guests = np.take_along_axis(present, order, axis=1)
        self.num_guests = is_guest.sum(axis=1)
        self.num_unknown = config.num_instruments - len(known)
        # One more column: an instrument that the draw does not have at all.
        nobody = np.full((len(facts), 1), facts.nobody)
        self.guests = np.concatenate([np.where(has_guest, guests, NOWHERE), nobody], axis=1)

    def votes(
        self, question: Question, rate: Float[np.ndarray, " classes"]
    ) -> tuple[Votes, Float[np.ndarray, " N"]]:
        """Return the votes of both halves of the draws, and what each draw weighs in them."""
        kinds = TEMPLATES[question.template].slots
        open_slots = [
            position
            for position, kind in enumerate(kinds)
            if kind in INSTRUMENT_SLOTS and question.slots[position] not in self.known
        ]
        rows, fillings, share = self._namings(len(open_slots))
        slots = np.tile(np.array(question.slots, dtype=int), (len(rows), 1))
        slots[:, open_slots] = fillings
        answer = answer_codes(self.facts, question.template, rows, slots)
        valid = answer != UNANSWERABLE
        rows, answer, share = rows[valid], answer[valid], share[valid]
        weight = self.weight[rows] * share * rate[answer_class(answer)]
        cast, by_draw = np.zeros((2, len(ANSWERS))), np.zeros(len(self.facts))
        np.add.at(cast, (rows % 2, answer), weight)
        np.add.at(by_draw, rows, weight)
        return cast, by_draw

    def _namings(
        self, num_open: int
    ) -> tuple[Int[np.ndarray, " R"], Int[np.ndarray, "R open"], Float[np.ndarray, " R"]]:
        """Return draws with ways of naming unknown instruments, and how likely each way is.

        Every unknown instrument may be any guest of the draw, or one that the draw lacks.
        """
        num_draws, width = self.guests.shape
        ways = list(itertools.product(range(width), repeat=num_open))
        choice = np.array(ways, dtype=int).reshape(len(ways), num_open)
        rows = np.repeat(np.arange(num_draws), len(choice))
        picked = np.tile(choice, (num_draws, 1))
        fillings = self.guests[rows[:, None], picked]
        share, keep = np.ones(len(rows)), np.ones(len(rows), dtype=bool)
        absent = self.num_unknown - self.num_guests[rows]
        for position in range(num_open):
            is_nobody = picked[:, position] == width - 1
            earlier = picked[:, :position]
            absent_before = (earlier == width - 1).sum(axis=1)
            num_such = np.where(is_nobody, absent - absent_before, 1)
            share *= num_such / (self.num_unknown - position)
            keep &= fillings[:, position] != NOWHERE
            keep &= is_nobody | (earlier != picked[:, position, None]).all(axis=1)
        keep &= share > 0
        return rows[keep], fillings[keep], share[keep]


def _share_among_alike(
    config: WorldConfig, votes: Votes, question: Question, known: frozenset[int]
) -> Votes:
    """Share the votes for unknown instruments equally among those that the question leaves open."""
    kinds = TEMPLATES[question.template].slots
    named = {
        code for kind, code in zip(kinds, question.slots, strict=True) if kind in INSTRUMENT_SLOTS
    }
    unknown = [one for one in range(config.num_instruments) if one not in known]
    candidates = [FIRST_INSTRUMENT + one for one in unknown if one not in named]
    pool = votes[:, [FIRST_INSTRUMENT + one for one in unknown]].sum(axis=1, keepdims=True)
    shared = votes.copy()
    shared[:, [FIRST_INSTRUMENT + one for one in unknown]] = 0.0
    if candidates:
        shared[:, candidates] = pool / len(candidates)
    return shared


def _judge(votes: Votes, question: Question, num_votes: float) -> Observed:
    """Return the verdict on one question from the votes of both halves."""
    total = votes.sum(axis=0)
    posterior = total / max(total.sum(), 1e-300)
    best = int(posterior.argmax())
    ties = np.isclose(posterior, posterior[best], rtol=1e-9)
    halves = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-300)
    first, second = halves[1, halves[0].argmax()], halves[0, halves[1].argmax()]
    return Observed(
        answer=ANSWERS[best],
        chance=float(first + second) / 2,
        halves=(float(first), float(second)),
        truth=float(posterior[question.answer]),
        credit=float(ties[question.answer]) / int(ties.sum()),
        num_votes=num_votes,
    )
