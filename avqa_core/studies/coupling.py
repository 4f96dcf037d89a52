"""What a perfect observer could know at one setting of the coupling knob."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from avqa_core.bandstand.calibration import calibrate
from avqa_core.bandstand.ceiling import NUM_DRAWS, observe
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import ask_about
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.config import require


def chances(
    config: WorldConfig,
    clip_ids: Sequence[str],
    scenarios: Sequence[str],
    *,
    num_draws: int = NUM_DRAWS,
) -> dict[str, float]:
    """Return scenario -> expected accuracy of a perfect observer on questions about some clips.

    Args:
        config: of the world; its ``coupling`` is what is studied.
        clip_ids: which clips; the same ids at another coupling are other, comparable scenes.
        scenarios: what is present, see ``ceiling.SCENARIOS``.
        num_draws: scenes drawn at a time for each question.

    Raises:
        ConfigError: no clips, or clips about which nothing can be asked.
    """
    require(bool(clip_ids), "expected at least one clip id, got none: name some clips")
    scenes = [sample_scene(config, clip_id) for clip_id in clip_ids]
    asked = ask_about(config, calibrate(config), scenes)
    require(
        any(asked),
        f"expected questions about {len(clip_ids)} clips, got none: name more clips, or raise "
        "questions_per_clip",
    )
    return {
        scenario: fmean(
            one.chance
            for scene, questions in zip(scenes, asked, strict=True)
            for one in observe(config, scene, questions, scenario, num_draws=num_draws)
        )
        for scenario in scenarios
    }
