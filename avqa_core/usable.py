"""Data folders whose clips could not all be used: questions about those do not count, and are told.

A clip may be missing from a store because its film is damaged or was never there. What the makers
of the store left out knowingly, they wrote down; only such a clip is passed over. A clip that is
missing for no known reason is still an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain

from avqa_core import extraction
from avqa_core.data.folder import SPLITS, DataFolder
from avqa_core.printable import printable
from avqa_core.types import QAExample

MOST_TOLD = 3


class UsableFolder(DataFolder):
    """A data folder without the questions about clips that were left out of its features."""

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The clips that were left out knowingly and are not in the store by now."""
        if not (self.path / "features").is_dir():
            return frozenset()
        notes = extraction.read_notes(self.path / "features")
        told = {note.video_id for note in notes if note.kind == "skipped"}
        report = self.store.provenance.get("report", {})  # of avqa pack
        told.update(map(str, chain(*report.get("skipped", {}).values())))
        told.update(map(str, report.get("without_features", ())))
        return frozenset(clip for clip in told if clip not in self.store)

    def examples(self, split: str) -> list[QAExample]:
        """Return the questions of ``split`` whose clips can be used.

        Raises:
            AnnotationError: no such split, or its file is damaged.
        """
        return [one for one in super().examples(split) if one.video_id not in self.left_out]

    def passed_over(self, split: str) -> list[QAExample]:
        """Return the questions of ``split`` that do not count."""
        return [one for one in super().examples(split) if one.video_id in self.left_out]


def told_shared(folder: UsableFolder, splits: Sequence[str] = SPLITS) -> Iterator[str]:
    """Yield a line for each split that shares clips with the training split.

    What a network has learned by heart says nothing about clips it has not met, and makes it seem
    surer than it should be.
    """
    if not (folder.path / "json" / "avqa-train.json").is_file():
        return
    clips = {one.video_id for one in folder.examples("train")}
    for split in splits:
        shared = clips & {one.video_id for one in folder.examples(split)}
        if split != "train" and shared:
            yield (
                f"{split}: {len(shared)} of its clips are in the training split too, so its "
                "numbers are better than those of clips that nobody learned from"
            )


def told(folder: UsableFolder, splits: Sequence[str] = SPLITS) -> Iterator[str]:
    """Yield a line for each split some of whose questions do not count."""
    for split in splits:
        if lost := folder.passed_over(split):
            clips = list(dict.fromkeys(one.video_id for one in lost))
            more = f" and {len(clips) - MOST_TOLD} more" if len(clips) > MOST_TOLD else ""
            yield (
                f"{split}: {len(lost)} questions do not count, because features leave their clips "
                f"out: {', '.join(map(printable, clips[:MOST_TOLD]))}{more}"
            )
