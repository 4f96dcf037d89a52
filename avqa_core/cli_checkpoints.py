"""The command that makes a run of ours out of a published checkpoint.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro


def import_checkpoint(
    file: Annotated[Path, tyro.conf.Positional],
    out: Path,
    program: Literal["avst", "missing_avqa"],
    vocabulary: Path | None = None,
    train_file: Path | None = None,
) -> int:
    """Make a run out of a published checkpoint, to evaluate it or to start from it.

    A checkpoint knows its words and answers by number only, and their order differs between
    programs: give it as a vocabulary, or the questions that the checkpoint was trained with.

    Args:
        file: .pt, .pth or .safetensors; nothing in it is run.
        out: run folder to write.
        program: avst (MUSIC-AVQA's own) or missing_avqa (released with the paper).
        vocabulary: JSON of words and answers in the order of the checkpoint, as in any run of ours.
        train_file: instead of it, avqa-train.json of the first release; words and answers are
            numbered as they appear.
    """
    from avqa_core.data.vocabulary import Vocabulary
    from avqa_core.errors import ConfigError
    from avqa_core.published.run_folder import import_run
    from avqa_core.published.words import published_vocabulary

    if vocabulary is not None and train_file is None:
        order = Vocabulary.load(vocabulary)
    elif train_file is not None and vocabulary is None:
        order = published_vocabulary(train_file)
    else:
        raise ConfigError(
            f"expected --vocabulary or --train-file, got {'none' if vocabulary is None else 'both'}"
            ": the order of words and answers is not in a checkpoint and cannot be guessed; give "
            "one of them"
        )
    imported = import_run(file, order, program, out)
    count = sum(parameter.numel() for parameter in imported.model.parameters())
    ignored = imported.report.ignored
    layers = ", ".join(dict.fromkeys(name.split(".")[0] for name in ignored)) or "none"
    print(f"{len(imported.report.parameters)} tensors, {count:,} parameters, from {file}")
    print(f"{len(ignored)} tensors left out, on which no answer depends: of {layers}")
    print(f"next: avqa evaluate --run {out} --data DATA --scenarios complete")
    print("an accuracy far below the published one there means another order of words and answers")
    return 0
