"""A data folder in lines for a person: every split, what they share, and their features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from avqa_core.data.folder import SPLITS, DataFolder
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError
from avqa_core.features.folders import npy_folders
from avqa_core.features.summary import number
from avqa_core.inspection.features import covered_lines, npy_lines, store_lines, verified_lines
from avqa_core.inspection.questions import (
    QuestionFile,
    beyond_lines,
    category_lines,
    counted_line,
    oddity_lines,
    read_question_file,
    short_lines,
)


def data_lines(path: Path, *, verify: bool = False) -> Iterator[str]:
    """Yield lines about the questions and features of a data folder.

    Args:
        path: of the folder.
        verify: read its features whole and name the damaged clips.

    Raises:
        AvqaError: a file is damaged; after the lines about those that can be read.
    """
    folder, files = DataFolder(path), {}
    for split in SPLITS:
        file = path / "json" / f"avqa-{split}.json"
        if not file.exists():
            yield f"{split}: no questions"
            continue
        files[split] = read_question_file(file)
        yield from _split_lines(split, files[split])
    yield from _shared_lines(files)
    if (path / "features").is_dir():
        store = folder.store
        yield from store_lines(store)
        for split, read in files.items():
            yield from covered_lines(store, read.video_ids, split)
        if verify:
            yield from verified_lines(store)
    elif npy_folders(path):
        yield from npy_lines(path, [read.path for read in files.values()])
    else:
        yield "no features"
    for read in files.values():
        read.check()


def _split_lines(split: str, file: QuestionFile) -> Iterator[str]:
    yield f"{split}: {counted_line(file)}"
    yield from category_lines(file.examples)
    for line in (*short_lines(file.examples), *oddity_lines(file)):
        yield f"  {line}"


def _shared_lines(files: Mapping[str, QuestionFile]) -> Iterator[str]:
    """Yield what splits have in common, and what later ones have that training never sees."""
    for one, other in combinations(files, 2):
        clips = files[one].video_ids & files[other].video_ids
        ids = {example.question_id for example in files[one].examples}
        questions = sum(example.question_id in ids for example in files[other].examples)
        if clips or questions:
            shared = f"{number(len(clips), 'clip')} and {number(questions, 'question id')}"
            yield f"{one} and {other} share {shared}"
    if "train" not in files:
        return
    try:
        vocabulary = Vocabulary.from_examples(files["train"].examples)
    except AnnotationError:  # a training split without questions or answers has been told already
        return
    known = (vocabulary.words, vocabulary.answers, "the training split")
    for split in ("val", "test"):
        if split in files:
            yield from (f"{split}: {line}" for line in beyond_lines(files[split].examples, *known))
