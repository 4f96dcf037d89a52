"""What ``avqa inspect`` tells is right to the last count, and damage is told after the rest."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path

import numpy as np
import pytest

from avqa_core import cli
from avqa_core.data.store import StoreWriter
from avqa_core.errors import (
    AnnotationError,
    AvqaError,
    CheckpointError,
    ConfigError,
    FeatureError,
)
from avqa_core.features.packing import pack
from avqa_core.features.settings import ARRAYS, PackConfig
from avqa_core.inspection import describe
from tests.data.npy_folders import packed, picture_path, sound, sound_path, write_folder
from tests.data.samples import (
    LAYOUT,
    make_avqa_row,
    make_clip,
    make_row,
    write_rows,
    write_store,
)
from tests.training.worlds import write_world

ROWS = [
    make_row(),
    make_row(question_id=13, video_id="00000094", anser="yes"),
    make_row(question_id=14, question_deleted=1, anser="theremin"),
    make_row(question_id=12, anser="yes", note="again"),
    make_row(question_id=15, note="the same question under another id"),
    make_row(
        question_id=16,
        type='["Audio", "Counting"]',
        question_content="How many \u202eharps?",
        templ_values="[]",
        anser="\ud800 ten\x1b[31m",
    ),
    make_row(question_id=17, anser=None, question_content="Is there a <Object> sound?"),
]


def told(path: Path, **options) -> list[str]:
    return list(describe(path, **options))


def told_until_error(path: Path, kind: type[AvqaError], **options) -> tuple[list[str], str]:
    lines = []
    with pytest.raises(kind) as caught:
        for line in describe(path, **options):
            lines.append(line)
    return lines, str(caught.value)


def test_a_question_file_is_counted(tmp_path):
    assert told(write_rows(tmp_path / "avqa-val.json", ROWS)) == [
        # Row 14 is deleted, of six questions that are left five are about clip 93.
        "6 questions about 2 clips",
        "by category",
        "  Audio Counting: 1 (16.7 %)",
        "  Audio-Visual Existential: 5 (83.3 %)",
        "by answer, 3 of them",
        # Halves of surrogate pairs and control sequences do not reach the terminal.
        "  no 2, yes 2, \\ud800 ten\\x1b[31m 1",
        "3 templates",
        "       4  Is the <Object> in the video always playing?",
        "       1  How many \\u202eharps?",
        "       1  Is there a <Object> sound?",
        # "How many harps" and "Is the violin in the video always playing", 3 and 8 words;
        # four of 8, and "Is there a violin sound" with 5.
        "words a question: 3 to 8, median 8",
        "without an answer: 1 question",
        # Id 12 twice, "no" and "yes".
        "repeated question ids: 1 (1 rows too many), 1 with different answers",
        # Rows 12, 12 and 15: "no", "yes", "no".
        "repeated questions about one clip: 1 (2 rows too many), 1 with different answers",
        "deleted rows: 1",
        "unknown keys: note (2 rows)",
        "words that MUSIC-AVQA does not have: 1 (\\u202eharps)",
        "answers that MUSIC-AVQA does not have: 1 (\\ud800 ten\\x1b[31m)",
    ]


def test_a_question_file_with_a_byte_order_mark_is_counted_and_offered(tmp_path):
    path = write_rows(tmp_path / "q.json", [make_row()])
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert told(path)[0] == "1 question about 1 clip"
    with pytest.raises(ConfigError, match="a folder with 1 question file"):
        told(tmp_path)


def test_repetitions_that_agree_are_told_apart(tmp_path):
    lines = told(write_rows(tmp_path / "q.json", [make_row(), make_row(), make_row()]))
    assert "repeated question ids: 1 (2 rows too many), 0 with different answers" in lines


def test_malformed_rows_are_counted_and_end_in_an_error(tmp_path):
    path = write_rows(tmp_path / "q.json", [make_row(), make_row(anser=3), 7, make_row(type="x")])
    lines, message = told_until_error(path, AnnotationError)
    assert lines[0] == "1 question about 1 clip"
    assert lines[-1] == "malformed: 3 rows"
    assert "3 malformed of 4" in message and "row 1, anser" in message


@pytest.mark.parametrize("rows", [[], [make_row(question_deleted=1)]])
def test_a_file_without_questions_ends_in_an_error(tmp_path, rows):
    lines, message = told_until_error(write_rows(tmp_path / "q.json", rows), AnnotationError)
    assert lines[0] == "0 questions about 0 clips"
    assert "at least one question" in message


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"null", b"\xff", b"[" * 99_999, b"{}"])
def test_a_file_that_is_nothing_is_one_error(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    assert told_until_error(tmp_path / "x.json", AvqaError)[0] == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"a": 1, "b\n": []}, "got an object with the keys 'a', 'b\\n':"),
        ({str(n): n for n in range(11)}, "'9', ...:"),
        ({}, "got an object with no keys:"),
        (None, "got null:"),
        ("x" * 999, 'got "' + "x" * 79 + ":"),
    ],
)
def test_json_of_another_kind_says_what_it_is_and_what_can_be_inspected(tmp_path, content, found):
    message = told_until_error(write_rows(tmp_path / "x.json", content), ConfigError)[1]
    assert found in message
    assert "question file" in message and "report of 'avqa evaluate'" in message


def test_a_damaged_report_is_still_one_to_make_again(tmp_path):
    path = write_rows(tmp_path / "report.json", {"split": "test", "rows": 3})
    assert "make it again" in told_until_error(path, CheckpointError)[1]


def test_a_folder_of_question_files_names_them(tmp_path):
    write_rows(tmp_path / "b.json", [make_row()])
    write_rows(tmp_path / "a.json", [make_avqa_row()])
    write_rows(tmp_path / "boxes.json", [{"image": 3}])
    write_rows(tmp_path / "config.json", {"question_id": 3})
    (tmp_path / "folder.json").mkdir()
    message = told_until_error(tmp_path, ConfigError)[1]
    assert "got a folder with 2 question files (a.json, b.json): inspect one of them" in message
    assert message.endswith(str(tmp_path / "a.json"))


def test_a_store_tells_who_lacks_what(tmp_path):
    with StoreWriter(tmp_path / "store", LAYOUT, provenance={"seed": 3}) as writer:
        writer.add("c0", {"visual": make_clip(0)["visual"]})
        for number in range(1, 6):
            writer.add(f"c{number}", {"audio": make_clip(number)["audio"]})
    rows = [make_row(video_id=one, question_id=n) for n, one in enumerate(["c0", "c3", "c9"])]
    lines = told(tmp_path / "store", questions=[write_rows(tmp_path / "val.json", rows)])
    size = sum(path.stat().st_size for path in (tmp_path / "store").iterdir())
    assert lines == [
        f"features of 6 clips, 3 segments each, {size / 1000:.2f} kB",
        "  audio: 3 x 4 float16 a clip",
        "  visual: 3 x 2 x 2 x 2 float16 a clip",
        "no audio: 1 clip (c0)",
        "no visual: 5 clips (c1, c2, c3, ...)",
        "seed: 3",
        "val.json: no features of 1 clip (c9) of 3",
        "  no audio: 1 clip (c0)",
        "  no visual: 1 clip (c3)",
    ]


def test_a_packed_store_tells_what_was_left_out(tmp_path):
    folder = write_folder(tmp_path / "npy", 4)
    os.truncate(sound_path(folder, "c1"), 300)
    np.save(sound_path(folder, "c2"), sound(2, 40))
    packed(folder, tmp_path / "store", {"c0", "c1", "c2", "c9"}, short="pad")
    lines = told(tmp_path / "store")
    assert 'made_by: "avqa pack"' in lines
    assert lines[-3:] == [
        "skipped, truncated: 1 clip (c1)",
        "end repeated: 1 clip (c2)",
        "without any file: 1 clip (c9)",
    ]


@pytest.mark.parametrize("report", [3, [], {}, {"skipped": 3}, {"skipped": {"x": 3}}])
def test_a_damaged_report_of_a_packing_is_one_error(tmp_path, report):
    with StoreWriter(tmp_path, LAYOUT, provenance={"report": report}) as writer:
        writer.add("c0", make_clip(0))
    assert "damaged" in told_until_error(tmp_path, FeatureError)[1]


def test_verifying_finds_bytes_and_rows_that_are_others(tmp_path):
    write_store(tmp_path)
    whole = [
        "clips with other bytes than were written: none",
        "clips that index.json and journal.jsonl tell differently: none",
    ]
    assert told(tmp_path, verify=True)[-2:] == whole
    index = (tmp_path / "index.json").read_text()
    # One flipped byte gives the rows of c1 the name c0, and their checksums agree with them; a
    # store without a checksum of its index has only the journal to tell.
    (tmp_path / "index.crc32").unlink()
    (tmp_path / "index.json").write_text(index.replace('"c1"', '"c0"'))
    lines, message = told_until_error(tmp_path, FeatureError, verify=True)
    assert lines[-2] == whole[0]
    assert lines[-1].endswith("differently: 2 clips (c0, c1)")
    assert "2 damaged clips" in message
    (tmp_path / "index.json").write_text(index)
    with (tmp_path / "visual-00001.bin").open("r+b") as file:
        file.seek(48 + 7)  # the second row of the second shard is clip c3
        file.write(b"\x55")
    assert told(tmp_path)
    lines, message = told_until_error(tmp_path, FeatureError, verify=True)
    assert lines[-2].endswith("were written: 1 clip (c3)")
    assert "1 damaged clip:" in message


def test_without_a_journal_the_index_has_no_witness(tmp_path):
    (write_store(tmp_path) / "journal.jsonl").unlink()
    assert told(tmp_path, verify=True)[-1].startswith("no journal.jsonl")


@pytest.mark.parametrize("line", [b"{", b"7", b"{}", b"[" * 99_999])
def test_a_damaged_journal_is_one_error(tmp_path, line):
    with (write_store(tmp_path) / "journal.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert "journal" in told_until_error(tmp_path, FeatureError, verify=True)[1]


def extend(store: Path, first: int, last: int) -> None:
    """Add clips to a finished store and stop before it is finished again, as a kill does."""
    with pytest.raises(KeyboardInterrupt), StoreWriter(store, LAYOUT, shard_bytes=96) as writer:
        for number in range(first, last):
            writer.add(f"c{number}", make_clip(number))
        raise KeyboardInterrupt


@pytest.mark.parametrize("tail", [b"", b'{"video_id": "c17", "arr'])
def test_an_extension_that_was_killed_is_told_and_is_no_damage(tmp_path, tail):
    extend(write_store(tmp_path), 5, 17)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(tail)
    lines = told(tmp_path, verify=True)
    assert lines[0].startswith("features of 5 clips")
    assert lines[3] == (
        "12 clips more, not counted yet: the last extraction or packing did not finish (or is "
        "still at work); repeating the same command finishes it"
    )
    assert lines[-2:] == [
        "clips with other bytes than were written: none",
        "clips that index.json and journal.jsonl tell differently: none",
    ]
    with StoreWriter(tmp_path, LAYOUT, shard_bytes=96):
        pass  # the same command once more, which finds all of its clips there
    lines = told(tmp_path, verify=True)
    assert lines[0].startswith("features of 17 clips")
    assert not [one for one in lines if "did not finish" in one]


def test_damage_beside_an_extension_that_was_killed_is_still_an_error(tmp_path):
    extend(write_store(tmp_path), 5, 7)
    with (tmp_path / "visual-00001.bin").open("r+b") as file:
        file.write(b"\x55")  # the first row of the second shard is clip c2
    lines, message = told_until_error(tmp_path, FeatureError, verify=True)
    assert lines[-2].endswith("were written: 1 clip (c2)")
    assert lines[-1].endswith("differently: none")
    assert "1 damaged clip:" in message


@pytest.mark.parametrize("name", ["c2", "c4"])
def test_a_clip_that_lost_its_name_in_the_index_does_not_pass_for_a_new_one(tmp_path, name):
    extend(write_store(tmp_path), 5, 7)
    (tmp_path / "index.crc32").unlink()
    index = (tmp_path / "index.json").read_text()
    (tmp_path / "index.json").write_text(index.replace(f'"{name}"', '"c9"'))
    lines, message = told_until_error(tmp_path, FeatureError, verify=True)
    assert lines[-1].endswith(f"differently: 2 clips ({name}, c9)")
    assert "2 damaged clips" in message


def test_a_damaged_journal_does_not_hide_the_store(tmp_path):
    with (write_store(tmp_path) / "journal.jsonl").open("ab") as file:
        file.write(b"7\n")
    lines = told(tmp_path)
    assert lines[0].startswith("features of 5 clips")
    assert lines[-1].startswith("journal.jsonl is damaged")


def test_a_recipe_is_told_whole_one_field_a_line(tmp_path):
    visual = {"encoder": "resnet18", "weights": "b" * 64}
    segments = {"num_segments": 10, "seconds": 6.0, "place": "start", "short": "pad"}
    recipe = {"audio": {"encoder": "vggish", "weights": "a" * 64}, "visual": visual}
    provenance = {"extraction": recipe | {"segments": segments}, "note": ["x"], "long": "y" * 9999}
    with StoreWriter(tmp_path, LAYOUT, provenance=provenance) as writer:
        writer.add("c0", make_clip(0))
    *lines, last = told(tmp_path)[3:]
    assert lines == [
        "extraction:",
        f'  audio: encoder "vggish", weights "{"a" * 64}"',
        f'  visual: encoder "resnet18", weights "{"b" * 64}"',
        '  segments: num_segments 10, seconds 6.0, place "start", short "pad"',
        'note: ["x"]',
    ]
    assert last.startswith('long: "yyy') and last.endswith("y ...") and len(last) < 2100


def test_an_unfinished_store_says_so(tmp_path):
    (write_store(tmp_path) / "index.json").unlink()
    assert "finish the extraction" in told_until_error(tmp_path, FeatureError)[1]


def test_npy_folders_are_told_as_a_packing_would_take_them(tmp_path):
    folder = write_folder(tmp_path / "npy", 4)
    (folder / "clip_patch").mkdir()
    np.save(folder / "clip_patch" / "c0.npy", np.zeros((60, 5, 2), np.float16))
    (folder / "notes").mkdir()
    picture_path(folder, "c0").unlink()
    os.truncate(sound_path(folder, "c1"), 300)
    rows = [make_row(video_id=f"c{number}") for number in (0, 1, 2, 9)]
    lines = told(folder, questions=[write_rows(tmp_path / "q.json", rows)])
    assert lines == [
        # 60 * 5 * 2 numbers of two bytes and so on, and 128 bytes of header.
        "clip_patch: 1 file, c0.npy is 60 x 5 x 2 float16, 1.33 kB",
        "res18_14x14: 3 files, c1.npy is 60 x 2 x 2 x 2 float32, 2.05 kB",
        "vggish: 4 files, c0.npy is 60 x 4 float32, 1.09 kB",
        "avqa pack, by the headers of the files:",
        "  2 clips to pack, 10 of 60 seconds, one in 6",
        "    audio: 10 x 4 float16 a clip",
        "    visual: 10 x 2 x 2 x 2 float16 a clip",
        "  no visual (no file in res18_14x14): 1 clip (c0)",
        "  skipped, truncated: 1 clip (c1)",
        f"    expected 1088 bytes in {sound_path(folder, 'c1')}, got 300: copy it again",
        "  asked about, but without any file: 1 clip (c9)",
        # Of c0 the sound, of c2 both: 80 + 80 + 160 bytes.
        f"  4.22 kB of files, 320 B in a store: {(1088 + 1088 + 2048) / 320:.1f} times smaller",
    ]
    assert not list(tmp_path.glob("**/index.json")), "a dry run writes nothing"


def test_npy_folders_of_other_names_are_told_too(tmp_path):
    write_folder(tmp_path, 1)
    (tmp_path / "res18_14x14").rename(tmp_path / "resnet")
    lines = told(tmp_path)
    assert lines[0].startswith("resnet: 1 file, ")
    assert lines[-1].startswith("no res18_14x14: say what is what with avqa pack")


def test_a_dry_run_says_what_the_packing_then_does(tmp_path):
    folder = write_folder(tmp_path / "npy", 5)
    sound_path(folder, "c0").unlink()
    np.save(sound_path(folder, "c1"), sound(1).astype(np.int32))
    np.save(sound_path(folder, "c2"), sound(2, 30))
    dry = [one.strip() for one in told(folder) if one.strip().startswith("skipped")]
    events = list(pack(folder, tmp_path / "store", PackConfig(arrays=ARRAYS)))
    assert dry == [one for one in told(tmp_path / "store") if one.startswith("skipped")]
    assert len(events[-1].skipped) == len(dry) == 2


def test_a_data_folder_tells_what_its_splits_share_and_lack(tmp_path):
    write_world(tmp_path / "world", {"train": 4, "val": 2, "test": 2})
    path = tmp_path / "world" / "json" / "avqa-test.json"
    rows = json.loads(path.read_text())
    rows[0] |= {"anser": "theremin", "video_id": "00000000", "question_id": 0}
    rows[1] |= {"video_id": "elsewhere"}
    path.write_text(json.dumps(rows))
    lines = told(tmp_path / "world", verify=True)
    assert "train: 12 questions about 4 clips" in lines
    # Three questions a clip, one of each of three categories.
    assert "  Audio Counting: 4 (33.3 %)" in lines
    assert "  repeated question ids: none" in lines
    assert "train and test share 1 clip and 0 question ids" in lines
    assert "test: answers that the training split does not have: 1 (theremin)" in lines
    assert "test: no features of 1 clip (elsewhere) of 4" in lines
    assert "train: features of all 4 clips" in lines
    assert "clips with other bytes than were written: none" in lines


def test_a_data_folder_without_a_store_tells_of_npy_folders_in_it(tmp_path):
    (tmp_path / "json").mkdir()
    write_rows(tmp_path / "json" / "avqa-val.json", [make_row(video_id="c1")])
    assert told(tmp_path)[-1] == "no features"
    write_folder(tmp_path, 3)
    lines = told(tmp_path)
    assert "train: no questions" in lines
    assert "  1 clip to pack, 10 of 60 seconds, one in 6" in lines


def test_a_data_folder_with_malformed_rows_ends_in_an_error(tmp_path):
    write_world(tmp_path / "world", {"train": 2, "val": 1, "test": 1})
    write_rows(tmp_path / "world" / "json" / "avqa-val.json", [7])
    lines, message = told_until_error(tmp_path / "world", AnnotationError)
    assert "train: features of all 2 clips" in lines
    assert "avqa-val.json" in message


def test_what_is_nothing_of_these_is_one_error(tmp_path):
    assert "got none of them" in told_until_error(tmp_path, ConfigError)[1]
    assert "got no such file or folder" in told_until_error(tmp_path / "nowhere", ConfigError)[1]


def test_the_command_takes_questions_and_verifies(tmp_path, capsys):
    store = write_store(tmp_path / "store")
    questions = write_rows(tmp_path / "q.json", [make_row(video_id="c9")])
    arguments = ["inspect", str(store), "--questions", str(questions), "--verify"]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "q.json: no features of 1 clip (c9) of 1" in said
    assert "other bytes than were written: none" in said
    with (store / "audio-00000.bin").open("r+b") as file:
        file.write(b"\x55")
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: expected an undamaged store")
