"""A published checkpoint becomes a run that every command takes like one of ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avqa_core import cli, rng
from avqa_core.data.store import StoreWriter
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import CheckpointError
from avqa_core.published.run_folder import import_run
from avqa_core.published.words import music_avqa_vocabulary
from avqa_core.report import Report
from avqa_core.training import checkpoint, runs
from tests.published import oracle
from tests.published.states import random_state, shuffled_vocabulary

VOCABULARY = shuffled_vocabulary()
QUESTIONS = [
    ("Audio-Visual", "Existential", "Is this sound from the instrument in the video?", []),
    ("Audio", "Counting", "Is there a <Object> sound?", ["erhu"]),
    ("Visual", "Location", "Where is the performance?", []),
    ("Audio-Visual", "Temporal", "Which <Object> makes the sound <FL>?", ["tuba", "first"]),
]


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Return weights with which the answer depends on the question."""
    state = random_state("avst")
    more = {"question_encoder.word2vec.weight": 3, "question_encoder.fc.weight": 5}
    more |= {"fc_ans.bias": 0, "question_encoder.fc.bias": 0}
    return {name: more.get(name, 1) * tensor for name, tensor in state.items()}


@pytest.fixture(scope="module")
def files(state, tmp_path_factory) -> Path:
    """Return a folder with the checkpoint, its vocabulary and a world at the published sizes."""
    folder = tmp_path_factory.mktemp("published")
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, folder / "avst.pt")
    VOCABULARY.save(folder / "vocabulary.json")
    write_world(folder / "data", state)
    return folder


def write_world(path: Path, state: dict[str, torch.Tensor]) -> None:
    """Write four clips and questions whose true answer is the one the published program gives."""
    generator = rng.named(0, "world")
    (path / "json").mkdir(parents=True)
    layout = {"audio": (10, 128), "visual": (10, 512, 14, 14)}
    number = 0
    with StoreWriter(path / "features", layout) as writer:
        rows: dict[str, list[dict[str, object]]] = {"train": [], "val": [], "test": []}
        for clip, split in enumerate(("train", "train", "val", "test")):
            audio, visual = (
                torch.randn(*shape, generator=generator).relu().half().float()
                for shape in layout.values()
            )
            writer.add(f"{clip:08d}", {"audio": np.asarray(audio), "visual": np.asarray(visual)})
            for group, kind, template, values in QUESTIONS:
                number += 1
                row = {
                    "video_id": f"{clip:08d}",
                    "question_id": number,
                    "type": json.dumps([group, kind]),
                    "question_content": template,
                    "templ_values": json.dumps(values),
                    "question_deleted": 0,
                    "anser": published_answer(state, audio, visual, template, values),
                }
                rows[split].append(row)
    for split, content in rows.items():
        (path / "json" / f"avqa-{split}.json").write_text(json.dumps(content))


def published_answer(
    state: oracle.State,
    audio: torch.Tensor,
    visual: torch.Tensor,
    template: str,
    values: list[str],
) -> str:
    left = iter(values)
    words = [next(left) if "<" in word else word for word in template[:-1].split(" ")]
    tokens = torch.tensor(
        [VOCABULARY.words.index(word) for word in words] + [0] * (14 - len(words))
    )
    heard, asked = oracle.audio_feature(state, audio), oracle.question(state, tokens)
    logits = oracle.answer_logits(state, heard, visual, asked)
    return VOCABULARY.answers[int(logits.argmax())]


def imported(files: Path, out: Path, *more: str) -> int:
    return cli.main(
        ["import-checkpoint", str(files / "avst.pt"), "--program", "avst", "--out", str(out), *more]
    )


@pytest.fixture(scope="module")
def run(files, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("imported") / "run"
    assert imported(files, out, "--vocabulary", str(files / "vocabulary.json")) == 0
    return out


def test_evaluate_answers_as_the_published_program(files, run, capsys):
    """The true answers are the published program's, so a run that is it scores 100 %."""
    arguments = ["--run", str(run), "--data", str(files / "data"), "--scenarios", "complete"]
    assert cli.main(["evaluate", *arguments, "--device", "cpu"]) == 0
    tally = Report.load(run / "report.json").total("complete").tally
    assert (tally.correct, tally.total) == (4, 4)
    answers = {row["anser"] for row in json.loads((files / "data/json/avqa-test.json").read_text())}
    assert len(answers) > 1, "one answer to everything would prove little"


def test_another_order_of_the_vocabulary_answers_wrong_without_an_error(files, tmp_path):
    """Why the order must be given: nothing else tells that it is wrong."""
    words = (VOCABULARY.words[0], *VOCABULARY.words[:0:-1])
    Vocabulary(words, VOCABULARY.answers[::-1]).save(tmp_path / "other.json")
    out = tmp_path / "run"
    assert imported(files, out, "--vocabulary", str(tmp_path / "other.json")) == 0
    arguments = ["--run", str(out), "--data", str(files / "data"), "--scenarios", "complete"]
    assert cli.main(["evaluate", *arguments, "--device", "cpu"]) == 0
    assert Report.load(out / "report.json").total("complete").tally.correct < 4


def test_the_run_tells_where_it_comes_from(files, run, capsys):
    loaded = checkpoint.read(checkpoint.find(runs.RunFolder(run).checkpoints, "best"))
    source = loaded.state.provenance["imported_from"]
    assert source["program"] == "avst" and source["file"] == "avst.pt" and source["renumbered"]
    assert source["sha256"] == hashlib.sha256((files / "avst.pt").read_bytes()).hexdigest()
    assert "fc_st.weight" in source["ignored"]
    assert loaded.vocabulary == music_avqa_vocabulary(), "the order that our own runs use"
    assert cli.main(["inspect", str(run)]) == 0
    assert "backbone: 7,916,716 parameters" in capsys.readouterr().out


def test_training_starts_from_it(files, run, tmp_path):
    """The use of it: a finished backbone, frozen, and a completer that learns to plug in."""
    out = tmp_path / "run"
    training = [
        *("--preset", "released_code", "--size", "paper", "--regime", "plug_in"),
        *("--set", "completer=slot_mean", "enhancer=identity"),
        *("--steps", "1", "--batch-size", "2", "--evaluate-every", "0", "--device", "cpu"),
    ]
    where = ["--data", str(files / "data"), "--out", str(out), "--init-from", str(run)]
    assert cli.main(["train", *where, *training]) == 0
    before, after = (runs.load_run(one)[0].backbone.state_dict() for one in (run, out))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_order_can_come_from_the_training_questions(files, state, tmp_path, caplog):
    """A made-up train file in which every word and answer of the vocabulary appears in order."""
    words, answers = list(VOCABULARY.words[1:]), list(VOCABULARY.answers)
    first = {
        "video_id": "00000001",
        "type": '["Audio", "Counting"]',
        "question_content": " ".join(words) + "?",
        "templ_values": "[]",
        "question_deleted": 0,
    }
    rows = [{**first, "question_id": n, "anser": answer} for n, answer in enumerate(answers)]
    (tmp_path / "avqa-train.json").write_text(json.dumps(rows))
    out = tmp_path / "run"
    assert imported(files, out, "--train-file", str(tmp_path / "avqa-train.json")) == 0
    assert "may not be the published one" in caplog.text
    model = runs.load_run(out)[0]
    row = music_avqa_vocabulary().words.index(words[0])
    table = model.get_parameter("backbone.question_encoder.embedding.weight")
    assert torch.equal(table[row], state["question_encoder.word2vec.weight"][1])


@pytest.mark.parametrize("both", [False, True])
def test_the_order_is_never_guessed(files, both, tmp_path, capsys):
    given = ["--vocabulary", "a.json", "--train-file", "b.json"] if both else []
    assert imported(files, tmp_path / "run", *given) == 2
    said = capsys.readouterr().err
    assert f"got {'both' if both else 'none'}: " in said and "cannot be guessed" in said
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_overwritten(files, run, capsys):
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert imported(files, run, "--vocabulary", str(files / "vocabulary.json")) == 2
    assert "import into another" in capsys.readouterr().err
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before


def test_a_bad_file_leaves_nothing_behind(tmp_path):
    (tmp_path / "weights.pt").write_text("no checkpoint")
    with pytest.raises(CheckpointError):
        import_run(tmp_path / "weights.pt", VOCABULARY, "avst", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_released_program_comes_whole(tmp_path):
    """Every tensor is the same in the checkpoint, the tables in the order of our own runs."""
    torch.save(random_state("missing_avqa"), tmp_path / "weights.pt")
    imported = import_run(tmp_path / "weights.pt", VOCABULARY, "missing_avqa", tmp_path / "run")
    model, vocabulary, config = runs.load_run(tmp_path / "run")
    assert vocabulary == music_avqa_vocabulary()
    assert config.model == model.config and config.objective.regime == "joint"
    for name, tensor in imported.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_a_language_of_its_own_keeps_its_order(state, tmp_path):
    """Other words than MUSIC-AVQA's cannot be renumbered, and need not be."""
    words = (*VOCABULARY.words[:-1], "theremin")
    own = Vocabulary(words, VOCABULARY.answers)
    torch.save(state, tmp_path / "weights.pt")
    import_run(tmp_path / "weights.pt", own, "avst", tmp_path / "run")
    model, vocabulary, _ = runs.load_run(tmp_path / "run")
    assert vocabulary == own
    table = model.get_parameter("backbone.question_encoder.embedding.weight")
    assert torch.equal(table, state["question_encoder.word2vec.weight"])
