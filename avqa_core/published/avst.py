"""Checkpoints of AVST as its authors train them on MUSIC-AVQA (Li et al., CVPR 2022)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from avqa_core import rng
from avqa_core.backbones.avst import AVST, AVSTConfig
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.made_up import MUSIC_AVQA
from avqa_core.published.matching import Imported, check_vocabulary, fill
from avqa_core.tensor_files import read_tensors
from avqa_core.types import FeatureDims

CHANNELS = 512
NUM_SEGMENTS, GRID = 10, (14, 14)

WORD_TABLE, ANSWER_TABLE = "question_encoder.word2vec.weight", "fc_ans.weight"
NAMING = {
    "question_encoder.embedding": "question_encoder.word2vec",
    "question_encoder.lstm": "question_encoder.lstm",
    "question_encoder.project": "question_encoder.fc",
    "audio_encoder.0": "fc_a1",
    "audio_encoder.2": "fc_a2",
    "visual_token": "fc_gl",
    "match_head.0": "fc1",
    "match_head.2": "fc2",
    "match_head.4": "fc3",
    "match_head.6": "fc4",
    "visual_over_time.attention": "attn_v",
    "visual_over_time.feed_forward.0": "linear11",
    "visual_over_time.feed_forward.3": "linear12",
    "visual_over_time.norm": "norm1",
    "audio_over_time.attention": "attn_a",
    "audio_over_time.feed_forward.0": "linear21",
    "audio_over_time.feed_forward.3": "linear22",
    "audio_over_time.norm": "norm2",
    "fusion": "fc_fusion",
    "answer_head": "fc_ans",
}
# Built by the published program and never read by its forward pass.
UNUSED = (
    *("fc_a1_pure", "fc_a2_pure", "fc_v", "fc_st", "fc", "fc_aq", "fc_vq", "norm3"),
    "visual_net",
)


def published_config() -> AVSTConfig:
    """Return the config of the published network; its forget bias only matters to a fresh one."""
    return AVSTConfig(channels=CHANNELS, num_heads=4, positions="none")


def published_dims(
    vocabulary: Vocabulary,
    num_segments: int = NUM_SEGMENTS,
    grid: tuple[int, int] = GRID,
) -> FeatureDims:
    """Return the sizes of the published network: VGGish sound, ResNet-18 maps, 14 tokens.

    Args:
        vocabulary: of the checkpoint.
        num_segments: T; the network takes any.
        grid: H and W; AVST takes any.
    """
    return replace(
        MUSIC_AVQA,
        num_segments=num_segments,
        grid_height=grid[0],
        grid_width=grid[1],
        num_words=len(vocabulary.words),
        num_answers=len(vocabulary.answers),
    )


def read_avst(
    path: Path | str,
    vocabulary: Vocabulary,
    *,
    num_segments: int = NUM_SEGMENTS,
    grid: tuple[int, int] = GRID,
) -> AVST:
    """Read a published AVST checkpoint, in evaluation mode.

    Args:
        path: ``.pt``, ``.pth`` or ``.safetensors``; read without running anything in it.
        vocabulary: words and answers in the order the checkpoint was trained with. The file does
            not tell it, it differs between programs, and with another order every answer is wrong
            without any error; ``published_vocabulary`` makes it from the training questions.
        num_segments: T of the data it is to be used on.
        grid: H and W of that data.

    Raises:
        CheckpointError: unreadable, sizes that do not fit the vocabulary, or names and shapes that
            are not those of the published program.
    """
    return read_avst_with_report(path, vocabulary, num_segments=num_segments, grid=grid).model


def read_avst_with_report(
    path: Path | str,
    vocabulary: Vocabulary,
    *,
    num_segments: int = NUM_SEGMENTS,
    grid: tuple[int, int] = GRID,
) -> Imported[AVST]:
    """Read as ``read_avst`` does, and tell what became of every tensor of the file."""
    path = Path(path)
    tensors = read_tensors(path)
    check_vocabulary(tensors, vocabulary, words=WORD_TABLE, answers=ANSWER_TABLE, path=path)
    with rng.initialising(0):
        model = AVST(published_config(), published_dims(vocabulary, num_segments, grid))
    report = fill(model, tensors, naming=NAMING, unused=UNUSED, path=path, program="avst")
    return Imported(model.eval(), report)
