"""Checkpoints come back exactly, or are refused in a sentence; a failed write leaves the old ones."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sparring import checkpoint
from sparring.errors import SparringError


def state(count: int) -> dict[str, Any]:
    weights = torch.arange(4096.0) + count
    return {
        "count": count,
        "seconds": 1.5,
        "gan": {"w": weights.view(64, 64), "half": weights[:5].bfloat16(), "n": torch.tensor(2**40)},
        "optimisers": {"critic": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"betas": (0.5, 0.999)}]}},
        "config": {"out": None, "sizes": [1, 2], "name": "é"},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Checkpoints of rounds 3 and 7."""
    for count in (3, 7):
        checkpoint.save(tmp_path / "checkpoints", state(count))
    return tmp_path / "checkpoints"


def names(folder: Path) -> list[str]:
    """Everything in the folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def same(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    return type(a) is type(b) and a == b


def test_what_is_saved_comes_back_exactly(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path / "a new" / "folder", state(42))
    assert path == tmp_path / "a new" / "folder" / "step-00000042.pt"
    back = checkpoint.load(path)
    assert back.pop("version") == checkpoint.VERSION
    assert {key for key in state(42) if not same(back[key], state(42)[key])} == set()
    assert back.keys() == state(42).keys()


def test_the_two_of_the_highest_rounds_are_kept(tmp_path: Path) -> None:
    for count in (0, 9, 10, 100, 99_999_999):
        checkpoint.save(tmp_path, state(count))
    assert names(tmp_path) == ["step-00000100.pt", "step-99999999.pt"]
    newest, complaints = checkpoint.newest(tmp_path)
    assert (newest["count"], complaints) == (99_999_999, [])


def test_saving_a_round_again_replaces_its_file(folder: Path) -> None:
    checkpoint.save(folder, {**state(7), "seconds": 9.0})
    assert checkpoint.newest(folder)[0]["seconds"] == 9.0
    assert names(folder) == ["step-00000003.pt", "step-00000007.pt"]


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def truncate(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def middle_of_the_weights(path: Path) -> int:
    """A place inside the bytes of the large tensor."""
    place = path.read_bytes().find(state(7)["gan"]["w"].numpy().tobytes())
    assert place > 0
    return place + 8192


@pytest.mark.parametrize("damage", ["empty", "text", "half", "one byte short", "a byte of the weights"])
def test_a_damaged_newest_one_is_passed_over_in_a_sentence(folder: Path, damage: str) -> None:
    path = folder / "step-00000007.pt"
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("not a checkpoint")
        case "half":
            truncate(path, 0.5)
        case "one byte short":
            path.write_bytes(path.read_bytes()[:-1])
        case _:
            flip(path, middle_of_the_weights(path))
    with pytest.raises(SparringError, match=r"step-00000007\.pt is damaged"):
        checkpoint.load(path)
    newest, complaints = checkpoint.newest(folder)
    assert newest["count"] == 3
    assert same(newest["gan"], state(3)["gan"])
    assert len(complaints) == 1
    assert f"{path} is damaged" in complaints[0]


def test_torch_alone_would_not_notice_the_flipped_byte(folder: Path) -> None:
    """The control: were it to notice, the comparison of checksums could go."""
    path = folder / "step-00000007.pt"
    flip(path, middle_of_the_weights(path))
    assert not same(torch.load(path, weights_only=True)["gan"], state(7)["gan"])


def test_every_truncation_is_noticed(folder: Path) -> None:
    path = folder / "step-00000007.pt"
    content = path.read_bytes()
    for length in [*range(0, len(content), 997), *range(len(content) - 100, len(content))]:
        path.write_bytes(content[:length])
        with pytest.raises(SparringError, match="damaged"):
            checkpoint.load(path)


def test_when_all_are_damaged_it_says_so_of_each(folder: Path) -> None:
    for path in checkpoint.files(folder):
        truncate(path, 0.7)
    with pytest.raises(SparringError, match=r"00000007\.pt is damaged.*00000003\.pt is damaged.*train anew"):
        checkpoint.newest(folder)


def test_an_empty_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="there is no checkpoint in"):
        checkpoint.newest(tmp_path)
    with pytest.raises(SparringError, match="there is no checkpoint in"):
        checkpoint.newest(tmp_path / "nowhere")
    with pytest.raises(SparringError, match=r"step-1\.pt is damaged \(FileNotFoundError\)"):
        checkpoint.load(tmp_path / "step-1.pt")


@pytest.mark.parametrize("version", [0, 1, None])
def test_another_version_is_told_apart_from_damage(folder: Path, version: int | None) -> None:
    path = folder / "step-00000007.pt"
    torch.save({**state(7), "version": version}, path)
    with pytest.raises(SparringError, match=rf"has version {version}, and this release reads version 2"):
        checkpoint.load(path)
    newest, complaints = checkpoint.newest(folder)
    assert newest["count"] == 3
    assert "has version" in complaints[0]


class Malicious:
    """Unpickled by a naive reader, this makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("kind", ["torch's own file", "a bare pickle", "an old torch file"])
def test_code_in_a_checkpoint_is_never_executed(folder: Path, tmp_path: Path, kind: str) -> None:
    mark, path = tmp_path / "executed", folder / "step-00000007.pt"
    poisoned = {**state(7), "version": checkpoint.VERSION, "gan": Malicious(mark)}
    if kind == "a bare pickle":
        path.write_bytes(pickle.dumps(poisoned))
    else:
        torch.save(poisoned, path, _use_new_zipfile_serialization=kind == "torch's own file")
    with pytest.raises(SparringError, match="damaged"):
        checkpoint.load(path)
    assert checkpoint.newest(folder)[0]["count"] == 3
    assert not mark.exists()
    if kind != "a bare pickle":
        torch.load(path, weights_only=False)
        assert mark.exists(), "the control: the trap was armed"


@pytest.mark.parametrize(
    ("call", "error", "seen"),
    [
        ("torch.save", RuntimeError("PytorchStreamWriter failed writing file"), OSError),
        ("torch.save", OSError(28, "No space left on device"), OSError),
        ("os.fsync", OSError(28, "No space left on device"), OSError),
        ("os.replace", OSError(13, "Permission denied"), OSError),
        ("os.replace", KeyboardInterrupt("stopped"), KeyboardInterrupt),
    ],
)
def test_a_write_that_fails_leaves_the_old_ones_and_no_temporary_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException, seen: type[BaseException]
) -> None:
    def fail(*arguments: Any) -> None:
        if call == "torch.save":
            arguments[1].write(b"half a")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(call, fail)
        with pytest.raises(seen, match=r"No space|Permission|failed writing|stopped"):
            checkpoint.save(folder, state(8))
    assert names(folder) == ["step-00000003.pt", "step-00000007.pt"]
    newest, complaints = checkpoint.newest(folder)
    assert (newest["count"], complaints) == (7, [])
    checkpoint.save(folder, state(8))
    assert names(folder) == ["step-00000007.pt", "step-00000008.pt"]


def test_the_bytes_are_on_the_disk_before_the_file_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr("os.fsync", lambda file: (done.append("flush"), fsync(file)))
    monkeypatch.setattr("os.replace", lambda a, b: (done.append("rename"), replace(a, b)))
    checkpoint.save(tmp_path, state(1))
    assert done == ["flush", "rename"]


def test_a_left_over_temporary_file_is_no_checkpoint(folder: Path) -> None:
    (folder / ".step-00000009.pt.123").write_bytes(b"half")
    assert checkpoint.newest(folder)[0]["count"] == 7


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, {"count": 1, "gan": {"weight": torch.arange(8.0)}})
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 255]) + whole[i + 1 :])
        try:
            state = checkpoint.load(path)
        except SparringError:
            continue
        assert torch.equal(state["gan"]["weight"], torch.arange(8.0)), f"byte {i} changed the weights silently"


def test_a_file_that_holds_no_state_is_refused(tmp_path: Path) -> None:
    torch.save([1], tmp_path / "step-00000001.pt")
    with pytest.raises(SparringError, match="holds no state"):
        checkpoint.load(tmp_path / "step-00000001.pt")


def test_a_full_disk_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch says «unexpected pos» instead."""

    def fail(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(OSError, match="No space left on device"):
        checkpoint.save(tmp_path, {"count": 1})
