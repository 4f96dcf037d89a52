from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

from avqa_core.data.dataset import QADataset
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary

PATH = Path(__file__).parents[2] / "benchmarks" / "reading.py"


@pytest.fixture(scope="module")
def reading():
    spec = importlib.util.spec_from_file_location("reading", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["reading"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["reading"]


def test_it_compares_readers_of_the_same_features(reading, tmp_path):
    size = reading.Size(audio=(4,), visual=(2, 2, 2), seconds=60)
    examples = reading.write_clips(tmp_path, size, clips=3)
    store = FeatureStore.open(tmp_path / "store")
    dataset = QADataset(examples, store, Vocabulary.from_examples(examples))
    batch = dataset.batch([5, 1])
    for kind in ("whole", "used"):
        read = reading.per_clip_reader(tmp_path / kind, [one.video_id for one in examples])
        audio, visual, negative = read([5, 1])
        torch.testing.assert_close(audio, batch.audio, atol=1e-3, rtol=0)
        torch.testing.assert_close(visual, batch.visual, atol=1e-3, rtol=0)
        assert negative.shape == visual.shape


def test_it_prints_and_writes_a_ratio_for_each_reader(reading, tmp_path, capsys):
    reading.main(clips=3, seconds=0.02, out=tmp_path / "reading.json")
    lines = capsys.readouterr().out.splitlines()
    figures = json.loads((tmp_path / "reading.json").read_text())
    assert len(lines) == 1 + len(figures["readings"]) == 5
    assert figures["readings"][0]["times_faster"] == 1.0
    assert all(one["samples_per_second"] > 0 for one in figures["readings"])
