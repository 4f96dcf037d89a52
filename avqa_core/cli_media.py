"""The commands that begin with a film: features of many films, and one question about one film.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from avqa_core.extraction import ExtractionFinished

Audio = Literal["vggish", "bandstand"]
Visual = Literal["resnet18", "clip", "bandstand"]
Frame = Literal["start", "middle"]
Places = tuple[Path, ...]

MOST_TOLD = 5


def extract(
    videos: Annotated[Places, tyro.conf.Positional],
    out: Path,
    audio: Audio = "vggish",
    visual: Visual = "resnet18",
    weights: Places = (),
    segments: int = 10,
    segment_seconds: float | None = None,
    frame: Frame | None = None,
    short: Literal["pad", "skip"] = "pad",
    questions: Places = (),
    device: str = "auto",
    workers: int | None = None,
    strict: bool = False,
) -> int:
    """Turn video files into a feature store, which 'avqa train' reads as DATA/features.

    An extraction that was interrupted goes on where it stopped: repeat the command. A film without
    sound or picture is stored without that modality. Nothing is ever downloaded.

    Args:
        videos: video and sound files, and folders of them; a file's name is the id of its clip.
        out: folder of the store.
        audio: vggish needs its published weights; bandstand is for films of the built-in world.
        visual: resnet18 and clip need their published weights.
        weights: files of weights, or folders that hold them; the names must tell whose they are.
        segments: T, how many segments a clip has.
        segment_seconds: length of a segment; 6 for real videos as in MUSIC-AVQA and 1 for bandstand
            if not given.
        frame: where in a segment it is looked at and listened to; start for real videos as in
            MUSIC-AVQA and middle for bandstand if not given.
        short: a film that ends too early holds its last picture and falls silent, one whose picture
            begins late shows its first one before (pad), or it is left out (skip).
        questions: question files; only the clips they ask about are extracted, and with clip the
            questions too, into OUT/questions.
        device: auto, cpu, cuda or cuda:N.
        workers: processes that decode; one for each core if not given.
        strict: stop with an error at the first film that would be left out or padded.
    """
    import os
    from dataclasses import replace

    from avqa_core import extraction
    from avqa_core import question_features as asked
    from avqa_core.config import require
    from avqa_core.encoders import catalogue
    from avqa_core.encoders.clip import ClipEncoder
    from avqa_core.progress import Stage, resumable, shown_stages
    from avqa_core.training.distributed import resolve_device

    def place(event: object) -> Stage | None:
        if isinstance(event, extraction.ExtractionProgress):
            return Stage(stage, event.done, event.total, stage)
        return None

    require(workers is None or workers >= 1, f"--workers: expected at least 1, got {workers}")
    usual = catalogue.VISUAL[visual].segments
    policy = replace(
        usual,
        num_segments=segments,
        seconds=usual.seconds if segment_seconds is None else segment_seconds,
        place=frame or usual.place,
        short=short,
    )
    found, examples = extraction.find_videos(videos), asked.read_questions(questions)
    notes: list[extraction.Note] = []
    if examples:
        found, notes = asked.asked_about(found, examples)
        if visual == "clip":
            examples = asked.one_each(examples)  # before hours of films, not after
    where = resolve_device(device)
    recipe = extraction.Recipe(
        audio=catalogue.AUDIO[audio].load(weights).to(where),
        visual=catalogue.VISUAL[visual].load(weights).to(where),
        segments=policy,
    )
    stage = "film"
    events = extraction.extract(
        found,
        out,
        recipe,
        num_workers=workers or os.cpu_count() or 1,
        strict=strict,
        notes=notes,
    )
    with resumable():
        for event in shown_stages(events, place):
            if isinstance(event, extraction.ExtractionFinished):
                _tell(event)
        stage = "question"
        if examples and isinstance(recipe.visual, ClipEncoder):
            for _ in shown_stages(
                asked.extract_questions(examples, out / "questions", recipe.visual), place
            ):
                pass
            print(f"features of {len(examples)} questions in {out / 'questions'}")
    return 0


def ask(
    video: Annotated[Path, tyro.conf.Positional],
    question: Annotated[str, tyro.conf.Positional],
    run: Path,
    candidates: tuple[str, ...] = (),
    missing: Literal["none", "audio", "visual", "both"] = "none",
    drop: tuple[str, ...] = (),
    data: Path | None = None,
    audio: Audio | None = None,
    visual: Visual | None = None,
    weights: Places = (),
    segment_seconds: float | None = None,
    frame: Frame | None = None,
    which: Literal["best", "last"] = "best",
    top: int = 5,
    at_least: float | None = None,
    seed: int = 0,
    device: str = "auto",
) -> int:
    """Ask a trained model about a video file.

    A file without sound or picture is answered as a clip whose modality is absent.

    Args:
        video: file.
        question: in the words of the training questions; the question mark may be left out.
        run: run folder of a trained model.
        candidates: what to choose from, for a run that was trained on multiple choice.
        missing: modality to be taken away although the file has it.
        drop: segments that a sensor is to lose, e.g. audio:3-6 or visual:0; they count from 0.
        data: data folder whose features tell which encoders made them; the run tells if not given.
        audio: encoder of the sound, if neither tells.
        visual: encoder of the picture, if neither tells.
        weights: files of weights of the encoders, or folders that hold them.
        segment_seconds: length of a segment; as the data or the encoder has it if not given.
        frame: where in a segment it is looked at; as the data or the encoder has it if not given.
        which: the best checkpoint of the validation, or the last.
        top: how many answers to print.
        at_least: answer only when at least so sure, e.g. 0.8; the run has to be calibrated with
            'avqa calibrate'.
        seed: of the noise of a sampler.
        device: auto, cpu, cuda or cuda:N.
    """
    from avqa_core import asking
    from avqa_core.gaps import Gap
    from avqa_core.training.distributed import resolve_device

    gaps = [Gap.parse(one) for one in drop]  # before a network and its encoders are loaded
    listener = asking.listen(
        run,
        data=data,
        audio=audio,
        visual=visual,
        weights=weights,
        seconds=segment_seconds,
        place=frame,
        which=which,
        at_least=at_least,
        device=resolve_device(device),
    )
    answer = listener.answer(
        video, question, candidates=candidates, missing=missing, drop=gaps, top=top, seed=seed
    )
    print(f"{video.name}: {answer.question}")
    print(f"scenario: {answer.scenario}")
    if not answer.is_sure:
        print("not sure enough; it would have said:")
    for name, probability in answer.answers:
        print(f"  {100 * probability:5.1f} %  {name}")
    for note in answer.notes:
        print(f"note: {note}")
    if at_least is None:
        print(
            "note: these are the network's own probabilities, which are no chances of being right; "
            "'avqa calibrate' and --at-least mend that"
        )
    return 0


def _tell(finished: ExtractionFinished) -> None:
    """Print what became of the films, and the first few with which anything was wrong."""
    print(f"{finished.num_clips} clips in {finished.path}, {finished.num_new} of them new")
    for kind in ("skipped", "padded", "without sound", "without picture"):
        told = [note for note in finished.notes if note.kind == kind]
        if told:
            print(f"{kind}: {len(told)}")
        for note in told[:MOST_TOLD]:
            print(f"  {note}")
        if len(told) > MOST_TOLD:
            print(f"  and {len(told) - MOST_TOLD} more")
    if finished.notes:
        print(f"all of it: {finished.path / 'extraction.jsonl'}")
    if finished.path.name == "features":
        print(f"next: avqa train --data {finished.path.parent} --out RUN")
        if finished.count("skipped"):
            print("questions about skipped clips will not count there")
