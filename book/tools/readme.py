"""The results table of the README, written between two markers from stored results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from avqa_core import experiments
from avqa_core.claims import every_claim
from avqa_core.experiments import avr_trials
from avqa_core.experiments.results import Stored
from avqa_core.ledger import VERDICTS, Entry, ledger
from avqa_core.metrics import Interval
from avqa_core.training import runs
from avqa_core.viz import main_results
from avqa_core.viz.ablation_views import MISSING, SHOWN
from avqa_core.viz.avr_words import AVR_GAPS, WHOLE_LONGER
from avqa_core.viz.avr_words import BOTH as PAPER
from avqa_core.viz.points import in_points
from avqa_core.viz.result_words import gap_text, verdicts_text
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import BEST, UNKNOWN
from book.tools.layout import BookError, Layout

BEGIN = "<!-- results: written by 'python -m book.tools readme' -->"
END = "<!-- end of results -->"
# what is told of longer training: AVR of one step, then the whole chain
LONGER = {
    "AVR of one step": ("avr_longer_lift", "avr_longer", "avr_longer_over_control"),
    "AVR of one step on the missing half alone": (
        "avr_missing_only_longer_lift",
        "avr_missing_only_longer",
        "avr_missing_only_longer_over_control",
    ),
    "AVR": (
        "avr_whole_longer_lift",
        "avr_whole_longer",
        "avr_whole_longer_over_control",
    ),
}
OVER = ("over plain AVST", "over RMM alone", "over modality dropout")
_MISSING = ("audio_missing", "visual_missing", "both_missing")


def write(layout: Layout) -> Path:
    """Write the table into the README of a checkout and return its path."""
    path = layout.root / "README.md"
    runs.replace_text(path, written(path.read_text(), stored(layout)))
    return path


def problems(layout: Layout) -> list[str]:
    """Return what is wrong with the table, if it is not that of the stored results."""
    path = layout.root / "README.md"
    if not path.exists():
        return [f"{path}: expected the README of the book, got no such file: check it out again"]
    text = path.read_text()
    if text == written(text, stored(layout)):
        return []
    return ["README.md shows other results than are stored: run 'python -m book.tools readme'"]


def stored(layout: Layout) -> Stored:
    """Return the stored results of profile ``book``, or none."""
    return experiments.stored("book", layout.results / "book.json", missing_ok=True)


def written(text: str, results: Stored) -> str:
    """Return the text of a README with the table of ``results`` between its markers.

    Raises:
        BookError: a marker is missing, or the two stand in the wrong order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BookError(
            f"README.md: expected the lines {BEGIN!r} and {END!r}, got not both: put them where "
            "the results belong"
        )
    return f"{before}{begin}\n\n{table(results)}\n\n{end}{after}"


def table(results: Stored) -> str:
    """Return floor, methods and ceiling as a Markdown table, with what made the numbers."""
    rows = main_results.main_rows(results)
    if not rows:
        return "No results are stored yet; `make results` makes them."
    columns = zip(*(row.accuracies for row in rows), strict=True)
    # with both halves there is nothing to stand in for: whatever differs is the backbone
    best = [
        None if scenario == "complete" else _best(column, floor)
        for scenario, column, floor in zip(
            main_results.SCENARIOS, columns, rows[0].accuracies, strict=True
        )
    ]
    heads = [mark_of(name).label for name in main_results.SCENARIOS]
    lines = [
        f"| what stands in for the absent half | {' | '.join(heads)} | seeds |",
        f"|---|{'---:|' * (len(heads) + 1)}",
    ]
    for row in rows:
        cells = [
            f"{BEST} {_cell(one)}" if one is not None and one == top else _cell(one)
            for one, top in zip(row.accuracies, best, strict=True)
        ]
        seeds = str(row.num_seeds) if row.num_seeds else UNKNOWN
        lines.append(f"| {_name(row.name)} | {' | '.join(cells)} | {seeds} |")
    return "\n".join([*lines, "", *_sentences(results)])


def _name(name: str) -> str:
    if name in ("floor", "ceiling"):
        return f"*{name}*"
    return mark_of(name).label


def _best(
    column: Sequence[Interval | float | None], floor: Interval | float | None
) -> Interval | None:
    """Return the highest of the methods; none where all are alike or below the floor."""
    methods = [one for one in column if isinstance(one, Interval)]
    if len({one.estimate for one in methods}) < 2:
        return None
    best = max(methods, key=lambda one: one.estimate)
    return None if isinstance(floor, float) and best.estimate < floor else best


def _cell(value: Interval | float | None) -> str:
    if value is None:
        return UNKNOWN
    if not isinstance(value, Interval):
        return f"*{100 * value:.1f}*"
    half = (value.high - value.low) / 2
    spread = "" if half != half else f" ± {100 * half:.1f}"  # a single seed has no interval
    return f"{100 * value.estimate:.1f}{spread}"


def _sentences(results: Stored) -> list[str]:
    """Return how ours compares, and which runs the numbers come from."""
    found = [
        f"- {mark_of(scenario).label}: {main_results.lead_sentence(results, scenario)}."
        for scenario in _MISSING
    ]
    shown = [one for one in main_results.stored_methods(results) if one in main_results.CONTROLS]
    devices = sorted({str(one.get("device", "unknown")) for one in results.provenance})
    made = f"Accuracy in % on Bandstand's test questions, mean ± 95 % interval; {BEST} best."
    if shown:
        made += f" Controls: {', '.join(mark_of(one).label for one in shown)}."
    saw = (
        "All rows: one frozen backbone a seed, AVST with the reader, that saw complete clips only: "
        f"{main_results.length_sentence(results)}."
    )
    whole = {
        tuple(results.accuracies(name, "complete").values())
        for name in main_results.stored_methods(results).values()
    }
    if len(whole) > 1:
        saw += (
            " Where both present gives another number, another processor trained the backbones of "
            "the same seeds."
        )
    return [made, saw, f"{', '.join(devices)}; {results.date}.", "", *found, *_judged(results)]


def run_claims(results: Stored) -> list[Entry]:
    """Return what became of every claim of all chapters whose runs are stored."""
    if not len(results):
        return []
    return [one for one in ledger(results, every_claim()) if one.verdict != "not run"]


def _judged(results: Stored) -> list[str]:
    """Return every claim of the paper; and of our questions those against us or about ours.

    What is against us must not need looking for, and neither what speaks for the paper.
    """
    entries = run_claims(results)
    of_paper = [one for one in entries if one.claim.is_of_paper]
    against = {one.claim.statement for one in entries if one.verdict == "contradicted"}
    of_ours = [
        one
        for one in entries
        if not one.claim.is_of_paper
        and (one.claim.statement.startswith(main_results.OURS) or one.claim.statement in against)
    ]
    found = []
    if of_paper:
        found = [
            "",
            f"Of {len(of_paper)} claims of the paper that were run: {verdicts_text(of_paper)}. "
            "Some contain others; one of several comparisons is contradicted only by an interval "
            "that is the wider the more there are.",
            *_reading(results),
            *_length_of_tables(results),
            "",
            *_claims_table("what the paper says", of_paper),
        ]
    if of_ours:
        found += ["", *_claims_table("what it does not ask", of_ours)]
    return found


def _claims_table(what: str, entries: Sequence[Entry]) -> list[str]:
    told: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        told.setdefault(entry.claim.statement, {})[entry.claim.scenario] = entry
    # most claims are about an absent half: a column for the others only where there are some
    shown = [one for one in SHOWN if any(one in of for of in told.values())]
    heads = [mark_of(scenario).label for scenario in shown]
    seeds = " or ".join(map(str, sorted({one.num_seeds for one in entries})))
    return [
        f"| {what}; in points, 95 % over {seeds} seeds | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
        *(
            f"| {statement} | {' | '.join(_verdict(of.get(one)) for one in shown)} |"
            for statement, of in told.items()
        ),
    ]


def _length_of_tables(results: Stored) -> list[str]:
    """Return for how long the tables of the paper train on, and what AVR gives after longer."""
    if not results.has(PAPER):
        return []
    steps = int(results.cost(PAPER)["steps"])
    told = (
        f"These are verdicts on short runs: in joint training, the paper's regime, everything "
        f"trained on for {steps} steps, {avr_trials.LONGER} times as many where it says *longer*."
    )
    return ["", told, "", *_longer(results)]


def _reading(results: Stored) -> list[str]:
    """Return what becomes of RMM and AVR where AVR leaves alone the half that is there."""
    names = [AVR_GAPS[f"avr_missing_only_{one}"] for one in ("lift", "over_rmm", "over_control")]
    if not all(results.has(*pair) for pair in names):
        return []
    told = (
        "Most of them rest on one reading: AVR changes both halves, as in Eq. 8. Where it changes "
        "the missing half alone, as in the paper's introduction and its released program, RMM and "
        "AVR compare otherwise:"
    )
    lines = []
    for scenario in MISSING:
        gaps = (
            f"{over} {gap_text(results, *pair, scenario)}"
            for over, pair in zip(OVER, names, strict=True)
        )
        lines.append(f"- {mark_of(scenario).label}: {', '.join(gaps)}.")
    return ["", told, "", *lines]


def _longer(results: Stored) -> Iterator[str]:
    of = AVR_GAPS | WHOLE_LONGER
    for what, names in LONGER.items():
        for scenario in MISSING:
            gaps = ", ".join(
                f"{over} {gap_text(results, *of[name], scenario)}"
                for over, name in zip(OVER, names, strict=True)
                if results.has(*of[name])
            )
            if gaps:
                yield f"- longer, RMM and {what}, {mark_of(scenario).label}: {gaps}."


def _verdict(entry: Entry | None) -> str:
    """Return a verdict with the difference that decides."""
    if entry is None:
        return UNKNOWN
    assert entry.ours is not None
    return f"{VERDICTS[entry.verdict]}: {in_points(entry.ours)}"
