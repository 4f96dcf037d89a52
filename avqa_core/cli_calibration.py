"""The commands about failing sensors: when a run had better say nothing, and what fails how.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avqa_core.cli_experiments import Profile

if TYPE_CHECKING:
    from avqa_core.run_calibration import RunCalibration
    from avqa_core.studies.field_results import FieldResults

Several = tuple[str, ...]


def calibrate(
    run: Path,
    data: Path,
    scenarios: Several = ("complete", "audio_missing", "visual_missing", "both_missing"),
    which: Literal["best", "last"] = "best",
    at_least: float = 0.8,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
) -> int:
    """Fit how sure a run may be, so that it can say nothing where it is not sure enough.

    A network is surer than it is right, the more so with a half gone. A temperature for each
    scenario, fitted on the validation questions, mends that; they are written beside the
    checkpoint, and 'avqa evaluate' and 'avqa ask' read them there with --at-least. No answer
    changes, only how sure it is.

    Args:
        run: run folder of a trained model.
        data: data folder; its validation questions must not be among those trained on.
        scenarios: what may fail where the model is used, named as for 'avqa evaluate'.
        which: the best checkpoint of the validation, or the last.
        at_least: how sure an answer has to be in the table that is printed; nothing of it is kept.
        seed: decides who misses what in a mixed scenario, and the noise of a sampler.
        batch_size: questions at a time.
        device: auto, cpu, cuda or cuda:N.
    """
    from avqa_core import abstention, commands

    abstention.require_threshold(at_least)
    fitted, path = commands.calibrate_run(
        run,
        data,
        scenarios=scenarios,
        which=which,
        seed=seed,
        batch_size=batch_size,
        device=device,
    )
    for line in calibration_lines(fitted, at_least):
        print(line)
    print(f"written to {path}")
    print(f"next: avqa evaluate --run {run} --data {data} --at-least {at_least:g}")
    return 0


def calibration_lines(fitted: RunCalibration, at_least: float) -> list[str]:
    """Return what temperatures do to the validation questions, for a terminal."""
    sure = f"at least {100 * at_least:g} % sure"
    lines = [
        "validation questions, calibration error in points (95 % over clips)",
        f"  {'':<16}{'before':>20}{'temperature':>14}{'after':>20}{sure:>24}{'right':>9}",
    ]
    for one in fitted.scenarios:
        before, after = (
            f"{100 * error.estimate:.1f} [{100 * error.low:.1f}, {100 * error.high:.1f}]"
            for error in (one.before, one.after)
        )
        answered, right = one.confidences.answered_at(at_least)
        share = f"{100 * answered.accuracy:.1f} %"
        accuracy = f"{100 * right.accuracy:.1f} %" if right.total else "-"
        lines.append(
            f"  {one.scenario:<16}{before:>20}{one.temperature:>14.3f}{after:>20}{share:>24}"
            f"{accuracy:>9}"
        )
    return lines


def field(
    profile: Profile = "book",
    out: Path = Path("build/results"),
    experiments: Several = (),
    seeds: int | None = None,
    data: Path | None = None,
    keep_stale: bool = False,
    store: Path | None = None,
) -> int:
    """Let finished runs of 'avqa results' answer with failing sensors and write the counts.

    Whole modalities, segments that drop out and shares of the questions; and how sure the answers
    were, before and after calibration. Runs that are not finished are left out; those that are
    counted already, by the same source, are not counted again. Takes one to two minutes a run.

    Args:
        profile: whose plan.
        out: folder of all runs, as given to 'avqa results'.
        experiments: names, e.g. plug_in/zeros; those of the book's chapter if not given.
        seeds: how many; those of the profile if not given.
        data: data folder; the built-in world of the profile if not given.
        keep_stale: count runs too that were made by other source.
        store: JSON file of the counts; book/results/field_PROFILE.json if not given.
    """
    from avqa_core.cli_experiments import usable_data
    from avqa_core.profiles import checkout
    from avqa_core.progress import Stage, resumable, shown_stages
    from avqa_core.studies import field_results
    from avqa_core.studies.field_plan import planned

    path = store or field_results.default_path(profile)
    names = experiments or field_results.EXPERIMENTS
    worlds = checkout() / "build" / "world"
    found = planned(
        profile,
        out,
        worlds,
        names,
        num_seeds=seeds,
        data=usable_data(data, worlds),
        keep_stale=keep_stale,
    )
    finished = [one for one in found if one.is_finished]
    events = field_results.measure(
        finished,
        command=f"avqa field --profile {profile} --experiments {' '.join(names)}",
        known=field_results.read(path, missing_ok=True),
    )

    def place(event: FieldResults) -> Stage:
        return Stage("runs", len(event.runs), len(finished), "run")

    with resumable():
        for event in shown_stages(events, place):
            event.write(path)
    for line in field_lines(event):
        print(line)
    for one in found:
        if not one.is_finished:
            print(f"left out: {one.experiment.name} seed {one.experiment.seed}, {one.state}")
    print(f"written to {path}")
    return 0


def field_lines(found: FieldResults) -> list[str]:
    """Return mean accuracies over seeds for a terminal, a line for each scenario."""
    scenarios = [one.scenario for one in found.runs[0].failures.counts]
    lines = [
        f"right answers in %, mean over seeds; {found.runs[0].failures.total} questions",
        f"  {'':<18}" + "".join(f"{name:>26}" for name in found.names),
    ]
    for scenario in scenarios:
        values = (100 * found.accuracy(name, scenario).estimate for name in found.names)
        lines.append(f"  {scenario:<18}" + "".join(f"{value:>26.1f}" for value in values))
    return lines
