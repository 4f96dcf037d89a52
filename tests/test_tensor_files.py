"""A foreign file gives tensors or one clear error; what stands in it is never run."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from avqa_core.errors import CheckpointError
from avqa_core.published import read_avst
from avqa_core.tensor_files import misfits, read_tensors
from tests.published.states import shuffled_vocabulary

SMALL = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.tensor([1.0, 2.0])}


def as_bytes(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


class Trap:
    """Unpickling it makes a file, which a test can look for."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("kind", ["torch.save", "pickle", "inside a tensor dict"])
def test_code_in_a_pickle_is_refused_and_not_run(kind, tmp_path):
    mark, path = tmp_path / "was_run", tmp_path / "weights.pt"
    trap = Trap(mark)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(trap))
    else:
        content = trap if kind == "torch.save" else {"state_dict": {**SMALL, "fc.gain": trap}}
        torch.save(content, path)
    with pytest.raises(CheckpointError, match="none was run") as caught:
        read_avst(path, shuffled_vocabulary())
    assert not mark.exists()
    assert "weights_only" not in str(caught.value), "no word on how to run it after all"
    # The same file does run where nobody guards against it: the trap is a real one.
    if kind == "pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"no checkpoint, only words\n", b"PK\x03\x04", b"\x80\x02.", b"\x00" * 64, b"{}"],
)
def test_other_files_are_refused(suffix, content, tmp_path):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"weights\."):
        read_tensors(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_no_file_and_a_folder_are_refused(suffix, tmp_path):
    with pytest.raises(CheckpointError, match="check the path"):
        read_tensors(tmp_path / f"none{suffix}")
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    with pytest.raises(CheckpointError):
        read_tensors(folder)


@settings(deadline=None, max_examples=150)
@given(share=st.floats(0, 1, exclude_max=True), legacy=st.booleans())
def test_a_truncated_file_is_refused(tmp_path_factory, share, legacy):
    path = tmp_path_factory.mktemp("cut") / "weights.pt"
    torch.save(SMALL, path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError):
        read_tensors(path)


@settings(deadline=None, max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_gives_tensors_or_the_error(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("flip") / "weights.pt"
    content = bytearray(as_bytes(SMALL))
    content[int(place * len(content))] = value
    path.write_bytes(bytes(content))
    try:
        found = read_tensors(path)
    except CheckpointError:
        return
    assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())


def test_a_truncated_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(SMALL, path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="copy it again"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "an empty one"),
        ({"state_dict": {}}, "an empty one"),
        ([torch.zeros(2)], "list"),
        (torch.zeros(2), "Tensor"),
        ({**SMALL, "epoch": 3}, "others under epoch"),
        ({"state_dict": {**SMALL, "deep": {"fc": torch.zeros(1)}}}, "others under deep"),
        ({**SMALL, "sparse": torch.zeros(2, 2).to_sparse()}, "others under sparse"),
    ],
)
def test_what_is_no_state_dict_is_refused(content, reason, tmp_path):
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=reason):
        read_tensors(tmp_path / "weights.pt")


def test_a_mapping_that_holds_itself_ends(tmp_path):
    endless: dict[str, object] = {}
    endless["model"] = endless
    torch.save(endless, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="others under model"):
        read_tensors(tmp_path / "weights.pt")


def test_a_state_dict_is_found_two_mappings_deep(tmp_path):
    torch.save({"model": {"state_dict": SMALL, "epoch": 3}}, tmp_path / "weights.pt")
    assert set(read_tensors(tmp_path / "weights.pt")) == set(SMALL)


def test_module_is_cut_off_only_where_every_name_has_it(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({f"module.{name}": tensor for name, tensor in SMALL.items()}, path)
    assert set(read_tensors(path)) == set(SMALL)
    torch.save({**SMALL, "module.extra": torch.zeros(1)}, path)
    assert "module.extra" in read_tensors(path)


def test_the_file_is_an_archive_as_torch_writes_it(tmp_path):
    """What the damaged files above are made from is read when whole."""
    path = tmp_path / "weights.pt"
    path.write_bytes(as_bytes(SMALL))
    assert zipfile.is_zipfile(path)
    assert {name: tensor.tolist() for name, tensor in read_tensors(path).items()} == {
        "fc.weight": [[0, 1, 2], [3, 4, 5]],
        "fc.bias": [1, 2],
    }


def test_what_fits_has_nothing_to_tell():
    tensors = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    assert misfits(tensors, {name: one.shape for name, one in tensors.items()}) == ""


def test_every_name_that_does_not_fit_is_told_once_for_each_reason():
    tensors = {
        "fits": torch.zeros(2),
        "turned": torch.zeros(2, 3),
        "whole": torch.zeros(2, dtype=torch.int64),
        "broken": torch.tensor([0.0, torch.inf]),
        "new": torch.zeros(1),
    }
    wanted = dict.fromkeys(("fits", "whole", "broken", "gone"), torch.Size([2]))
    assert misfits(tensors, wanted | {"turned": torch.Size([3, 2])}) == (
        "missing: gone; unknown: new; of another shape: turned [2, 3] instead of [3, 2]; "
        "not floating-point: whole; not finite: broken"
    )


def test_of_many_names_the_first_are_told_and_how_many_there_are():
    """Of 25 names the message has n00 to n19."""
    told = misfits({f"n{number:02}": torch.zeros(1) for number in range(25)}, {})
    assert told.startswith("unknown: n00, n01, ") and told.endswith("n18, n19 and 5 more")
