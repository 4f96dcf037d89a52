"""The command that measures how far the question alone gets, on anybody's question files.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avqa_core.places import require_file_place

if TYPE_CHECKING:
    from avqa_core.studies.floor_results import FloorResults, Measurement

Several = tuple[Path, ...]
FINE = ("template", "question", "encoder")


def floors(
    fit: Several,
    test: Several,
    add: Several = (),
    encoder_seeds: int = 3,
    out: Path | None = None,
) -> int:
    """Answer questions without any clip: look-up tables and a question encoder, with intervals.

    Fits on one set of question files and scores on each of the others. No features are needed.

    Args:
        fit: files in the format of MUSIC-AVQA, e.g. avqa-val.json; fitted on as one.
        test: files to score on, each on its own.
        add: fit once more with these files added, and say what they bring.
        encoder_seeds: encoders to train, about half a minute each for 4,500 questions; 0 for none.
        out: JSON file to write the counts to.
    """
    from avqa_core.config import require
    from avqa_core.progress import Stage, shown_stages
    from avqa_core.studies import floor_results, question_floors
    from avqa_core.studies.question_reader import EpochDone, ReaderConfig

    require(
        encoder_seeds >= 0,
        f"--encoder-seeds: expected 0 or more, got {encoder_seeds}: 0 leaves the encoder out",
    )
    if out is not None:
        require_file_place(out, "--out", "floors.json")
    num_done = 0

    def place(event: object) -> Stage | None:
        nonlocal num_done
        num_done += isinstance(event, question_floors.ReaderDone)
        if isinstance(event, EpochDone):
            note = f"held out {100 * event.accuracy:.1f} %, best after {event.best_epoch}"
            name = f"encoder {num_done + 1}"
            return Stage(name, event.epoch, event.max_epochs, "pass", note)
        return None

    events = floor_results.measure(
        fit,
        test,
        add=add,
        reader=ReaderConfig(),
        seeds=range(encoder_seeds),
        command=_command(fit, test, add, encoder_seeds),
    )
    for event in shown_stages(events, place):
        if isinstance(event, floor_results.FloorResults):
            for line in lines(event):
                print(line)
            if out is not None:
                event.write(out)
                print(f"written to {out}")
    return 0


def lines(found: FloorResults) -> list[str]:
    """Return the results for a terminal."""
    told = [
        f"{one.name}: {one.rows} questions about {one.videos} videos, "
        f"{one.repeated_ids} rows with the id of an earlier one"
        for one in found.files
    ]
    for measurement in found.measurements:
        told += ["", *_table(measurement)]
    for gains in found.gains:
        added = [name for name in gains.fit if name not in gains.over]
        told += ["", f"{gains.test}: points gained by fitting on {', '.join(added)} too"]
        told += _grid(
            {
                (one.scope, one.floor): (
                    f"{100 * one.gain:+.1f}",
                    f"[{100 * one.low:+.1f}, {100 * one.high:+.1f}]",
                )
                for one in gains.rows
            },
            {one.scope: one.total for one in gains.rows},
        )
    return told


def _table(found: Measurement) -> list[str]:
    """Return counts with intervals: fine floors by part of the questions, coarse ones overall."""
    cells = {}
    for one in found.rows:
        right = f"{sum(one.correct) / len(one.correct):.0f}"
        percent = f"{100 * one.accuracy.estimate:.1f}"
        cells[one.scope, one.floor] = (
            right,
            f"{percent} [{100 * one.low:.1f}, {100 * one.high:.1f}]",
        )
    coarse = [
        f"{floor}: {' '.join(cells['all', floor])}"
        for floor in dict.fromkeys(one.floor for one in found.rows)
        if floor not in FINE
    ]
    return [
        f"{found.test}, fitted on {' + '.join(found.fit)}",
        f"  {found.shared_videos} videos are in both; {found.new_questions} questions, filled, "
        "were never seen",
        "  right answers, and % with its 95 % interval from redrawing whole clips",
        *_grid(cells, {one.scope: one.total for one in found.rows}),
        f"  all questions, {'; '.join(coarse)}",
    ]


def _grid(cells: dict[tuple[str, str], tuple[str, str]], totals: dict[str, int]) -> list[str]:
    """Return a line for each part of the questions, with two columns for each fine floor."""
    known = {floor for _, floor in cells}
    floors = [floor for floor in FINE if floor in known]
    told = [f"  {'':<25}{'n':>6}" + "".join(f"{floor:>26}" for floor in floors)]
    for scope, total in totals.items():
        shown = (f"{cells[scope, floor][0]:>6} {cells[scope, floor][1]:>19}" for floor in floors)
        told.append(f"  {scope:<25}{total:>6}" + "".join(shown))
    return told


def _command(fit: Several, test: Several, add: Several, encoder_seeds: int) -> str:
    """Return the command without the folders, which are other ones on another machine."""
    parts = ["avqa floors"]
    for option, paths in (("--fit", fit), ("--add", add), ("--test", test)):
        if paths:
            parts.append(" ".join([option, *(path.name for path in paths)]))
    return " ".join([*parts, f"--encoder-seeds {encoder_seeds}"])
