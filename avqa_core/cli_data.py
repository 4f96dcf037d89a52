"""The commands about data that comes from elsewhere: packing it, and telling what something is.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

Several = tuple[str, ...]


def pack(
    folder: Annotated[Path, tyro.conf.Positional],
    out: Path,
    audio: str = "vggish",
    visual: str = "res18_14x14",
    extra: Several = (),
    segments: int = 10,
    seconds: int = 60,
    short: Literal["skip", "pad", "error"] = "skip",
    questions: tuple[Path, ...] = (),
    strict: bool = False,
) -> int:
    """Pack folders of one .npy file a clip, as AVQA projects share them, into a feature store.

    A packing that was interrupted goes on where it stopped. 'avqa inspect FOLDER' says beforehand
    what would be packed and what not.

    Args:
        folder: has a subfolder for each kind of feature, with a file ID.npy for each clip.
        out: the store; features/ of a data folder.
        audio: subfolder of the sound features, [60, 128] in MUSIC-AVQA.
        visual: subfolder of the picture features, [60, 512, 14, 14] or [60, 512].
        extra: further arrays, e.g. patches=clip_patch.
        segments: seconds of a clip that are kept, evenly spaced: 10 of 60 are 0, 6, ..., 54.
        seconds: rows that a whole clip has in its files.
        short: what to do with a file that ends before the last second that is kept: skip the clip,
            pad it by repeating its last second, or stop with an error.
        questions: question files; only their clips are packed, and those without files told.
        strict: stop at the first clip that cannot be packed, instead of counting it.
    """
    from avqa_core.features.packing import ClipDone, Packed
    from avqa_core.features.packing import pack as packing
    from avqa_core.features.settings import PackConfig, named_folders
    from avqa_core.features.summary import packed_lines
    from avqa_core.features.survey import HeadersRead, wanted_clips
    from avqa_core.progress import Stage, resumable, shown_stages

    def place(event: object) -> Stage | None:
        if isinstance(event, HeadersRead | ClipDone):
            name = "headers" if isinstance(event, HeadersRead) else "clips"
            return Stage(name, event.done, event.total, "clip")
        return None

    config = PackConfig(
        arrays=named_folders(audio, visual, extra),
        segments=segments,
        seconds=seconds,
        short=short,
        strict=strict,
    )
    wanted = wanted_clips(questions) if questions else None
    with resumable():
        for event in shown_stages(packing(folder, out, config, wanted), place):
            if isinstance(event, Packed):
                for line in packed_lines(event):
                    print(line)
                print(f"next: avqa inspect {out}{' --questions FILE' if not questions else ''}")
    return 0


def inspect(
    path: Annotated[Path, tyro.conf.Positional],
    questions: tuple[Path, ...] = (),
    verify: bool = False,
) -> int:
    """Describe a run, checkpoint, report, data folder, feature store, question file or .npy folder.

    Args:
        path: of what to describe.
        questions: question files whose clips are looked for in a feature store or .npy folder.
        verify: read a feature store whole and name the clips that are damaged.
    """
    from avqa_core.inspection import describe

    for line in describe(path, questions=questions, verify=verify):
        print(line)
    return 0
