"""What the paper reports, by the experiment of ours that repeats it.

The values stand in ``book/results/paper/*.csv`` with their source. They are fractions of MUSIC-AVQA
questions; ours are of Bandstand questions, so levels are not to be compared, differences are.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from avqa_core.errors import AnnotationError
from avqa_core.experiments.paper_tables import BACKBONES, table1_run, table5_run, table6_run

_MISSING = {"audio": "audio_missing", "visual": "visual_missing"}
_TABLE_4 = {
    ("0", "0"): "table4/none",
    ("1", "0"): "table4/rmm",
    ("0", "1"): "table4/avr",
    ("1", "1"): "table4/paper",
}
_BACKBONES = {printed: name for name, printed in BACKBONES.items()}
# Rows of Table 3 by what stands behind the backbone's name; Table 4 has the first and the last.
_TABLE_3 = {
    "": "table4/none",
    "MissingAwarePrompts": "table3/prompts",
    "ShaSpec": "table3/shaspec",
    "ActionMAE": "table3/actionmae",
    "DrFuse": "table3/drfuse",
    "Ours": "table4/paper",
}
_NOTHING = {"slots": "table4/none", "steps": "table4/rmm"}  # the rows "none" of Tables 5 and 6


def paper_accuracy(experiment: str, scenario: str, folder: Path | None = None) -> float | None:
    """Return the paper's accuracy as a fraction, None where it reports none.

    Args:
        experiment: name of ours, e.g. ``table5/slots_50``.
        scenario: e.g. ``audio_missing``.
        folder: of the csv files; that of the checkout if None.

    Raises:
        AnnotationError: a file is missing or damaged.
    """
    return paper_accuracies(folder or _folder()).get((experiment, scenario))


@cache
def paper_accuracies(folder: Path) -> dict[tuple[str, str], float]:
    """Return every accuracy by (experiment, scenario).

    Raises:
        AnnotationError: a file is missing or damaged, or two tables contradict each other.
    """
    found: dict[tuple[str, str], float] = {}
    for row in read_rows(folder / "table1_full.csv"):
        backbone, _, method = row["method"].partition("+")
        ours = "paper" if method else "plain"
        _put(found, table1_run(_BACKBONES[backbone], ours), row, "all_avg")
    for row in read_rows(folder / "table3_full.csv"):
        _put(found, _TABLE_3[row["method"].partition("+")[2]], row, "all_avg")
    for row in read_rows(folder / "table4.csv"):
        _put(found, _TABLE_4[row["rmm"], row["avr"]], row)
    for number, what, stands_for in ((5, "slots", table5_run), (6, "steps", table6_run)):
        for row in read_rows(folder / f"table{number}.csv"):
            asked = row[what]
            _put(found, _NOTHING[what] if asked == "none" else stands_for(int(asked)), row)
    return found


def _put(
    found: dict[tuple[str, str], float],
    experiment: str,
    row: dict[str, str],
    column: str = "accuracy",
) -> None:
    key, value = (experiment, _MISSING[row["missing"]]), float(row[column]) / 100
    if found.setdefault(key, value) != value:
        raise AnnotationError(
            f"expected the paper's tables to agree on {experiment} with {row['missing']} missing, "
            f"got {100 * found[key]} and {row[column]}: compare the csv files with the paper"
        )


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of one of the paper's tables by the names of its columns.

    Raises:
        AnnotationError: the file is missing.
    """
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise AnnotationError(
            f"expected the paper's values at {path}, got {error}: restore the file"
        ) from error


def _folder() -> Path:
    from avqa_core.profiles import checkout

    return checkout() / "book" / "results" / "paper"
