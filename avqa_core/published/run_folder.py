"""A published checkpoint as a run of ours, so that every command takes it like one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError

from avqa_core.backbones.avst import AVST
from avqa_core.checksums import sha256
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import CheckpointError
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.published.avst import published_dims, read_avst_with_report
from avqa_core.published.matching import Imported
from avqa_core.published.missing_avqa import read_missing_avqa_with_report
from avqa_core.published.words import music_avqa_vocabulary, renumber
from avqa_core.training import checkpoint, runs
from avqa_core.training.settings import RunConfig, TrainConfig

Program = Literal["avst", "missing_avqa"]
# What the programs' own scripts train with; a checkpoint does not tell.
_SETTINGS = {
    "avst": (
        ObjectiveConfig(regime="plain"),
        TrainConfig(num_epochs=80, batch_size=64, schedule="step", decay_epochs=8),
    ),
    "missing_avqa": (
        ObjectiveConfig(regime="joint"),
        TrainConfig(num_epochs=50, batch_size=4, schedule="step", decay_epochs=20),
    ),
}


def import_run(
    path: Path, vocabulary: Vocabulary, program: Program, out: Path
) -> Imported[MissingModalityAVQA]:
    """Write a published checkpoint as a run folder with one checkpoint, its best and its last.

    AVST comes with zeros in the place of what is absent. Where the vocabulary is all of
    MUSIC-AVQA's, its words and answers are renumbered in the order of our own runs, rows of the
    tables with them: the answers stay the same, and a run can start from it.

    Raises:
        CheckpointError: the file cannot be read or does not fit, ``out`` holds a run, or there is
            no room for it.
    """
    folder = runs.RunFolder(out)
    if folder.checkpoints.is_dir() and any(folder.checkpoints.iterdir()):
        raise CheckpointError(
            f"expected a new folder at {out}, got one with checkpoints: import into another"
        )
    if program == "avst":
        imported = with_zeros(read_avst_with_report(path, vocabulary), vocabulary)
    else:
        imported = read_missing_avqa_with_report(path, vocabulary)
    written = _in_our_order(imported.model, vocabulary)
    source = {
        "program": program,
        "file": path.name,
        "sha256": sha256(path),
        "ignored": list(imported.report.ignored),
        "renumbered": written != vocabulary,
    }
    with folder.locked():
        try:
            where = checkpoint.write(
                _as_checkpoint(imported.model, written, program, source),
                folder.checkpoints / "step-00000000",
            )
        except SafetensorError as error:
            raise CheckpointError(
                f"expected room for a checkpoint in {out}, got {error}: free some and repeat"
            ) from error
        checkpoint.point(where, "best")
        checkpoint.point(where, "last")
    return imported


def _as_checkpoint(
    model: MissingModalityAVQA,
    vocabulary: Vocabulary,
    program: Program,
    source: Mapping[str, Any],
) -> checkpoint.Checkpoint:
    """Return the model as a run of no steps; ``source`` goes into its provenance."""
    objective, training = _SETTINGS[program]
    return checkpoint.Checkpoint(
        weights=model.state_dict(),
        optimizer={},
        config=RunConfig(
            model=model.config, dims=model.dims, objective=objective, training=training
        ),
        vocabulary=vocabulary,
        state=checkpoint.State(
            step=0,
            epoch=0,
            best_score=None,
            best_step=None,
            seconds=0.0,
            provenance={**runs.provenance(0, "cpu"), "imported_from": source},
        ),
    )


def with_zeros(imported: Imported[AVST], vocabulary: Vocabulary) -> Imported[MissingModalityAVQA]:
    """Return AVST as a whole model in which nothing stands in for what is absent."""
    config = ModelConfig(
        backbone=imported.model.config, completer=ZerosConfig(), enhancer=IdentityConfig()
    )
    with torch.device("meta"):  # its backbone has no values, and is exchanged
        model = MissingModalityAVQA(config, published_dims(vocabulary))
    model.backbone = imported.model
    return Imported(model.eval(), imported.report)


def _in_our_order(model: MissingModalityAVQA, vocabulary: Vocabulary) -> Vocabulary:
    """Renumber the words and answers of ``model`` where they are MUSIC-AVQA's, and return them."""
    ours = music_avqa_vocabulary()
    pairs = ((ours.words, vocabulary.words), (ours.answers, vocabulary.answers))
    if any(set(mine) != set(theirs) for mine, theirs in pairs):
        return vocabulary
    assert isinstance(model.backbone, AVST)
    renumber(model.backbone, vocabulary, ours)
    return ours
