"""What the encoders are taught: the facts of a scene as targets, linear heads, and their score.

The heads are linear and thrown away after training, so that each fact is readable from the
features by a weighted sum. They read the mean over a place, or over the frame: a backbone that
averages its grid loses nothing that was taught here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.bandstand.encoders import AUDIO_WIDTH, VISUAL_WIDTH
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, SETTINGS, Scene

NUM_INSTRUMENTS = len(INSTRUMENTS)
NOBODY = NUM_INSTRUMENTS
Score = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Sights:
    """The seen facts of F frames, by place (P = left, middle, right)."""

    instrument: Int[Tensor, "F P"]
    count: Int[Tensor, "F P"]
    closeness: Int[Tensor, "F P"]
    vigour: Int[Tensor, "F P"]
    playing: Bool[Tensor, "F P"]
    backdrop: Int[Tensor, " F"]
    caption: Bool[Tensor, " F"]


@dataclass(frozen=True, slots=True)
class Sounds:
    """The heard facts of F seconds, by instrument (I = 22)."""

    sounding: Bool[Tensor, "F I"]
    level: Int[Tensor, "F I"]
    rate: Int[Tensor, "F I"]
    voice: Bool[Tensor, " F"]
    ambience: Int[Tensor, " F"]


def sights(scene: Scene, segments: Sequence[int]) -> Sights:
    """Return what is seen of one scene in some of its segments."""
    places = np.zeros((4, len(PLACES)), np.int64)
    places[0] = NOBODY
    playing = np.zeros((len(segments), len(PLACES)), bool)
    for section in scene.sections:
        place = PLACES.index(section.place)
        kind = INSTRUMENTS.index(section.instrument)
        places[:, place] = kind, section.count - 1, section.closeness, section.vigour
        playing[:, place] = np.array(section.motion)[list(segments)]
    instrument, count, closeness, vigour = (
        torch.from_numpy(places)[:, None].expand(-1, len(segments), -1).unbind()
    )
    return Sights(
        instrument,
        count,
        closeness,
        vigour,
        torch.from_numpy(playing),
        torch.full((len(segments),), SETTINGS.index(scene.backdrop)),
        torch.tensor([scene.captions[segment] for segment in segments]),
    )


def sounds(scene: Scene, segments: Sequence[int]) -> Sounds:
    """Return what is heard of one scene in some of its segments."""
    sounding = np.zeros((len(segments), NUM_INSTRUMENTS), bool)
    level = np.zeros((len(segments), NUM_INSTRUMENTS), np.int64)
    rate = np.zeros_like(level)
    for source in scene.sources:
        instrument = INSTRUMENTS.index(source.instrument)
        sounding[:, instrument] = np.array(source.pattern)[list(segments)]
        level[:, instrument], rate[:, instrument] = source.level, source.rate
    return Sounds(
        torch.from_numpy(sounding),
        torch.from_numpy(level),
        torch.from_numpy(rate),
        torch.tensor([scene.voice[segment] for segment in segments]),
        torch.full((len(segments),), SETTINGS.index(scene.ambience)),
    )


def join(parts: Sequence[Sights] | Sequence[Sounds]) -> Sights | Sounds:
    """Return the facts of several scenes one after the other."""
    kind = type(parts[0])
    names = [one.name for one in fields(kind)]
    return kind(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


class VisualHeads(nn.Module):
    """Linear read-out of the seen facts: seven facts of a place, two of the frame."""

    def __init__(self) -> None:
        super().__init__()
        self.instrument = nn.Linear(VISUAL_WIDTH, NUM_INSTRUMENTS + 1)
        self.count = nn.Linear(VISUAL_WIDTH, 3)
        self.closeness = nn.Linear(VISUAL_WIDTH, 3)
        self.vigour = nn.Linear(VISUAL_WIDTH, 2)
        self.playing = nn.Linear(VISUAL_WIDTH, 2)
        # How many play which instrument, summed over the frame: what counting questions need.
        self.performers = nn.Linear(VISUAL_WIDTH, NUM_INSTRUMENTS)
        self.players = nn.Linear(VISUAL_WIDTH, NUM_INSTRUMENTS)
        self.backdrop = nn.Linear(VISUAL_WIDTH, 2)
        self.caption = nn.Linear(VISUAL_WIDTH, 2)

    def loss(self, maps: Float[Tensor, "F 64 4 6"], facts: Sights) -> Tensor:
        """Return the summed losses of all facts."""
        place, frame = _pooled(maps)
        there = facts.instrument != NOBODY
        moving = facts.playing & there
        total = functional.cross_entropy(
            self.instrument(place).flatten(0, 1), facts.instrument.flatten()
        )
        for head, target, where in (
            (self.count, facts.count, there),
            (self.closeness, facts.closeness, there),
            (self.playing, facts.playing.long(), there),
            (self.vigour, facts.vigour, moving),
        ):
            total = total + functional.cross_entropy(head(place)[where], target[where])
        total = total + functional.cross_entropy(self.backdrop(frame), facts.backdrop)
        total = total + functional.cross_entropy(self.caption(frame), facts.caption.long())
        kinds = functional.one_hot(facts.instrument, NUM_INSTRUMENTS + 1)[..., :NOBODY].float()
        performers = kinds * (facts.count + 1)[..., None]
        total = total + functional.mse_loss(self.performers(place), performers) * NUM_INSTRUMENTS
        players = kinds * moving[..., None]
        return total + functional.mse_loss(self.players(place), players) * NUM_INSTRUMENTS

    @torch.inference_mode()
    def score(self, maps: Float[Tensor, "F 64 4 6"], facts: Sights) -> Score:
        """Return (right, asked) of every fact; of each instrument as well."""
        place, frame = _pooled(maps)
        there = facts.instrument != NOBODY
        guess = self.instrument(place).argmax(-1)
        score: Score = {"instrument": _right(guess, facts.instrument, torch.ones_like(there))}
        for name, target, where in (
            ("count", facts.count, there),
            ("closeness", facts.closeness, there),
            ("playing", facts.playing.long(), there),
            ("vigour", facts.vigour, facts.playing & there),
        ):
            score[name] = _right(getattr(self, name)(place).argmax(-1), target, where)
        everywhere = torch.ones_like(facts.caption)
        score["backdrop"] = _right(self.backdrop(frame).argmax(-1), facts.backdrop, everywhere)
        score["caption"] = _right(self.caption(frame).argmax(-1), facts.caption.long(), everywhere)
        for index, name in enumerate(INSTRUMENTS):
            score[f"seen/{name}"] = _f1(guess == index, facts.instrument == index)
        return score


class AudioHeads(nn.Module):
    """Linear read-out of the heard facts: for each instrument presence, level and rate."""

    def __init__(self) -> None:
        super().__init__()
        self.sounding = nn.Linear(AUDIO_WIDTH, NUM_INSTRUMENTS)
        # One sum for each instrument, cut at two places: soft | medium | loud.
        self.level = nn.Linear(AUDIO_WIDTH, NUM_INSTRUMENTS, bias=False)
        self.cuts = nn.Parameter(torch.tensor([[1.0], [-1.0]]).repeat(1, NUM_INSTRUMENTS))
        self.rate = nn.Linear(AUDIO_WIDTH, NUM_INSTRUMENTS)
        self.voice = nn.Linear(AUDIO_WIDTH, 2)
        self.ambience = nn.Linear(AUDIO_WIDTH, 2)

    def loss(self, features: Float[Tensor, "F 128"], facts: Sounds) -> Tensor:
        """Return the summed losses of all facts."""
        where = facts.sounding
        presence = functional.binary_cross_entropy_with_logits(
            self.sounding(features), where.float(), reduction="none"
        )
        total = presence.sum(dim=1).mean()
        steps = torch.stack([facts.level > 0, facts.level > 1]).float()
        cut = self.level(features) + self.cuts[:, None]
        level = functional.binary_cross_entropy_with_logits(cut, steps, reduction="none").sum(dim=0)
        total = total + level[where].mean()
        total = total + functional.binary_cross_entropy_with_logits(
            self.rate(features)[where], facts.rate[where].float()
        )
        total = total + functional.cross_entropy(self.voice(features), facts.voice.long())
        return total + functional.cross_entropy(self.ambience(features), facts.ambience)

    @torch.inference_mode()
    def score(self, features: Float[Tensor, "F 128"], facts: Sounds) -> Score:
        """Return (right, asked) of every fact; of presence also by instrument and company."""
        guess = self.sounding(features) > 0
        where = facts.sounding
        level = (self.level(features) + self.cuts[:, None] > 0).sum(dim=0)
        everywhere = torch.ones_like(facts.voice)
        company = where.sum(dim=1)
        score: Score = {
            "level": _right(level, facts.level, where),
            "rate": _right((self.rate(features) > 0).long(), facts.rate, where),
            "voice": _right(self.voice(features).argmax(-1), facts.voice.long(), everywhere),
            "ambience": _right(self.ambience(features).argmax(-1), facts.ambience, everywhere),
            "heard, up to 3 sources": _f1(guess[company <= 3], where[company <= 3]),
            "silence": _right((company == 0).long(), (~guess.any(dim=1)).long(), company == 0),
        }
        for number in (1, 2, 3, 4):
            rows = company == number
            score[f"heard, {number} at once"] = _f1(guess[rows], where[rows])
        for step, word in enumerate(("soft", "medium", "loud")):
            at_level = where & (facts.level == step)
            score[f"found when {word}"] = _right(guess.long(), where.long(), at_level)
        for index, name in enumerate(INSTRUMENTS):
            score[f"heard/{name}"] = _f1(guess[:, index], where[:, index])
        return score


def _pooled(maps: Float[Tensor, "F 64 4 6"]) -> tuple[Tensor, Tensor]:
    """Means over each place ``[F, P, 64]`` and over the frame ``[F, 64]``."""
    place = maps.unflatten(-1, (len(PLACES), -1)).mean(dim=(2, 4)).transpose(1, 2)
    return place, place.mean(dim=1)


def _right(guess: Tensor, target: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    return (guess == target)[where].sum(), where.sum()


def _f1(guess: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of F1, so that scores of batches add up."""
    return 2 * (guess & target).sum(), guess.sum() + target.sum()
