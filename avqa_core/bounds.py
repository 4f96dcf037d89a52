"""Between which lines an accuracy has to be read: the question alone, and a perfect observer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from avqa_core.bandstand.bounds import Ceilings, Floors
from avqa_core.data.availability import Scenario
from avqa_core.data.folder import DataFolder
from avqa_core.errors import AnnotationError
from avqa_core.types import Modality, QAExample

_SCENARIO_OF = {
    (True, True): "complete",
    (False, True): "audio_missing",
    (True, False): "visual_missing",
    (False, False): "both_missing",
}


def floors(folder: DataFolder, split: str) -> dict[str, float]:
    """Return what a look-up table of questions reaches on ``split``, by ``str(category)``.

    The table is fitted on the training split and its fineness chosen on the validation split. In
    multiple choice no floor is below what guessing is expected to give. Questions whose answer is
    not told do not count, as they do not in a report.
    """
    return of_questions(*(folder.examples(one) for one in ("train", "val", split)))


def of_questions(
    train: Sequence[QAExample], val: Sequence[QAExample], examples: Sequence[QAExample]
) -> dict[str, float]:
    """Return the floor of ``examples`` by ``str(category)``, see ``floors``."""
    guessing = 1 / len(train[0].candidates) if train[0].candidates else 0.0
    answered = [example for example in examples if example.answer is not None]
    found = Floors.fit(train, val, answered).by_category()
    return {category: max(floor, guessing) for category, floor in found.items()}


def ceilings(
    folder: DataFolder, split: str, scenarios: Sequence[Scenario | str], seed: int
) -> dict[str, dict[str, float]]:
    """Return what a perfect observer is expected to reach, by scenario and ``str(category)``.

    In a mixture every question counts with its chance under what it really lost, which is a
    function of the seed. Nothing is known of data without ``ceiling.json``, of other splits than
    the test split, and of scenarios that drop single segments.

    Raises:
        AnnotationError: the file is damaged, or does not know a question of the split.
    """
    path = folder.path / "ceiling.json"
    if split != "test" or not path.exists():
        return {}
    chances = Ceilings.read(path).chances
    parsed = [Scenario.parse(one) if isinstance(one, str) else one for one in scenarios]
    whole = [one for one in parsed if not one.audio_drops and not one.visual_drops]
    examples = folder.examples(split)
    found: dict[str, dict[str, float]] = {}
    for scenario in whole:
        ids = [example.question_id for example in examples]
        present = scenario.availability(ids, 1, seed)[:, 0].tolist()
        values: dict[str, list[float]] = defaultdict(list)
        for example, row in zip(examples, present, strict=True):
            lost = _SCENARIO_OF[row[Modality.AUDIO], row[Modality.VISUAL]]
            chance = chances.get(lost, {}).get(example.question_id)
            if chance is None:
                raise AnnotationError(
                    f"expected a ceiling of question {example.question_id} in {path}, got none: "
                    "build the world again with 'avqa world'"
                )
            values[str(example.category)].append(chance)
        found[str(scenario)] = {category: fmean(of) for category, of in values.items()}
    return found
