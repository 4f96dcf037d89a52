"""Whatever bytes a file holds: it loads right, or it is an ``AvqaError``; never anything else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.annotations import parse_row, read_annotations
from avqa_core.data.dataset import encode_questions
from avqa_core.data.rows import MAX_CHARACTERS
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, Vocabulary
from avqa_core.errors import AnnotationError, AvqaError, FeatureError
from avqa_core.inspection import describe
from tests.data.bits import flipped, flips
from tests.data.samples import LAYOUT, make_clip, make_row, write_rows, write_store

often = settings(max_examples=150, deadline=None)
seldom = settings(max_examples=60, deadline=None)

# Surrogates that stand alone are no text, but JSON can say them.
texts = st.text(max_size=12) | st.sampled_from(["\ud800", "\x00", "a" * 10_001, "<", "?", "</a> ?"])
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -1, 10**300])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.sampled_from(sorted(make_row())), inner, max_size=5)
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


# Questions


@often
@given(value=json_values)
def test_any_json_as_a_question_file(place, value):
    path = write_rows(place / "any.json", value)
    with pytest.raises(AnnotationError, match="expected"):
        read_annotations(path)
    with pytest.raises(AvqaError, match="expected"):
        list(describe(path))


@often
@given(content=st.binary(max_size=60))
def test_any_bytes_as_a_question_file(place, content):
    (place / "bytes.json").write_bytes(content)
    with pytest.raises(AnnotationError, match="expected"):
        read_annotations(place / "bytes.json")


@often
@given(changes=st.dictionaries(st.sampled_from(sorted(make_row())), json_values, max_size=3))
def test_a_row_with_any_values_is_told_or_encoded_right(place, changes):
    rows = [make_row(), make_row() | changes, make_row(question_id=14)]
    path = write_rows(place / "rows.json", rows)
    list_of_lines(path)
    try:
        examples = read_annotations(path)
        vocabulary = Vocabulary.from_examples(examples)
        encoded = encode_questions(examples, vocabulary)
    except AnnotationError as error:
        assert "expected" in str(error)
        return
    assert examples[0] == parse_row(rows[0]) and examples[-1] == parse_row(rows[2])
    for example, tokens, answer in zip(examples, encoded.tokens, encoded.answer, strict=True):
        words = [vocabulary.words[token] for token in tokens if token]
        assert words == list(example.tokens[:14])
        assert example.answer == (None if answer < 0 else vocabulary.answers[answer])


@often
@given(flip=flips)
def test_a_flipped_bit_in_a_question_file_touches_no_other_row(place, flip):
    rows = [make_row(question_id=number, video_id=f"{number:08d}") for number in range(3)]
    texts_of_rows = [json.dumps(row) for row in rows]
    content, where = flipped(("[" + ",".join(texts_of_rows) + "]").encode(), flip)
    (place / "flipped.json").write_bytes(content)
    list_of_lines(place / "flipped.json")
    try:
        examples = read_annotations(place / "flipped.json")
    except AnnotationError:
        return
    start = 1
    for row, text in zip(rows, texts_of_rows, strict=True):
        if not start <= where < start + len(text):
            assert parse_row(row) in examples
        start += len(text) + 1
    assert len(examples) in (2, 3)  # one bit makes "deleted" out of 0


def list_of_lines(path: Path) -> list[str]:
    """Describe a file, whole or damaged; every line can be printed anywhere."""
    lines = []
    try:
        for line in describe(path):
            lines.append(line)
    except AvqaError as error:
        lines.append(str(error))
    assert all(line.isprintable() for line in lines)
    assert "\n".join(lines).encode()
    return lines


def test_a_question_of_ten_thousand_characters_loads_and_one_more_is_told(place):
    words = ["w" * 99] * (MAX_CHARACTERS // 100 - 1)
    question = " ".join(words) + " " + "v" * 99 + "?"
    assert len(question) == MAX_CHARACTERS
    row = make_row(question_content=question, templ_values="[]")
    examples = read_annotations(write_rows(place / "long.json", [row]))
    assert examples[0].tokens == (*words, "v" * 99)
    encoded = encode_questions(examples, Vocabulary.from_examples(examples))
    assert encoded.tokens.shape == (1, 14) and len(set(encoded.tokens[0].tolist())) == 1
    row["question_content"] = "w" + question
    with pytest.raises(AnnotationError, match="at most 10000 characters, got 10001"):
        read_annotations(write_rows(place / "long.json", [row]))


@often
@given(word=st.text(min_size=1, max_size=12).filter(lambda one: one.strip() == one != ""))
def test_an_unknown_word_or_answer_names_the_question(word):
    known = Vocabulary.from_examples([parse_row(make_row())])
    for row, is_known in (
        (make_row(templ_values=json.dumps([word])), word in known.words),
        (make_row(anser=word), word in MUSIC_AVQA_ANSWERS),
    ):
        example = parse_row(row)
        if not is_known:
            with pytest.raises(AnnotationError, match=r"^question 12: expected one of the"):
                encode_questions([example], known)


# The packed store


def values(path: Path) -> dict[str, dict[str, np.ndarray]]:
    store = FeatureStore.open(path)
    return {one: {name: array.copy() for name, array in store[one].items()} for one in store}


def is_whole(path: Path) -> bool:
    """Tell whether "avqa inspect --verify" finds nothing; then all values must be right."""
    try:
        list(describe(path, verify=True))
    except FeatureError as error:
        assert "expected" in str(error)
        return False
    found = values(path)
    assert list(found) == [f"c{number}" for number in range(5)]
    for number, arrays in enumerate(found.values()):
        for name, array in make_clip(number).items():
            np.testing.assert_array_equal(arrays[name], array)
    return True


@pytest.fixture(scope="module")
def whole_store(place) -> Path:
    return write_store(place / "store")


def copied(store: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(store, to)
    return to


FILES = ["index.json", "journal.jsonl", "audio-00000.bin", "visual-00001.bin", "visual-00002.bin"]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_of_a_store_is_found_or_harmless(place, whole_store, name):
    @often
    @given(flip=flips)
    def check(flip):
        path = copied(whole_store, place / "flipped") / name
        path.write_bytes(flipped(path.read_bytes(), flip)[0])
        assert not (is_whole(path.parent) and name.endswith(".bin"))

    assert is_whole(whole_store)
    check()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_store_cut_anywhere_is_found(place, whole_store, name):
    @seldom
    @given(share=st.floats(0, 1, exclude_max=True))
    def check(share):
        path = copied(whole_store, place / "cut") / name
        size = int(path.stat().st_size * share)
        os.truncate(path, size)
        # The line break at the end of a text is no part of it.
        assert not is_whole(path.parent) or (not name.endswith(".bin") and size == whole - 1)

    whole = (whole_store / name).stat().st_size
    check()


@often
@given(value=json_values)
def test_any_json_as_an_index_is_one_error(place, whole_store, value):
    path = copied(whole_store, place / "index")
    write_rows(path / "index.json", value)
    with pytest.raises(FeatureError, match="expected"):
        FeatureStore.open(path)


PLACES = [
    ("format",),
    ("layout",),
    ("layout", "audio"),
    ("layout", "audio", "shape"),
    ("layout", "audio", "shape", 0),
    ("layout", "audio", "dtype"),
    ("layout", "audio", "rows_per_shard"),
    ("provenance",),
    ("clips",),
    ("clips", "c1"),
    ("clips", "c1", "audio"),
    ("clips", "c1", "audio", 0),
    ("clips", "c1", "audio", 1),
]


@often
@given(where=st.sampled_from(PLACES), value=json_values)
def test_any_json_anywhere_in_an_index_is_found_or_harmless(place, whole_store, where, value):
    path = copied(whole_store, place / "part") / "index.json"
    index = json.loads(path.read_text())
    inside = index
    for key in where[:-1]:
        inside = inside[key]
    inside[where[-1]] = value
    write_rows(path, index)
    is_whole(path.parent)


# Damage that nothing but a person writes: no checksum stands against it.
CRAFTED = {
    "a row beyond the floats": {"clips": {"c0": {"audio": [10**320, 1]}}},
    "shards beyond the floats": {
        "layout": {"audio": {"shape": [3, 4], "dtype": "float16", "rows_per_shard": 10**330}}
    },
    "more axes than NumPy has": {
        "layout": {"audio": {"shape": [1] * 65, "dtype": "float16", "rows_per_shard": 1}}
    },
    "a clip of more bytes than there are": {
        "layout": {"audio": {"shape": [2**30] * 3, "dtype": "float16", "rows_per_shard": 1}}
    },
}


@pytest.mark.parametrize("crafted", CRAFTED)
def test_crafted_indices_are_errors_too(tmp_path, crafted):
    with StoreWriter(tmp_path, {"audio": LAYOUT["audio"]}) as writer:
        writer.add("c0", {"audio": make_clip(0)["audio"]})
    index = json.loads((tmp_path / "index.json").read_text())
    write_rows(tmp_path / "index.json", index | CRAFTED[crafted])
    (tmp_path / "index.crc32").unlink()
    with pytest.raises(FeatureError, match=r"undamaged|positive sizes"):
        FeatureStore.open(tmp_path)


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'{"video_id": "c1", "arrays": {"audio": [' + b"9" * 400 + b", 1]}}"]
)
def test_crafted_journals_are_errors_too(tmp_path, line):
    with StoreWriter(tmp_path, {"audio": LAYOUT["audio"]}) as writer:
        writer.add("c0", {"audio": make_clip(0)["audio"]})
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(line + b"\n")
    with pytest.raises(FeatureError, match="a line of journal"):
        StoreWriter(tmp_path, {"audio": LAYOUT["audio"]}).__enter__()
