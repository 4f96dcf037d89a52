"""When and how a Bandstand scene answers each kind of question.

One function a template, from the facts of a scene and the values of the slots to the answer, or to
``UNANSWERABLE`` where the answer is not clear: two sources as loud as each other, entries too close
together, an instrument that is not there. All functions work on many questions at once: question i
is about row ``rows[i]`` of the facts, and slot values are arrays too.

"Sounds in the video" means: visible, and heard; a section plays together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from avqa_core.bandstand.facts import NOWHERE, Facts
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, SETTINGS

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ANSWERS = (
    "yes",
    "no",
    *NUMBERS,
    "more than ten",
    *PLACES,
    *SETTINGS,
    "simultaneously",
    *INSTRUMENTS,
)
UNANSWERABLE = -1
YES, NO, SIMULTANEOUSLY = 0, 1, ANSWERS.index("simultaneously")
FIRST_NUMBER, FIRST_PLACE = ANSWERS.index("zero"), ANSWERS.index(PLACES[0])
FIRST_SETTING, FIRST_INSTRUMENT = ANSWERS.index(SETTINGS[0]), ANSWERS.index(INSTRUMENTS[0])

Codes = Int[np.ndarray, " rows"]
Truths = Bool[np.ndarray, " rows"]


class Ask:
    """A view of the facts in which question i looks at scene ``rows[i]``."""

    def __init__(self, facts: Facts, rows: Codes) -> None:
        self.facts, self.rows = facts, rows

    def of(self, name: str, *index: Any) -> np.ndarray:
        """Return a fact of each question's scene, at ``index`` of its further axes."""
        return getattr(self.facts, name)[(self.rows, *index)]

    def heard(self, instrument: Codes) -> Truths:
        """Whether an instrument ever sounds."""
        return self.of("heard", instrument)

    def seen(self, instrument: Codes) -> Truths:
        """Whether an instrument is visible."""
        return self.of("seen", instrument)

    def only_place(self, instrument: Codes) -> Codes:
        """Return the place of an instrument, or -1 where it has none or more than one."""
        at = self.of("on_place") == instrument[:, None]
        return np.where(at.sum(axis=1) == 1, at.argmax(axis=1), NOWHERE)

    def beside(self, place: Codes, step: Codes) -> Codes:
        """Return the nearest instrument to the left (step -1) or right (1) of a place, or -1."""
        on_place = self.of("on_place")
        found = np.full(len(place), NOWHERE)
        for distance in (1, 2):
            target = place + step * distance
            inside = (place != NOWHERE) & (target >= 0) & (target < len(PLACES))
            there = on_place[np.arange(len(place)), np.clip(target, 0, len(PLACES) - 1)]
            found = np.where((found == NOWHERE) & inside, there, found)
        return found

    def entrance(self, position: Codes) -> tuple[Codes, Truths]:
        """Return who enters at a position (-1 the last), and whether both its gaps are clear."""
        order, time, number = self.entrances()
        position = np.where(position < 0, number + position, position)
        each = np.arange(len(position))
        inside = (position >= 0) & (position < number)
        safe = np.clip(position, 0, time.shape[1] - 1)
        before = time[each, safe] - time[each, np.maximum(safe - 1, 0)]
        after = time[each, np.minimum(safe + 1, time.shape[1] - 1)] - time[each, safe]
        margin = self.facts.entry_margin
        clear = ((safe == 0) | (before >= margin)) & ((safe + 1 >= number) | (after >= margin))
        return order[each, safe], inside & clear & (number >= 2)

    def entrances(self) -> tuple[np.ndarray, np.ndarray, Codes]:
        """Return instruments by entry, their entries, and how many of them are heard."""
        order = self.facts.order_of_entry[self.rows]
        time = self.of("entry")
        return order, np.take_along_axis(time, order, axis=1), self.of("heard").sum(axis=1)

    def all_entrances_clear(self) -> Truths:
        """Whether no two sources enter within the margin."""
        _, time, number = self.entrances()
        gap_counts = np.arange(1, time.shape[1]) < number[:, None]
        clear = np.diff(time, axis=1) >= self.facts.entry_margin
        return np.all(~gap_counts | clear, axis=1)


def _yes_no(condition: Truths, valid: Truths) -> Codes:
    return np.where(valid, np.where(condition, YES, NO), UNANSWERABLE)


def _number(count: Codes) -> Codes:
    return FIRST_NUMBER + np.minimum(count, len(NUMBERS))


def _place(place: Codes, valid: Truths) -> Codes:
    return np.where(valid & (place != NOWHERE), FIRST_PLACE + place, UNANSWERABLE)


def _instrument(instrument: Codes, valid: Truths) -> Codes:
    is_one = valid & (instrument != NOWHERE)
    return np.where(is_one, FIRST_INSTRUMENT + instrument, UNANSWERABLE)


def how_many_heard(ask: Ask) -> Codes:
    """Count the instruments that are heard, on stage or not."""
    return _number(ask.of("heard").sum(axis=1))


def is_heard(ask: Ask, one: Codes) -> Codes:
    """Tell whether an instrument is heard."""
    return _yes_no(ask.heard(one), np.ones(len(one), dtype=bool))


def are_heard(ask: Ask, one: Codes, other: Codes) -> Codes:
    """Tell whether both are heard; asked only where one is."""
    return _yes_no(ask.heard(one) & ask.heard(other), ask.heard(one) | ask.heard(other))


def compare(fact: str) -> Callable[[Ask, Codes, Codes], Codes]:
    """Return the question whether one source has more of ``fact``; both heard, and it differs."""

    def answer(ask: Ask, one: Codes, other: Codes) -> Codes:
        mine, theirs = ask.of(fact, one), ask.of(fact, other)
        valid = ask.heard(one) & ask.heard(other) & (mine != theirs)
        return _yes_no(mine > theirs, valid)

    return answer


def is_longer(ask: Ask, one: Codes, other: Codes) -> Codes:
    """Tell whether one source sounds in clearly more segments than another."""
    mine, theirs = ask.of("pattern", one).sum(axis=1), ask.of("pattern", other).sum(axis=1)
    clear = np.abs(mine - theirs) >= ask.facts.length_margin
    return _yes_no(mine > theirs, ask.heard(one) & ask.heard(other) & clear)


def how_many_seen(ask: Ask) -> Codes:
    """Count the kinds of instruments on stage."""
    return _number(ask.of("seen").sum(axis=1))


def how_many_players(ask: Ask, one: Codes) -> Codes:
    """Count the players of an instrument on stage; zero is an answer."""
    return _number(ask.of("players", one))


def is_seen(ask: Ask, one: Codes) -> Codes:
    """Tell whether an instrument is on stage."""
    return _yes_no(ask.seen(one), np.ones(len(one), dtype=bool))


def are_seen(ask: Ask, one: Codes, other: Codes) -> Codes:
    """Tell whether both are on stage; asked only where one is."""
    return _yes_no(ask.seen(one) & ask.seen(other), ask.seen(one) | ask.seen(other))


def where_is_it(ask: Ask) -> Codes:
    """Tell the backdrop."""
    return FIRST_SETTING + ask.of("is_outdoor").astype(int)


def what_is_it(ask: Ask) -> Codes:
    """Name the only kind of instrument on stage."""
    seen = ask.of("seen")
    return _instrument(seen.argmax(axis=1), seen.sum(axis=1) == 1)


def what_is_beside(ask: Ask, side: Codes, one: Codes) -> Codes:
    """Name the nearest instrument on one side of another that stands at one place."""
    found = ask.beside(ask.only_place(one), 2 * side - 1)
    return _instrument(found, np.ones(len(one), dtype=bool))


def what_is_outermost(ask: Ask, end: Codes) -> Codes:
    """Name the instrument at one end of a stage with at least two sections."""
    used = ask.of("on_place") != NOWHERE
    outermost = np.where(end == 0, used.argmax(axis=1), 2 - used[:, ::-1].argmax(axis=1))
    return _instrument(ask.of("on_place", outermost), used.sum(axis=1) >= 2)


def is_voiceover(ask: Ask) -> Codes:
    """Tell whether anybody is heard to speak."""
    return _yes_no(ask.of("has_voice"), np.ones(len(ask.rows), dtype=bool))


def is_sound_from_video(ask: Ask) -> Codes:
    """Tell whether all that is heard is on stage (yes) or none of it (no)."""
    heard, seen = ask.of("heard"), ask.of("seen")
    all_seen, none_seen = ~np.any(heard & ~seen, axis=1), ~np.any(heard & seen, axis=1)
    return _yes_no(all_seen, np.any(heard, axis=1) & (all_seen | none_seen))


def is_always_playing(ask: Ask, one: Codes) -> Codes:
    """Tell whether an instrument on stage is heard in every segment."""
    return _yes_no(np.all(ask.of("pattern", one), axis=1), ask.seen(one))


def count(is_sounding: bool, of_types: bool) -> Callable[[Ask], Codes]:
    """Return the count of players, or of kinds, on stage that are heard, or that are not."""

    def answer(ask: Ask) -> Codes:
        heard = ask.of("heard")
        counted = ask.of("players") * (heard if is_sounding else ~heard)
        return _number((counted > 0 if of_types else counted).sum(axis=1))

    return answer


def how_many_sounding(ask: Ask, one: Codes) -> Codes:
    """Count the players of an instrument on stage, if it is heard."""
    count = np.where(ask.heard(one), ask.of("players", one), 0)
    return np.where(ask.seen(one), _number(count), UNANSWERABLE)


def where_is_loudest(ask: Ask, loudness: Codes) -> Codes:
    """Locate the loudest or softest of at least two kinds that are seen and heard."""
    sounding = ask.of("heard") & ask.of("seen")
    signed = ask.of("level") * np.where(loudness == 0, 1, -1)[:, None]
    score = np.where(sounding, signed, -100)
    ranked = np.sort(score, axis=1)
    clear = (sounding.sum(axis=1) >= 2) & (ranked[:, -1] > ranked[:, -2])
    return _place(ask.only_place(score.argmax(axis=1)), clear)


def is_turn_at_place(ask: Ask, turn: Codes, place: Codes) -> Codes:
    """Tell whether who is heard to enter first or last stands at a place, and at no other."""
    who, clear = ask.entrance(-turn)
    there = ask.of("on_place", place)
    twins = (ask.of("on_place") == who[:, None]).sum(axis=1) > 1
    return _yes_no(there == who, clear & (there != NOWHERE) & ~twins)


def what_is_beside_turn(ask: Ask, side: Codes, turn: Codes) -> Codes:
    """Name the nearest instrument on one side of who enters first or last."""
    who, clear = ask.entrance(-turn)
    return _instrument(ask.beside(ask.only_place(who), 2 * side - 1), clear)


def what_sounds_with(ask: Ask, one: Codes) -> Codes:
    """Name the only other kind, seen and heard, that sounds while this one does."""
    sounding = ask.of("heard") & ask.of("seen")
    overlap = (ask.of("pattern") & ask.of("pattern", one)[:, None]).any(axis=-1) & sounding
    overlap[np.arange(len(one)), one] = False
    valid = sounding[np.arange(len(one)), one] & (overlap.sum(axis=1) == 1)
    return _instrument(overlap.argmax(axis=1), valid)


def compare_at(fact: str) -> Callable[[Ask, Codes, Codes], Codes]:
    """Return ``compare`` for the instruments at two places."""
    compared = compare(fact)

    def answer(ask: Ask, place: Codes, other_place: Codes) -> Codes:
        one, other = ask.of("on_place", place), ask.of("on_place", other_place)
        valid = (one != NOWHERE) & (other != NOWHERE) & (one != other)
        return np.where(valid, compared(ask, one, other), UNANSWERABLE)

    return answer


def compare_named_at(fact: str) -> Callable[[Ask, Codes, Codes, Codes, Codes], Codes]:
    """Return ``compare`` for two instruments with the places where they stand."""
    compared = compare(fact)

    def answer(ask: Ask, one: Codes, place: Codes, other: Codes, other_place: Codes) -> Codes:
        there = (ask.of("on_place", place) == one) & (ask.of("on_place", other_place) == other)
        return np.where(there, compared(ask, one, other), UNANSWERABLE)

    return answer


def where_is_turn(ask: Ask, turn: Codes) -> Codes:
    """Locate who is heard to enter first or last."""
    who, clear = ask.entrance(-turn)
    return _place(ask.only_place(who), clear)


def which_of_two(ask: Ask, one: Codes, turn: Codes) -> Codes:
    """Tell which of two sections of one instrument enters first or last, or neither."""
    each = np.arange(len(one))
    at = ask.of("on_place") == one[:, None]
    places = np.argsort(~at, axis=1, kind="stable")[:, :2]
    motion = ask.of("motion")[each[:, None], places]
    entry = np.where(motion.any(axis=-1), motion.argmax(axis=-1), motion.shape[-1])
    together = (motion[:, 0] == motion[:, 1]).all(axis=-1)
    apart = np.abs(entry[:, 0] - entry[:, 1]) >= ask.facts.entry_margin
    live = (ask.of("pattern", one) == motion.any(axis=1)).all(axis=-1) & ask.heard(one)
    valid = (at.sum(axis=1) == 2) & live & (together | apart)
    second_place = (entry[:, 1] < entry[:, 0]) ^ (turn == 1)
    place = places[each, second_place.astype(int)]
    return np.where(valid & together, SIMULTANEOUSLY, _place(place, valid & apart))


def who_enters_nth(ask: Ask, ordinal: Codes) -> Codes:
    """Name the n-th to be heard, where no two enter close together."""
    who, clear = ask.entrance(ordinal)
    return _instrument(who, clear & ask.all_entrances_clear())


def who_enters_beside(ask: Ask, neighbour: Codes, one: Codes) -> Codes:
    """Name who is heard to enter right before or after an instrument."""
    order, _, number = ask.entrances()
    position = (order == one[:, None]).argmax(axis=1) + 2 * neighbour - 1
    valid = ask.heard(one) & (position >= 0) & (position < number) & ask.all_entrances_clear()
    who = order[np.arange(len(one)), np.clip(position, 0, order.shape[1] - 1)]
    return _instrument(who, valid)
