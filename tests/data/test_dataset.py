from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from avqa_core.data import dataset as datasets
from avqa_core.data import lending
from avqa_core.data.availability import AUDIO_MISSING, TrainingAvailability, mixed
from avqa_core.data.dataset import QADataset, _kept, collate, encode_questions
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError, ConfigError, FeatureError
from avqa_core.types import FeatureBatch, FeatureDims, Modality
from tests.data.samples import LAYOUT, make_clip, make_dataset, make_examples, write_store


def assert_same_batch(one: FeatureBatch, other: FeatureBatch) -> None:
    for name in ("audio", "visual", "tokens", "availability", "answer", "question_id"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert one.video_ids == other.video_ids
    if one.negative_visual is not None and other.negative_visual is not None:
        assert torch.equal(one.negative_visual, other.negative_visual)


def write_with(path, clips):
    with StoreWriter(path, LAYOUT) as writer:
        for video_id, arrays in clips.items():
            writer.add(video_id, arrays)
    return FeatureStore.open(path)


def test_a_batch_holds_the_features_of_its_questions(tmp_path):
    dataset = make_dataset(tmp_path)
    batch = dataset.batch([7, 0])
    assert batch.video_ids == ("c3", "c0")
    assert batch.question_id.tolist() == [1007, 1000]
    np.testing.assert_array_equal(batch.audio[0], make_clip(3)["audio"])
    np.testing.assert_array_equal(batch.visual[0], make_clip(3)["visual"])
    np.testing.assert_array_equal(batch.visual[1], make_clip(0)["visual"])
    assert batch.audio.dtype == batch.visual.dtype == torch.float32
    assert batch.availability.all()
    words = dataset.vocabulary.words
    said = [words[index] for index in batch.tokens[0].tolist()]
    assert said == ["Is", "the", "violin", "in", "the", "video", "always", "playing", "<pad>"]
    assert dataset.vocabulary.answers[batch.answer[0]] == "no"
    assert batch.negative_visual is None
    assert batch.extras == {}


def test_dims_come_from_the_store_and_the_vocabulary(tmp_path):
    assert make_dataset(tmp_path).dims == FeatureDims(
        audio_width=4,
        visual_width=2,
        num_segments=3,
        grid_height=2,
        grid_width=2,
        num_words=93,
        num_tokens=9,
        num_answers=42,
    )


def test_a_cache_changes_nothing(tmp_path):
    plain = make_dataset(tmp_path)
    cached = QADataset(plain.examples, plain.store, plain.vocabulary, 9, cache=True)
    options = {"scenario": mixed(0.5, 0.5), "seed": 2, "epoch": 3, "negatives": True}
    assert_same_batch(plain.batch([1, 8, 3], **options), cached.batch([1, 8, 3], **options))


def test_a_row_is_the_same_in_any_batch(tmp_path):
    dataset = make_dataset(tmp_path)
    options = {"scenario": mixed(0.5, 0.5), "seed": 2, "epoch": 3, "negatives": True}
    whole = dataset.batch(range(10), **options)
    for row in range(10):
        alone = dataset.batch([row], **options)
        assert torch.equal(whole.availability[row], alone.availability[0])
        assert torch.equal(whole.negative_visual[row], alone.negative_visual[0])


def test_a_scenario_hides_but_the_batch_keeps_what_the_store_had(tmp_path):
    dataset = make_dataset(tmp_path)
    batch = dataset.batch([2, 3], scenario=AUDIO_MISSING)
    assert not batch.availability[..., 0].any()
    assert batch.availability[..., 1].all()
    np.testing.assert_array_equal(batch.audio[0], make_clip(1)["audio"])


def test_an_absent_modality_is_zero_and_never_available(tmp_path):
    clips = {
        "c0": {"visual": make_clip(0)["visual"]},
        "c1": {"audio": make_clip(1)["audio"]},
        "c2": make_clip(2),
    }
    examples = make_examples(3)
    store = write_with(tmp_path, clips)
    for cache in (False, True):
        dataset = QADataset(examples, store, Vocabulary.from_examples(examples), cache=cache)
        batch = dataset.batch([0, 2, 4])
        assert batch.availability[:, 0].tolist() == [[False, True], [True, False], [True, True]]
        assert not batch.audio[0].any()
        assert not batch.visual[1].any()
        batch = dataset.batch([0, 2, 4], scenario=AUDIO_MISSING)
        assert batch.availability[:, 0].tolist() == [[False, True], [False, False], [False, True]]


def test_training_availability_is_a_scenario_too(tmp_path):
    dataset = make_dataset(tmp_path, num_clips=20)
    policy = TrainingAvailability(p_complete=0.5, p_audio_missing=0.25, p_visual_missing=0.25)
    first, second = (
        dataset.batch(range(40), scenario=policy, epoch=epoch).availability for epoch in (0, 1)
    )
    assert not torch.equal(first, second)
    assert first.any(dim=-1).all()


def test_negatives_are_frames_of_other_clips(tmp_path):
    dataset = make_dataset(tmp_path, num_clips=4)
    frames = {
        tuple(frame.reshape(-1).tolist()): (clip, segment)
        for clip in range(4)
        for segment, frame in enumerate(make_clip(clip)["visual"])
    }
    sources = set()
    for epoch in range(30):
        batch = dataset.batch(range(8), epoch=epoch, negatives=True)
        for row in range(8):
            drawn = [
                frames[tuple(frame.flatten().tolist())] for frame in batch.negative_visual[row]
            ]
            sources |= {(row // 2, clip, segment) for clip, segment in drawn}
    assert sources == {
        (own, other, segment)
        for own in range(4)
        for other in range(4)
        for segment in range(3)
        if own != other
    }


def test_negatives_change_with_seed_and_epoch_and_not_with_the_order_of_the_file(tmp_path):
    dataset = make_dataset(tmp_path)
    backwards = QADataset(dataset.examples[::-1], dataset.store, dataset.vocabulary, 9)

    def draw(which, row, **options):
        return which.batch([row], negatives=True, **options).negative_visual

    assert torch.equal(draw(dataset, 0), draw(backwards, 9))
    assert not torch.equal(draw(dataset, 0), draw(dataset, 0, epoch=1))
    assert not torch.equal(draw(dataset, 0), draw(dataset, 0, seed=1))


def test_negatives_come_from_clips_that_have_a_picture(tmp_path):
    clips = {f"c{number}": {"audio": make_clip(number)["audio"]} for number in range(3)}
    clips["c1"] = make_clip(1)
    examples = make_examples(3)
    store = write_with(tmp_path, clips)
    dataset = QADataset(examples, store, Vocabulary.from_examples(examples))
    batch = dataset.batch([0, 4], negatives=True)
    for frame in batch.negative_visual.flatten(0, 1):
        assert any(torch.equal(frame, torch.tensor(one)) for one in make_clip(1)["visual"])
    with pytest.raises(FeatureError, match="only c1"):
        dataset.batch([2], negatives=True)


@pytest.mark.parametrize("cache", [False, True])
def test_nan_in_a_present_feature_names_the_clip(tmp_path, cache):
    write_store(tmp_path)
    with (tmp_path / "visual-00001.bin").open("r+b") as file:
        file.seek(48 + 16)  # clip c3, first value of its second segment
        file.write(np.float16(np.nan).tobytes())
    examples = make_examples(5)
    dataset = QADataset(
        examples, FeatureStore.open(tmp_path), Vocabulary.from_examples(examples), cache=cache
    )
    with pytest.raises(FeatureError, match="visual feature of clip c3 has a value in segment 1"):
        dataset.batch([0, 6])
    assert dataset.batch([0, 4]).availability.all()
    hidden = dataset.batch([0, 6], scenario=mixed(0, 1))
    assert hidden.visual[1].isnan().any()  # absent means absent: nobody may look there


def test_an_empty_split_is_an_error(tmp_path):
    dataset = make_dataset(tmp_path)
    with pytest.raises(AnnotationError, match="at least one question"):
        QADataset([], dataset.store, dataset.vocabulary)


def test_a_clip_without_features_is_an_error(tmp_path):
    dataset = make_dataset(tmp_path, num_clips=3)
    with pytest.raises(FeatureError, match="for 2 of them, the first being c3"):
        QADataset(make_examples(5), dataset.store, dataset.vocabulary)


def test_an_unknown_word_or_answer_names_the_question(tmp_path):
    dataset = make_dataset(tmp_path)
    odd = replace(dataset.examples[3], tokens=("Is", "the", "violn", "in"))
    with pytest.raises(AnnotationError, match=r"question 1003: .*'violn': did you mean 'violin'"):
        QADataset([odd], dataset.store, dataset.vocabulary)
    odd = replace(dataset.examples[3], answer="perhaps")
    with pytest.raises(AnnotationError, match=r"question 1003: .*'perhaps'"):
        QADataset([odd], dataset.store, dataset.vocabulary)


@pytest.mark.parametrize(
    "layout", [{"audio": (3, 4)}, {"audio": (3, 4), "visual": (4, 2, 2, 2)}, {"audio": (3,)}]
)
def test_a_store_of_another_layout_is_an_error(tmp_path, layout):
    with StoreWriter(tmp_path, layout) as writer:
        writer.add("c0", {name: np.zeros(shape) for name, shape in layout.items()})
    examples = make_examples(1)
    with pytest.raises(FeatureError, match=r"visual \[T, E, H, W\]"):
        QADataset(examples, FeatureStore.open(tmp_path), Vocabulary.from_examples(examples))


def test_further_arrays_of_the_store_go_to_extras(tmp_path):
    layout = LAYOUT | {"words": (5, 2)}
    with StoreWriter(tmp_path, layout) as writer:
        writer.add("c0", make_clip(0) | {"words": np.ones((5, 2))})
    examples = make_examples(1)
    dataset = QADataset(examples, FeatureStore.open(tmp_path), Vocabulary.from_examples(examples))
    assert torch.equal(dataset.batch([0, 1]).extras["words"], torch.ones(2, 5, 2))


def test_a_question_outside_a_data_set_becomes_a_batch_the_same_way(tmp_path):
    dataset = make_dataset(tmp_path)
    clip = dataset.store["c2"]
    arrays = {name: torch.tensor(np.array(array)).float()[None] for name, array in clip.items()}
    batch = collate(
        encode_questions([dataset.examples[4]], dataset.vocabulary, 9),
        arrays,
        torch.ones(1, 3, 2, dtype=torch.bool),
    )
    assert_same_batch(batch, dataset.batch([4]))


def test_clips_that_lack_a_half_lack_it_in_every_batch_and_at_every_higher_rate():
    clips = [f"{number:08d}" for number in range(4000)]
    kept = {rate: _kept(clips, rate, 0) for rate in (0.0, 0.2, 0.6, 1.0)}
    assert kept[0.0].all()
    # four deviations of a share of a tenth of 4,000 are 76
    for half in (0, 1):
        assert abs(int((~kept[0.2][:, half]).sum()) - 400) < 76
    assert (kept[0.2] | ~kept[0.6]).all(), "whoever lacks it at 0.2 lacks it at 0.6"
    assert kept[1.0].sum(axis=1).tolist() == [1] * 4000, "at 1 everybody lacks exactly one"
    assert not np.array_equal(kept[0.2], _kept(clips, 0.2, 1)), "another seed, other clips"


def test_a_half_that_was_never_recorded_is_not_available(tmp_path):
    dataset = make_dataset(tmp_path)
    lacking = QADataset(dataset.examples, dataset.store, dataset.vocabulary, 9, missing_rate=1.0)
    batch = lacking.batch(range(len(lacking)))
    assert (batch.availability.sum(dim=-1) == 1).all()
    assert torch.equal(batch.availability, lacking.batch(range(len(lacking)), epoch=3).availability)
    with pytest.raises(ConfigError, match=r"missing_rate in \[0, 1\], got 1.5"):
        QADataset(dataset.examples, dataset.store, dataset.vocabulary, 9, missing_rate=1.5)


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("part_bytes", [1, 200, 2**20])
def test_large_batches_in_lent_memory_are_the_same_and_stay_while_they_are_held(
    tmp_path, monkeypatch, cache, part_bytes
):
    data = make_dataset(tmp_path / "store", cache=cache)
    asked = [[3, 0, 9], [1, 1, 4], [7, 2, 8], [5]]
    plain = [data.batch(rows, negatives=True, seed=1) for rows in asked]
    monkeypatch.setattr(datasets, "LARGE_BYTES", 0)
    monkeypatch.setattr(lending, "LARGE_BYTES", 0)
    monkeypatch.setattr(datasets, "PART_BYTES", part_bytes)
    for _ in range(3):
        lent = [data.batch(rows, negatives=True, seed=1) for rows in asked]  # all held at once
        for one, other in zip(plain, lent, strict=True):
            assert torch.equal(one.audio, other.audio) and torch.equal(one.visual, other.visual)
            assert torch.equal(one.negative_visual, other.negative_visual)
    for rows, one in zip(asked, plain, strict=True):  # each let go before the next is read
        assert torch.equal(one.visual, data.batch(rows, seed=1).visual)
    assert pickle.loads(pickle.dumps(data)).batch([2]).visual.equal(data.batch([2]).visual)


def test_negatives_come_from_clips_whose_picture_was_kept(tmp_path):
    whole = make_dataset(tmp_path, num_clips=8)
    gaps = QADataset(whole.examples, whole.store, whole.vocabulary, 9, missing_rate=0.5, seed=1)
    of_clip = {
        tuple(frame.reshape(-1).tolist()): clip
        for clip in range(8)
        for frame in make_clip(clip)["visual"]
    }
    has_picture = gaps.present[:, Modality.VISUAL]
    assert 0 < int(has_picture.sum()) < 8
    drawn = {
        of_clip[tuple(frame.flatten().tolist())]
        for epoch in range(20)
        for frame in gaps.batch(range(16), epoch=epoch, negatives=True).negative_visual.flatten(
            0, 1
        )
    }
    assert drawn == set(has_picture.nonzero().flatten().tolist())
