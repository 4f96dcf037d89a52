"""The toggles of a published page in one call: clips, their media, every answer."""

from __future__ import annotations

from pathlib import Path

from avqa_core.viz.display import Rich
from avqa_core.viz.media import write_media
from avqa_core.viz.notices import notice
from avqa_core.viz.session import ToggleSession
from avqa_core.viz.static_controls import static_toggles
from avqa_core.viz.toggle_export import choose_questions, toggle_data


def page_toggles(
    session: ToggleSession,
    folder: Path,
    *,
    completer: str,
    provenance: str,
    name: str = "toggles",
    num_clips: int = 8,
    num_questions: int = 6,
) -> Rich:
    """Return live toggles that need no kernel, and write their pictures and sounds.

    Args:
        session: with the models and the clips.
        folder: where the files go; the page finds it beside itself, by its name.
        completer: name of the model in the session whose answers are shown.
        provenance: a sentence on that model.
        name: tells this control from others on the page.
        num_clips: clips on the page, the first ones of the split that have enough questions.
        num_questions: questions of each.
    """
    world = session.world
    if not world.scenes:
        return notice(
            "No pictures and sounds to show",
            "These clips come from a data folder without scenes, so this page cannot draw and "
            "sound them. The live panel answers about them all the same, in JupyterLab.",
            "make lab",
        )
    questions = choose_questions(world, num_clips, num_questions)
    media = write_media(folder, map(world.media, questions), f"{folder.name}/")
    data = toggle_data(session, questions, media, completer=completer, provenance=provenance)
    first = world.media(next(iter(questions)))
    return static_toggles(data, name=name, frames=first.frames)
