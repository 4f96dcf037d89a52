"""Features of questions beside those of films: CLIP reads them too, in PSTP-Net's recipe.

Also which films a question file asks about, so that no others are extracted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from avqa_core.data.annotations import read_annotations
from avqa_core.data.store_writer import StoreWriter
from avqa_core.encoders.clip import NUM_WORDS, ClipEncoder
from avqa_core.errors import AnnotationError, FeatureError
from avqa_core.extraction import ExtractionProgress, Note
from avqa_core.types import QAExample
from avqa_core.workers import chunks

BATCH = 64


def read_questions(paths: Sequence[Path]) -> list[QAExample]:
    """Return the questions of several files.

    Raises:
        AnnotationError: a file is damaged.
    """
    return [example for path in paths for example in read_annotations(path)]


def one_each(examples: Sequence[QAExample]) -> list[QAExample]:
    """Return one question for each id, as the features of questions are found again by it.

    Raises:
        AnnotationError: an id stands for two different questions.
    """
    by_id: dict[int, QAExample] = {}
    for example in examples:
        known = by_id.setdefault(example.question_id, example)
        if known.tokens != example.tokens:
            raise AnnotationError(
                f"expected one question with the id {example.question_id}, got "
                f"{known.question!r} and {example.question!r}: features of questions are found by "
                "their ids, so use files of one data set"
            )
    return list(by_id.values())


def asked_about(
    videos: Mapping[str, Path], examples: Sequence[QAExample]
) -> tuple[dict[str, Path], list[Note]]:
    """Return the films that are asked about, and a note for each of them that has no file.

    Raises:
        FeatureError: none of them has a file.
    """
    wanted = dict.fromkeys(example.video_id for example in examples)
    found = {name: videos[name] for name in wanted if name in videos}
    if not found:
        raise FeatureError(
            f"expected films named like the {len(wanted)} clips that are asked about, such as "
            f"{next(iter(wanted))}, got {next(iter(videos))} and the like: rename the files, or "
            "leave out --questions"
        )
    reason = "asked about, but there is no file of that name"
    return found, [
        Note(video_id=name, kind="skipped", reason=reason) for name in wanted if name not in videos
    ]


def extract_questions(
    examples: Sequence[QAExample], out: Path, encoder: ClipEncoder
) -> Iterator[ExtractionProgress]:
    """Write CLIP's vector and words of each question into a store whose ids are question ids.

    The text is the question with its slots filled and without its question mark.

    Raises:
        AnnotationError: an id stands for two different questions.
        FeatureError: the store was begun with another encoder.
    """
    examples = one_each(examples)
    layout = {"question": (1, encoder.width), "words": (NUM_WORDS, encoder.width)}
    provenance = {"questions": {"encoder": encoder.name, "weights": encoder.weights_hash}}
    with StoreWriter(out, layout, provenance=provenance) as writer:
        missing = [one for one in examples if str(one.question_id) not in writer]
        num_done = len(examples) - len(missing)  # the store may hold questions of other files too
        for group in chunks(missing, BATCH):
            vectors, words = encoder.texts([" ".join(one.tokens) for one in group])
            for one, vector, word in zip(group, vectors.cpu(), words.cpu(), strict=True):
                arrays = {"question": vector.numpy(), "words": word.numpy()}
                writer.add(str(one.question_id), arrays)
            num_done += len(group)
            yield ExtractionProgress(done=num_done, total=len(examples))
