"""Bandstand's clips as a chapter shows them: cards, strips, a slider over the coupling, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from avqa_core.bandstand.bounds import Floors
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import INSTRUMENTS, Scene
from avqa_core.bandstand.world import read_config
from avqa_core.data.folder import DataFolder
from avqa_core.media.log_mel import log_mel
from avqa_core.viz.cards import ClipCard, clip_cards
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.clips import clip_strip
from avqa_core.viz.media import ClipMedia, MediaFiles, rendered
from avqa_core.viz.static_controls import StepSlider
from avqa_core.viz.transcript import describe_heard, describe_seen

Row = Mapping[str, str | int | float | None]


def scene_cards(
    scenes: Sequence[Scene], files: Mapping[str, MediaFiles], *, first: ClipMedia | None = None
) -> Rich:
    """Return the scenes to look at, to listen to and to read.

    Args:
        scenes: what to show.
        files: clip -> addresses of its files, e.g. of ``write_media``.
        first: pictures of the first scene, for print.
    """
    cards = [
        ClipCard(
            title=f"clip {scene.clip_id}",
            seen=describe_seen(scene.seen()),
            heard=describe_heard(scene.heard()),
            media=files[scene.clip_id],
        )
        for scene in scenes
    ]
    return clip_cards(cards, first=first)


def scene_lanes(scene: Scene) -> tuple[dict[str, Sequence[bool]], dict[str, str]]:
    """Return when each player is seen to play and each source is heard, and which is which."""
    seen = {f"{_spoken(one.instrument)}, {one.place} (seen)": one.motion for one in scene.sections}
    heard: dict[str, Sequence[bool]] = {
        f"{_spoken(one.instrument)} (heard)": one.pattern for one in scene.sources
    }
    modality = dict.fromkeys(seen, "visual") | dict.fromkeys(heard, "audio")
    return seen | heard, modality


def scene_strip(scene: Scene, shown: ClipMedia, *, with_log_mel: bool = False) -> Figure:
    """Draw a scene: pictures, loudness, the facts in lanes, and the spectrogram if wanted."""
    lanes, modality = scene_lanes(scene)
    spectrogram: np.ndarray | None = None
    if with_log_mel:
        patches = log_mel(torch.from_numpy(np.asarray(shown.waveform, dtype=np.float32)))
        spectrogram = patches.flatten(0, 1).numpy()
    return clip_strip(
        shown.frames, shown.waveform, lanes, log_mel=spectrogram, fact_modality=modality
    )


def coupling_slider(clip_id: str, couplings: Sequence[float], *, seed: int = 0) -> StepSlider:
    """Return one clip drawn at several couplings, with a slider over them."""
    figures = []
    for coupling in couplings:
        scene = sample_scene(WorldConfig(seed=seed, coupling=coupling), clip_id)
        figures.append(scene_strip(scene, rendered(scene)))
    return StepSlider.from_figures(
        figures,
        [f"coupling {coupling:g}" for coupling in couplings],
        control="coupling",
        alt="Ten pictures of a stage, the loudness, and lanes of what is seen to play and heard.",
        name="coupled clip",
        start=len(couplings) - 1,
    )


def scores_by_instrument(scores: Mapping[str, float]) -> dict[str, dict[str, list[float]]]:
    """Return instrument -> what the encoders score on it by sight and by ear, in percent."""
    return {
        _spoken(name): {
            "visual": [100 * scores[f"visual: seen/{name}"]],
            "audio": [100 * scores[f"audio: heard/{name}"]],
        }
        for name in INSTRUMENTS
    }


def world_facts(folder: Path) -> dict[str, float]:
    """Return how large and how varied a Bandstand world is, counted from its files."""
    data, config = DataFolder(folder), read_config(folder)
    everything = [one for split in ("train", "val", "test") for one in data.examples(split)]
    test, floor = data.examples("test"), Floors.read(folder / "floor.json").overall("template")
    return {
        "question categories": len({one.category for one in everything}),
        "question templates": len({one.template for one in everything}),
        "instruments": config.num_instruments,
        "possible answers": len({one.answer for one in everything}),
        "segments used of a clip": config.num_segments,
        "seconds of a clip": config.num_segments,
        "test questions": len(test),
        "floor on the test questions (%)": round(100 * floor.correct / floor.total, 1),
    }


def compared(theirs: Sequence[Mapping[str, str]], ours: Mapping[str, float]) -> list[Row]:
    """Return rows of a table that lays our facts beside the published ones, with a verdict.

    Args:
        theirs: rows with ``fact``, ``value`` and ``source``.
        ours: fact -> number, for every fact of theirs.
    """
    rows: list[Row] = []
    for one in theirs:
        value, own = float(one["value"]), float(ours[one["fact"]])
        verdict = "same" if own == value else "smaller" if own < value else "larger"
        rows.append(
            {
                "fact": one["fact"],
                "paper": f"{value:,g}",
                "ours": f"{own:,g}",
                "verdict": verdict,
                "source": one["source"],
            }
        )
    return rows


def _spoken(name: str) -> str:
    return name.replace("_", " ")
