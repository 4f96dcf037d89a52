"""CLIP at a tiny size with random weights, against what transformers itself computes."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from avqa_core import rng
from avqa_core.data.store import FeatureStore
from avqa_core.encoders.clip import MEAN, SPREAD, ClipEncoder
from avqa_core.errors import FeatureError
from avqa_core.question_features import extract_questions
from avqa_core.types import QAExample, QuestionCategory

transformers = pytest.importorskip("transformers")

START, END = "<|startoftext|>", "<|endoftext|>"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as published, but with two narrow layers and single letters for words."""
    path = tmp_path_factory.mktemp("weights") / "clip-tiny"
    words = [START, END, *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    config = transformers.CLIPConfig(
        text_config={
            **sizes, "vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 1,
            "pad_token_id": 1, "projection_dim": 8,
        },
        vision_config={**sizes, "image_size": 224, "patch_size": 32, "projection_dim": 8},
        projection_dim=8,
    )  # fmt: skip
    with rng.initialising(0):
        transformers.CLIPModel(config).save_pretrained(path)
    (path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (path / "merges.txt").write_text("#version: 0.2\n")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    (path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **special})
    )
    return path


@pytest.fixture(scope="module")
def encoder(folder) -> ClipEncoder:
    return ClipEncoder.load([folder.parent])


@pytest.fixture(scope="module")
def network(folder):
    return transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval()


def pictures(num: int = 2) -> torch.Tensor:
    generator = rng.named(0, "pictures")
    return torch.randint(0, 256, (num, 224, 224, 3), generator=generator, dtype=torch.uint8)


def test_the_class_token_is_the_feature_that_clip_compares(encoder, network):
    mean, spread = (torch.tensor(one)[:, None, None] for one in (MEAN, SPREAD))
    planes = (pictures().permute(0, 3, 1, 2) / 255.0 - mean) / spread
    with torch.inference_mode():
        wanted = network.get_image_features(pixel_values=planes).pooler_output
    tokens = encoder.tokens(pictures())
    assert tokens.shape == (2, 50, 8)
    torch.testing.assert_close(tokens[:, 0], wanted)
    torch.testing.assert_close(encoder(pictures())["visual_class"], wanted)


def test_pictures_are_normalised_as_clip_was_trained():
    utils = transformers.image_utils
    assert (list(MEAN), list(SPREAD)) == (utils.OPENAI_CLIP_MEAN, utils.OPENAI_CLIP_STD)


def test_patches_lie_on_the_grid_row_by_row(encoder):
    tokens, maps = encoder.tokens(pictures()), encoder(pictures())["visual"]
    assert maps.shape == (2, 8, 7, 7) == (2, *encoder.shapes["visual"])
    # Patch (row 2, column 5) is the token after the class and two whole rows of seven.
    torch.testing.assert_close(maps[:, :, 2, 5], tokens[:, 1 + 2 * 7 + 5])


def test_a_question_becomes_a_vector_and_its_words(encoder, network):
    vectors, words = encoder.texts(["is a", "b"])
    assert vectors.shape == (2, 1, 8) and words.shape == (2, 77, 8)
    # By hand: start, "i", "s</w>", "a</w>", end; the vector is that of the end.
    coded = torch.tensor([[0, 2 + 8, 28 + 18, 28 + 0, 1]])
    with torch.inference_mode():
        wanted = network.get_text_features(input_ids=coded).pooler_output
    torch.testing.assert_close(vectors[0], wanted)
    torch.testing.assert_close(words[0, 4], wanted[0])


def test_a_question_of_too_many_words_is_cut(encoder):
    vectors, words = encoder.texts([" ".join("a" * 100)])
    assert vectors.shape == (1, 1, 8) and words.shape == (1, 77, 8)


def test_questions_are_stored_by_their_ids(encoder, tmp_path):
    examples = [
        QAExample(
            question_id=number, video_id="v", category=QuestionCategory("Audio", "Counting"),
            template="", slot_values=(), tokens=("is", word), answer=None,
        )
        for number, word in ((7, "a"), (9, "b"), (11, "c"))
    ]  # fmt: skip
    list(extract_questions(examples[:1], tmp_path / "questions", encoder))
    events = list(extract_questions(examples[1:], tmp_path / "questions", encoder))
    assert [(event.done, event.total) for event in events] == [(2, 2)], "of these questions alone"
    again = list(extract_questions(examples, tmp_path / "questions", encoder))
    assert again == [], "nothing is encoded twice"
    store = FeatureStore.open(tmp_path / "questions")
    assert set(store.video_ids) == {"7", "9", "11"}
    vectors, words = encoder.texts(["is a", "is b"])
    np.testing.assert_allclose(store["9"]["question"], vectors[1], atol=2e-3)
    np.testing.assert_allclose(store["7"]["words"], words[0], atol=5e-3)


def test_without_transformers_the_message_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(FeatureError, match=r"pip install 'avqa-core\[encoders\]'"):
        ClipEncoder.load([folder])


def test_a_folder_that_is_missing_or_broken_is_told(folder, tmp_path):
    with pytest.raises(FeatureError, match="openai/clip-vit-base-patch32"):
        ClipEncoder.load([tmp_path])
    broken = tmp_path / "clip-broken"
    broken.mkdir()
    (broken / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(FeatureError, match="expected a whole CLIP"):
        ClipEncoder.load([broken])


def test_weights_that_lack_a_parameter_are_refused(folder, tmp_path):
    lacking = tmp_path / "clip-lacking"
    shutil.copytree(folder, lacking)
    state = load_file(lacking / "model.safetensors")
    del state["visual_projection.weight"]
    save_file(state, lacking / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(FeatureError, match=r"weights without visual_projection\.weight"):
        ClipEncoder.load([lacking])
    (lacking / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(FeatureError, match="expected a whole CLIP"):
        ClipEncoder.load([lacking])
