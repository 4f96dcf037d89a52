"""A data folder: ``json/avqa-{train,val,test}.json`` and ``features/``, opened as data sets.

Bandstand and MUSIC-AVQA have the same layout. ``avqa_core.bounds`` adds floors and ceilings.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from avqa_core.data.annotations import read_annotations
from avqa_core.data.dataset import QADataset
from avqa_core.data.labels import with_few_labels
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample

SPLITS = ("train", "val", "test")


class DataFolder:
    """One folder of questions and features; files are read when they are asked for.

    Raises:
        AnnotationError: there is no such folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / "json").is_dir():
            raise AnnotationError(
                f"expected a data folder with json/ and features/ at {self.path}, got none: check "
                "the path, or make one with 'avqa world --out DIR'"
            )
        self._examples: dict[str, list[QAExample]] = {}

    def examples(self, split: str) -> list[QAExample]:
        """Return the questions of ``split``; a file is read once.

        Raises:
            AnnotationError: no such split, or its file is damaged.
        """
        if split not in SPLITS:
            raise AnnotationError(f"expected a split out of {', '.join(SPLITS)}, got {split!r}")
        if split not in self._examples:
            path = self.path / "json" / f"avqa-{split}.json"
            self._examples[split] = read_annotations(path)
        return list(self._examples[split])

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words and answers of the training split."""
        return Vocabulary.from_examples(self.examples("train"))

    @cached_property
    def store(self) -> FeatureStore:
        """The features of all clips."""
        return FeatureStore.open(self.path / "features")

    def dataset(
        self,
        split: str,
        vocabulary: Vocabulary | None = None,
        *,
        cache: bool = False,
        labelled_fraction: float = 1.0,
        missing_rate: float = 0.0,
        seed: int = 0,
    ) -> QADataset:
        """Return the questions of ``split`` with their features.

        Args:
            split: ``train``, ``val`` or ``test``.
            vocabulary: that of a trained model; the training split's own if None.
            cache: hold the features of the split in memory.
            labelled_fraction: share of the questions whose answer is told; see ``data.labels``.
            missing_rate: share of the clips that lack one half for good; see ``QADataset``.
            seed: decides whose.
        """
        examples = self.examples(split)
        if labelled_fraction != 1.0:
            examples = with_few_labels(examples, labelled_fraction, seed)
        return QADataset(
            examples,
            self.store,
            vocabulary or self.vocabulary,
            cache=cache,
            missing_rate=missing_rate,
            seed=seed,
        )
