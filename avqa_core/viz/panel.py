"""The live panel of JupyterLab: mute a clip, cover it, and see the answer of the model change.

All logic is in ``session``; this file only places widgets and passes their values on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from avqa_core.bandstand.templates import SLOT_VALUES, TEMPLATES
from avqa_core.errors import AvqaError
from avqa_core.types import QAExample
from avqa_core.viz.cards import in_words
from avqa_core.viz.fragments import (
    addressing_html,
    answer_html,
    boxed,
    message_html,
    path_html,
    recalled_html,
)
from avqa_core.viz.media import encode_picture, encode_sound
from avqa_core.viz.session import ToggleAnswer, ToggleSession
from avqa_core.viz.transcript import describe_heard, describe_seen

MOST_SLOTS = max(len(template.slots) for template in TEMPLATES)
WIDTH, NARROW = "auto", "20rem"
ASKED, FREE = "asked in this split", "my own"
ABSENT_PICTURE = "Picture absent: the model does not see it."
ABSENT_SOUND = "Audio absent: the player is off and the model does not hear it."


def wrapping(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Return widgets side by side, on further lines where there is no room."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))


def offer(chooser: widgets.Dropdown, options: Sequence[Any], index: int = 0) -> None:
    """Give a chooser new options and choose one; by itself a chooser of none chooses none."""
    chooser.options = options
    chooser.index = index if options else None


class TogglePanel(widgets.VBox):
    """Clip, question, two switches, completer and steps; the answer follows every change."""

    def __init__(self, session: ToggleSession, *, num_clips: int = 40) -> None:
        self.session = session
        self.answer: ToggleAnswer | None = None
        self._frames: list[bytes] = []
        self._is_busy = False
        self._make_choosers(num_clips)
        self._make_switches()
        self._make_player()
        self._make_results()
        super().__init__([self._layout()])
        self._connect()
        self._choose_clip()

    def _make_choosers(self, num_clips: int) -> None:
        clips = self.session.world.clips[:num_clips]
        self.clip = widgets.Dropdown(
            options=clips, description="Clip", layout=widgets.Layout(width=WIDTH)
        )
        self.kind = widgets.ToggleButtons(options=[ASKED, FREE], description="Question")
        self.question = widgets.Dropdown(description="Asked", layout=widgets.Layout(width=WIDTH))
        templates = [(f"{one.category}: {one.text.strip()}", one) for one in TEMPLATES]
        self.template = widgets.Dropdown(
            options=templates, description="Template", layout=widgets.Layout(width=WIDTH)
        )
        self.words = [
            widgets.Dropdown(description=f"Word {number + 1}", layout=widgets.Layout(width="14rem"))
            for number in range(MOST_SLOTS)
        ]

    def _make_switches(self) -> None:
        self.audio = widgets.Checkbox(value=True, description="audio present", indent=False)
        self.visual = widgets.Checkbox(value=True, description="visual present", indent=False)
        self.completer = widgets.Dropdown(
            options=list(self.session.models),
            description="Completer",
            layout=widgets.Layout(width=NARROW),
        )
        self.steps = widgets.IntSlider(
            min=1,
            max=1,
            description="Steps",
            continuous_update=False,
            layout=widgets.Layout(width=NARROW),
        )

    def _make_player(self) -> None:
        self.picture = widgets.Image(format="webp", layout=widgets.Layout(width=WIDTH))
        self.covered = widgets.HTML(message_html(ABSENT_PICTURE))
        self.play = widgets.Play(interval=1000, repeat=False, description="Play")
        self.second = widgets.IntSlider(
            description="Second", min=1, max=1, layout=widgets.Layout(width=NARROW)
        )
        self.sound = widgets.Audio(
            format="mp3", autoplay=False, loop=False, layout=widgets.Layout(width=WIDTH)
        )
        self.silent = widgets.HTML(message_html(ABSENT_SOUND))
        self.no_media = widgets.HTML()
        self.in_words = widgets.HTML(layout=widgets.Layout(width=WIDTH))
        widgets.jslink((self.play, "value"), (self.second, "value"))

    def _make_results(self) -> None:
        self.result = widgets.HTML(layout=widgets.Layout(width=WIDTH))
        self.addressing = widgets.HTML(layout=widgets.Layout(width=WIDTH))
        self.recalled = widgets.HTML(layout=widgets.Layout(width=WIDTH))
        self.path = widgets.HTML(layout=widgets.Layout(width=WIDTH))
        self.details = widgets.Tab([self.addressing, self.recalled, self.path])
        for index, title in enumerate(("Addressing", "Pseudo and real", "Reverse path")):
            self.details.set_title(index, title)

    def _layout(self) -> widgets.Widget:
        player = widgets.VBox(
            [
                self.picture,
                self.covered,
                wrapping([self.play, self.second]),
                self.sound,
                self.silent,
                self.no_media,
                self.in_words,
            ],
            layout=widgets.Layout(flex="1 1 42%", width="0", overflow="hidden"),
        )
        right = widgets.VBox(
            [self.result], layout=widgets.Layout(flex="1 1 58%", width="0", overflow="hidden")
        )
        return widgets.VBox(
            [
                self.clip,
                self.kind,
                self.question,
                self.template,
                wrapping(self.words),
                widgets.HBox([self.audio, self.visual]),
                wrapping([self.completer, self.steps]),
                widgets.HBox([player, right]),
                self.details,
            ]
        )

    def _connect(self) -> None:
        self.clip.observe(self._on(self._choose_clip), "value")
        self.template.observe(self._on(self._choose_template), "value")
        self.completer.observe(self._on(self._choose_completer), "value")
        self.second.observe(lambda _: self._show_frame(), "value")
        self.details.observe(self._on(self._show_details), "selected_index")
        for one in (self.kind, self.question, self.audio, self.visual, self.steps, *self.words):
            one.observe(self._on(self.update), "value")

    def _on(self, act: Callable[[], None]) -> Callable[[Any], None]:
        """Return an observer that does nothing while the panel itself is setting widgets."""

        def observer(_: Any) -> None:
            if not self._is_busy:
                act()

        return observer

    @contextmanager
    def _setting(self) -> Iterator[None]:
        """Keep the panel from answering while several widgets change, then answer once."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False
        self.update()

    def _choose_clip(self) -> None:
        with self._setting():
            questions = self.session.world.questions_of(self.clip.value)
            offer(self.question, [(f"{one.question} ({one.category})", one) for one in questions])
            self._show_media()
            self._set_words()
            self._set_steps()

    def _choose_template(self) -> None:
        with self._setting():
            self._set_words()

    def _choose_completer(self) -> None:
        with self._setting():
            self._set_steps()

    def _set_words(self) -> None:
        """Offer the values of each placeholder, and different ones first."""
        slots = self.template.value.slots
        for number, word in enumerate(self.words):
            word.layout.display = "none" if number >= len(slots) else ""
            if number < len(slots):
                values = SLOT_VALUES[slots[number]]
                offer(word, values, slots[:number].count(slots[number]) % len(values))

    def _set_steps(self) -> None:
        largest = self.session.largest_num_steps(self.completer.value)
        self.steps.disabled = largest is None
        self.steps.max = largest or 1
        self.steps.value = self.session.trained_num_steps(self.completer.value) or 1

    def _show_media(self) -> None:
        """Load pictures and sound of the clip, or say why there are none."""
        try:
            media = self.session.world.media(self.clip.value)
        except AvqaError as error:
            self._frames, self.no_media.value = [], message_html(str(error))
            self.sound.layout.display = self.picture.layout.display = "none"
            return
        self.no_media.value = ""
        self._frames = [encode_picture(frame) for frame in media.frames]
        self.sound.value = encode_sound(media.waveform)
        self.second.max = self.play.max = len(self._frames)
        self.play.min, self.second.value = 1, 1
        self._show_frame()

    def _show_frame(self) -> None:
        if self._frames:
            self.picture.value = self._frames[self.second.value - 1]

    def _example(self) -> QAExample:
        """Return the question that is chosen, from the split or the reader's own."""
        if self.kind.value == ASKED:
            return self.question.value
        template = self.template.value
        words = [word.value for word in self.words[: len(template.slots)]]
        return self.session.world.ask(self.clip.value, template, words)

    def update(self) -> None:
        """Answer with what is switched on now; a mistake shows a message, not a traceback."""
        self._show_switches()
        try:
            self.answer = self.session.answer(
                self._example(),
                audio_present=self.audio.value,
                visual_present=self.visual.value,
                completer=self.completer.value,
                num_steps=None if self.steps.disabled else self.steps.value,
            )
        except AvqaError as error:
            self.answer = None
            self.result.value = message_html(str(error))
            for detail in self.details.children:
                detail.value = ""
            return
        self.result.value = answer_html(self.answer)
        self._show_details()

    def _show_switches(self) -> None:
        is_free = self.kind.value == FREE
        self.question.layout.display = "none" if is_free else ""
        self.template.layout.display = "" if is_free else "none"
        num_words = len(self.template.value.slots) if is_free else 0
        for number, word in enumerate(self.words):
            word.layout.display = "" if number < num_words else "none"
        has_media = bool(self._frames)
        self.picture.layout.display = "" if has_media and self.visual.value else "none"
        self.covered.layout.display = "none" if self.visual.value else ""
        self.sound.layout.display = "" if has_media and self.audio.value else "none"
        self.silent.layout.display = "none" if self.audio.value else ""
        self._show_words()

    def _show_words(self) -> None:
        """Tell what there is to see and to hear, as far as it is present."""
        scene = self.session.world.scenes.get(self.clip.value)
        told = {}
        if scene is not None and self.visual.value:
            told["Seen"] = describe_seen(scene.seen())
        if scene is not None and self.audio.value:
            told["Heard"] = describe_heard(scene.heard())
        self.in_words.value = boxed(in_words(told)) if told else ""

    def _show_details(self) -> None:
        """Draw the tab that is open; the others are drawn when they are opened."""
        if self.answer is None:
            return
        index = self.details.selected_index or 0
        if index == 0:
            self.addressing.value = addressing_html(self.answer)
        elif index == 1:
            self.recalled.value = recalled_html(self.answer.recalled)
        else:
            self.path.value = path_html(self.session.path(self.answer))
