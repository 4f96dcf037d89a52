"""What frozen features know: facts read from them by linear maps, and answered from exactly.

A network below its ceiling lacks facts, because the features lost them, or it lacks the way from
facts to answers. This observer tells the two apart: it reads facts by weighted sums, fitted on the
scenes of training clips, and answers from them by the rules of the world. No network is told
either, so it is a diagnosis and not a method. What it answers rightly, the features do know.
Letters: N clips, T segments, P places, I instruments, D audio and E visual channels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from einops import reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import one_hot

from avqa_core import rng
from avqa_core.bandstand.answering import ANSWERS, UNANSWERABLE
from avqa_core.bandstand.encoder_heads import NOBODY, NUM_INSTRUMENTS, Sights, Sounds, join
from avqa_core.bandstand.encoder_heads import sights as sights_of
from avqa_core.bandstand.encoder_heads import sounds as sounds_of
from avqa_core.bandstand.facts import NOWHERE, Facts, facts_of_scenes
from avqa_core.bandstand.floor import LookUp
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import answer_codes
from avqa_core.bandstand.scene import PLACES, Scene
from avqa_core.bandstand.templates import SLOT_VALUES, TEMPLATES
from avqa_core.bandstand.world import MARK, read_config, read_scenes
from avqa_core.config import require
from avqa_core.data.folder import DataFolder
from avqa_core.data.store import FeatureStore
from avqa_core.metrics import Interval, Tally, clustered_bootstrap, overall, tally_by_category
from avqa_core.types import QAExample

# Who answers: from all readings, from those of one mean, from the readings of another clip.
Observer = Literal["readings", "means", "other_clip"]
Loss = Callable[[Tensor, Tensor], Tensor]

MOST_ITERATIONS, PENALTY = 60, 1e-5  # of the fit; the penalty is on squared weights
FEWEST_SEGMENTS = 2  # in which a source sounds, or somebody speaks: a single one may be misread
_TEMPLATES = {template.text.strip(): index for index, template in enumerate(TEMPLATES)}


@dataclass(frozen=True, slots=True)
class ClipFeatures:
    """Stored features of N clips; the picture is averaged over the cells of each place."""

    audio: Float[Tensor, "N T D"]
    visual: Float[Tensor, "N T P E"]

    @classmethod
    def of(cls, store: FeatureStore, clips: Sequence[str]) -> ClipFeatures:
        """Read the features of ``clips``, in the given order."""
        audio = store.gather("audio", store.rows("audio", clips))
        visual = store.gather("visual", store.rows("visual", clips)).astype(np.float32)
        return cls(
            torch.from_numpy(audio.astype(np.float32)),
            reduce(torch.from_numpy(visual), "n t e h (p w) -> n t p e", "mean", p=len(PLACES)),
        )

    @property
    def frames(self) -> Float[Tensor, "N T E"]:
        """The picture averaged over all places."""
        return self.visual.mean(dim=2)


class LinearMap:
    """A weighted sum with an offset, fitted on clips and then only applied.

    Args:
        inputs: what is read from; each is brought to mean 0 and variance 1.
        targets: what is to be read.
        loss: of outputs and targets; what has the least of it is found, from zero.
        num_outputs: how many sums.
    """

    def __init__(
        self, inputs: Float[Tensor, "n D"], targets: Tensor, loss: Loss, num_outputs: int = 1
    ) -> None:
        require(len(inputs) > 0, "expected clips to fit on, got none: build a larger world")
        self._mean, self._scale = inputs.mean(dim=0), inputs.std(dim=0) + 1e-5
        known = (inputs - self._mean) / self._scale
        self._weights = torch.zeros(inputs.shape[-1], num_outputs, requires_grad=True)
        self._offset = torch.zeros(num_outputs, requires_grad=True)
        found = torch.optim.LBFGS(
            [self._weights, self._offset], max_iter=MOST_ITERATIONS, line_search_fn="strong_wolfe"
        )

        def closure() -> float:
            found.zero_grad()
            sums = known @ self._weights + self._offset
            value = loss(sums, targets) + PENALTY * self._weights.square().sum()
            value.backward()
            return value.item()

        found.step(closure)

    @torch.no_grad()
    def __call__(self, inputs: Float[Tensor, "*rows D"]) -> Float[Tensor, "*rows O"]:
        """Read from ``inputs``."""
        return (inputs - self._mean) / self._scale @ self._weights + self._offset


@dataclass(frozen=True, slots=True)
class KnownClips:
    """Training clips whose facts are told: what the maps are fitted on.

    Attributes:
        features: of the clips.
        scenes: of the same clips, of one world.
        config: of that world.
    """

    features: ClipFeatures
    scenes: Sequence[Scene]
    config: WorldConfig

    @classmethod
    def of(cls, folder: DataFolder, num_clips: int) -> KnownClips:
        """Return the first training clips of a built-in world; all if it has fewer."""
        scenes = read_scenes(folder.path, "train")[:num_clips]
        features = ClipFeatures.of(folder.store, [one.clip_id for one in scenes])
        return cls(features, scenes, read_config(folder.path))


def read_facts(known: KnownClips, new: ClipFeatures) -> Facts:
    """Read every fact that a question can be about, place by place and segment by segment.

    What lasts a clip is read from all its segments.

    Args:
        known: clips that the maps are fitted on.
        new: features of others.

    Returns:
        The facts of these, one row a clip.

    Raises:
        ConfigError: no known clips.
    """
    place, frame = known.features.visual.flatten(0, 2), known.features.frames.flatten(0, 1)
    segment = known.features.audio.flatten(0, 1)
    seen, heard = _told(known.scenes)
    kind_told, there_told = seen.instrument.flatten(), seen.instrument.flatten() != NOBODY

    def where_somebody_stands(fact: Tensor, loss: Loss) -> Tensor:
        return LinearMap(place[there_told], fact.flatten()[there_told], loss)(new.visual)[..., 0]

    def while_sounding(fact: Tensor) -> Tensor:
        loss = partial(_squared, where=heard.sounding)
        return _mean_where(pattern, LinearMap(segment, fact, loss, NUM_INSTRUMENTS)(new.audio))

    kinds = LinearMap(place, kind_told, functional.cross_entropy, NOBODY + 1)(new.visual)
    kind = kinds.log_softmax(dim=-1).mean(dim=1).argmax(dim=-1)
    there = kind != NOBODY
    count = where_somebody_stands(seen.count + 1, _squared).mean(dim=1).round().long().clamp(min=1)
    playing = (where_somebody_stands(seen.playing, _yes_or_no) > 0) & there[:, None]
    sounding = LinearMap(segment, heard.sounding, _yes_or_no, NUM_INSTRUMENTS)(new.audio)
    pattern = (sounding > 0) & _lasting(sounding)[:, None]
    return _facts(
        known.config,
        on_place=torch.where(there, kind, NOWHERE),
        motion=playing.transpose(1, 2),
        players=(one_hot(kind, NOBODY + 1) * count[..., None]).sum(dim=1)[:, :NOBODY],
        pattern=pattern.transpose(1, 2),
        level=while_sounding(heard.level),
        rate=while_sounding(heard.rate),
        is_outdoor=LinearMap(frame, seen.backdrop, _yes_or_no)(new.frames)[..., 0].mean(dim=1) > 0,
        has_voice=_lasting(LinearMap(segment, heard.voice, _yes_or_no)(new.audio))[:, 0],
    )


def read_counts(known: KnownClips, new: ClipFeatures) -> Facts:
    """Read how many play and who is heard from one mean over all places and all segments.

    That is all that questions of a Counting category ask; of anything else nothing is known, and
    all that is heard counts as heard all the time. Arguments and errors as of ``read_facts``.
    """
    frames, sounds = (known.features.frames.mean(dim=1), known.features.audio.mean(dim=1))
    players, heard = counts_of(known.scenes, known.config)
    many = LinearMap(frames, players, _squared, players.shape[1])(new.frames.mean(dim=1))
    ever = LinearMap(sounds, heard, _yes_or_no, heard.shape[1])(new.audio.mean(dim=1)) > 0
    num_clips, num_segments = new.audio.shape[:2]
    nothing = torch.zeros_like(ever, dtype=torch.long)
    return _facts(
        known.config,
        on_place=torch.full((num_clips, len(PLACES)), NOWHERE),
        motion=torch.zeros(num_clips, len(PLACES), num_segments, dtype=torch.bool),
        players=many.round().long().clamp(min=0),
        pattern=ever[..., None].expand(-1, -1, num_segments),
        level=nothing,
        rate=nothing,
        is_outdoor=torch.zeros(num_clips, dtype=torch.bool),
        has_voice=torch.zeros(num_clips, dtype=torch.bool),
    )


def counts_of(
    scenes: Sequence[Scene], config: WorldConfig
) -> tuple[Int[Tensor, "N I"], Bool[Tensor, "N I"]]:
    """Return how many play each instrument on stage, and whether it is ever heard."""
    facts = facts_of_scenes(config, scenes)
    players, heard = facts.players[:, : facts.nobody], facts.heard[:, : facts.nobody]
    return torch.from_numpy(players), torch.from_numpy(heard)


def reason(
    facts: Facts, asked: Sequence[QAExample], row_of: Mapping[str, int], usual: LookUp
) -> list[str | None]:
    """Return the answer to each question by the rules of the world.

    Where the facts give no clear answer, as when two sources were read as equally loud, the usual
    one is given.

    Args:
        facts: that it goes by.
        asked: the questions.
        row_of: of a clip, in ``facts``.
        usual: the most common answer to training questions.
    """
    found = [usual.answer(one) for one in asked]
    groups: dict[int, list[int]] = defaultdict(list)
    for position, one in enumerate(asked):
        groups[_TEMPLATES[one.template.strip()]].append(position)
    for template, positions in groups.items():
        kinds = TEMPLATES[template].slots
        slots = [
            [SLOT_VALUES[kind].index(word) for kind, word in zip(kinds, words, strict=True)]
            for words in (asked[position].slot_values for position in positions)
        ]
        rows = np.array([row_of[asked[position].video_id] for position in positions])
        filled = np.array(slots, dtype=int).reshape(len(positions), len(kinds))
        codes = answer_codes(facts, template, rows, filled)
        for position, code in zip(positions, codes, strict=True):
            if code != UNANSWERABLE:
                found[position] = ANSWERS[code]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Which test questions each observer answered rightly.

    Attributes:
        asked: the questions.
        right: of each observer, one truth a question.
        num_clips: that the maps were fitted on.
    """

    asked: tuple[QAExample, ...]
    right: Mapping[Observer, tuple[bool, ...]]
    num_clips: int

    def tallies(self, observer: Observer) -> dict[str, Tally]:
        """Return what an observer answered rightly, by category."""
        counted = tally_by_category([one.category for one in self.asked], self.right[observer])
        return {str(category): tally for category, tally in counted.items()}

    def accuracy(self, observer: Observer, categories: Collection[str] | None = None) -> float:
        """Return the fraction that an observer answered rightly; of all categories if None."""
        tallies = self.tallies(observer)
        return overall(tallies[one] for one in categories or tallies if one in tallies).accuracy

    def interval(
        self, observer: Observer, categories: Collection[str] | None = None, *, seed: int = 0
    ) -> Interval:
        """Return the accuracy, as ``accuracy`` does, with its interval from redrawing clips."""
        chosen = [
            (is_right, one.video_id)
            for one, is_right in zip(self.asked, self.right[observer], strict=True)
            if categories is None or str(one.category) in categories
        ]
        right, clips = [one for one, _ in chosen], [clip for _, clip in chosen]
        stream = np.random.default_rng(rng.derive(seed, "readings", observer))
        return clustered_bootstrap(right, [False] * len(right), clips, generator=stream)


def study(folder: DataFolder, *, num_clips: int, seed: int) -> Answered | None:
    """Let three observers answer the test questions, both senses present.

    Args:
        folder: a built-in world; nothing is known of the scenes of other data, and nothing said.
        num_clips: of the training split, to fit the maps on; all if it has fewer.
        seed: of which other clip's readings are taken.
    """
    if not (folder.path / MARK).is_file():
        return None
    known = KnownClips.of(folder, num_clips)
    clips = [one.clip_id for one in read_scenes(folder.path, "test")]
    new = ClipFeatures.of(folder.store, clips)
    read = read_facts(known, new)
    own = {clip: row for row, clip in enumerate(clips)}
    others = 1 + rng.derive(seed, "other clip") % max(1, len(clips) - 1)
    sources: dict[Observer, tuple[Facts, dict[str, int]]] = {
        "readings": (read, own),
        "means": (read_counts(known, new), own),
        "other_clip": (read, {clip: (row + others) % len(clips) for clip, row in own.items()}),
    }
    asked = [one for one in folder.examples("test") if one.answer is not None]
    usual = LookUp(folder.examples("train"), "template")
    right: dict[Observer, tuple[bool, ...]] = {
        observer: tuple(
            given == one.answer
            for given, one in zip(reason(facts, asked, rows, usual), asked, strict=True)
        )
        for observer, (facts, rows) in sources.items()
    }
    return Answered(asked=tuple(asked), right=right, num_clips=len(known.scenes))


def _told(scenes: Sequence[Scene]) -> tuple[Sights, Sounds]:
    """Return what is seen and heard in every segment of the scenes, one after the other."""
    require(bool(scenes), "expected clips to fit on, got none: build a larger world")
    every = range(scenes[0].num_segments)
    seen = join([sights_of(scene, every) for scene in scenes])
    heard = join([sounds_of(scene, every) for scene in scenes])
    assert isinstance(seen, Sights) and isinstance(heard, Sounds)
    return seen, heard


def _yes_or_no(sums: Tensor, truth: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(sums, truth.float().view_as(sums))


def _squared(sums: Tensor, truth: Tensor, *, where: Tensor | None = None) -> Tensor:
    squares = (sums - truth.view_as(sums)).square()
    return squares.mean() if where is None else squares[where].mean()


def _lasting(logits: Float[Tensor, "N T O"]) -> Bool[Tensor, "N O"]:
    """Whether anything is read in more than one segment."""
    return logits.topk(FEWEST_SEGMENTS, dim=1).values.mean(dim=1) > 0


def _mean_where(pattern: Bool[Tensor, "N T I"], read: Float[Tensor, "N T I"]) -> Int[Tensor, "N I"]:
    """Return a fact of each instrument, over the segments in which it was read to sound."""
    mean = (read * pattern).sum(dim=1) / pattern.sum(dim=1).clamp(min=1)
    return mean.round().long().clamp(min=0)


def _facts(
    config: WorldConfig,
    *,
    on_place: Int[Tensor, "N P"],
    motion: Bool[Tensor, "N P T"],
    players: Int[Tensor, "N I"],
    pattern: Bool[Tensor, "N I T"],
    level: Int[Tensor, "N I"],
    rate: Int[Tensor, "N I"],
    is_outdoor: Bool[Tensor, " N"],
    has_voice: Bool[Tensor, " N"],
) -> Facts:
    """Return what was read as facts of clips of a world."""
    return Facts(
        on_place=on_place.numpy(),
        motion=motion.numpy(),
        players=_and_nobody(players),
        pattern=_and_nobody(pattern),
        level=_and_nobody(level),
        rate=_and_nobody(rate),
        is_outdoor=is_outdoor.numpy(),
        has_voice=has_voice.numpy(),
        entry_margin=config.entry_margin,
        length_margin=config.length_margin,
        most_present=min(config.num_instruments, config.num_acts + len(PLACES)),
    )


def _and_nobody(read: Tensor) -> np.ndarray:
    """Add the column of the instrument that ``Facts`` has and no scene."""
    return np.pad(read.numpy(), ((0, 0), (0, 1), *((0, 0),) * (read.ndim - 2)))
