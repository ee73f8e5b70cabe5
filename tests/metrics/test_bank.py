"""Features of real data on the disk: found again by what they are, never by name, and made in flat memory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.data.dataset import Dataset, decode
from sparring.data.source import open_data
from sparring.errors import SparringError
from sparring.metrics import bank
from sparring.metrics.bank import chosen, features_of


class Look:
    """A feature network in name: some sums of the values, and how many samples it was shown."""

    classes: tuple[str, ...] | None = None

    def __init__(
        self, name: str = "look", fingerprint: str = "aa", preprocessing: str = "none", width: int = 4
    ) -> None:
        self.name, self.fingerprint, self.preprocessing, self.width = name, fingerprint, preprocessing, width
        self.seen = 0

    def __call__(self, pictures: Tensor) -> Tensor:
        self.seen += len(pictures)
        flat = pictures.float().flatten(1)
        mixed = torch.randn(flat.shape[1], self.width, generator=torch.Generator().manual_seed(0))
        return flat @ mixed / flat.shape[1] ** 0.5

    def probabilities(self, features: Tensor) -> Tensor:
        """Its numbers as scores of its classes."""
        return features.softmax(1)


def noise(seed: int = 0, count: int = 300) -> Dataset:
    """Random pictures under one name, whatever the seed."""
    return open_data(np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test. -> where features lie in it"""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


def looked(data: Dataset, features: Look, most: int = 1000) -> int:
    """How many samples the network is shown until their features are there."""
    before = features.seen
    features_of(data, features, most)
    return features.seen - before


def test_the_features_are_those_of_the_chosen_samples_in_their_order() -> None:
    data, features = noise(), Look()
    raw = torch.from_numpy(data.rows)
    assert torch.allclose(features_of(data, features, 1000), features(decode(raw)), atol=1e-6)
    rows = chosen(data, 40)
    assert torch.allclose(features_of(data, features, 40), features(decode(raw[torch.from_numpy(rows)])), atol=1e-6)


def test_some_samples_are_chosen_from_all_over_and_always_the_same() -> None:
    rows = chosen(noise(), 40)
    assert len(set(rows.tolist())) == 40
    assert (np.diff(rows) > 0).all()
    assert rows.min() < 60
    assert rows.max() > 240
    assert np.array_equal(rows, chosen(noise(seed=1), 40))
    assert np.array_equal(chosen(noise(), 300), np.arange(300))


def test_a_network_looks_once() -> None:
    data, features = noise(), Look()
    first = features_of(data, features, 1000)
    assert features.seen == 300
    assert looked(data, features) == 0
    assert looked(data, Look()) == 0, "an equal network finds them too"
    assert looked(noise(), features) == 0, "and equal data that was opened again"
    assert torch.equal(features_of(data, features, 1000), first)


def test_data_of_the_same_name_shape_and_count_but_other_content_does_not_share() -> None:
    one, other, features = noise(), noise(seed=1), Look()
    assert (one.spec.name, one.spec.shape, one.spec.count) == (other.spec.name, other.spec.shape, other.spec.count)
    first = features_of(one, features, 1000)
    assert looked(other, features) == 300
    assert not torch.allclose(features_of(other, features, 1000), first)
    assert torch.equal(features_of(one, features, 1000), first)


@pytest.mark.parametrize("change", ["fingerprint", "preprocessing", "most"])
def test_another_network_of_the_same_name_does_not_share(change: str) -> None:
    data = noise()
    assert looked(data, Look(), 50) == 50
    if change == "most":
        assert looked(data, Look(), 60) == 60
    else:
        assert looked(data, Look(**{change: "bb"}), 50) == 50
    assert looked(data, Look(), 50) == 0


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_many_are_looked_at_together_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = features_of(noise(), Look(), 1000).clone()
    monkeypatch.setattr(bank, "BATCH", size)
    assert torch.allclose(features_of(noise(), Look(preprocessing="anew"), 1000), whole, atol=1e-6)


def test_writing_to_the_features_changes_no_file() -> None:
    first = features_of(noise(), Look(), 1000)
    kept = first.clone()
    first.zero_()
    assert torch.equal(features_of(noise(), Look(), 1000), kept)


# ---------------------------------------------------------------- damage


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def replaced(file: Path) -> None:
    file.write_bytes(b"PK\3\4 something else")


def bracket(file: Path) -> None:
    """A header whose brackets do not match: numpy then raises what is no ValueError."""
    file.write_bytes(file.read_bytes().replace(b"(300, 4)", b"(300, 4("))


def fewer(file: Path) -> None:
    np.save(file, np.load(file)[1:])


def flat(file: Path) -> None:
    np.save(file, np.load(file)[:, 0])


def promised(file: Path) -> None:
    """The header of fewer numbers than there are."""
    file.write_bytes(file.read_bytes().replace(b"(300, 4)", b"(300, 1)"))


def other_kind(file: Path) -> None:
    np.save(file, np.load(file).astype(np.int32))


@pytest.mark.parametrize("damage", [cut, emptied, replaced, bracket, fewer, flat, promised, other_kind])
def test_a_damaged_file_is_made_anew(damage: object, cache: Path) -> None:
    features = Look()
    before = features_of(noise(), features, 1000).clone()
    (file,) = cache.iterdir()
    damage(file)  # type: ignore[operator]
    assert torch.equal(features_of(noise(), features, 1000), before)
    assert features.seen == 600
    assert looked(noise(), features) == 0


def test_what_breaks_off_leaves_nothing_behind(cache: Path) -> None:
    class Broken(Look):
        def __call__(self, pictures: Tensor) -> Tensor:
            if self.seen >= 128:
                raise SparringError("the network fails on these pictures")
            return super().__call__(pictures)

    with pytest.raises(SparringError, match="fails on these"):
        features_of(noise(), Broken(), 1000)
    assert not list(cache.iterdir())
    assert looked(noise(), Look()) == 300


@pytest.mark.parametrize("place", ["/proc/x", "/dev/null", "{file}", "{file}/below"])
def test_a_cache_that_cannot_be_written_is_one_sentence(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.startswith("/") and not sys.platform.startswith("linux"):
        pytest.skip("there is no such place that root may not write to")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARRING_CACHE", place.format(file=tmp_path / "file"))
    with pytest.raises(SparringError, match=r"features of .* cannot be written to .*set SPARRING_CACHE to a folder"):
        features_of(noise(), Look(), 1000)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(SparringError, match=r"\(No space left on device\); make room there"):
        features_of(noise(), Look(), 1000)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name", ["d" * 200, "数" * 70])
def test_a_long_name_fits_into_a_file_name(name: str) -> None:
    data = noise()
    data = replace(data, spec=replace(data.spec, name=name))
    features = Look(f"trained-identity-{name}")
    assert looked(data, features) == 300
    assert looked(data, features) == 0


# ---------------------------------------------------------------- memory


MEMORY = """
import resource, sys
import numpy as np
import torch
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.metrics.bank import features_of

class Rows:
    '''Rows as from a disk: there when they are asked for.'''
    def __getitem__(self, indices):
        return np.full((len(indices), 1, 8, 8), indices[0] % 256, np.uint8)

class Wide:
    name, fingerprint, preprocessing, classes = "wide", "aa", "none", None
    def __call__(self, pictures):
        return pictures.flatten(1).repeat(1, 16)  # 1024 numbers, 4 KiB

def peak(count):
    features_of(Dataset(Spec("pictures", "made-up", (1, 8, 8), (-1, 1), count, (), "made-up"), Rows()), Wide(), count)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)

print(peak(2_000), peak(20_000))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no resource module")
def test_memory_stays_flat_as_the_data_grows() -> None:
    """Features of 20,000 samples are 80 MiB, and of 2,000 are 8."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    few, many = map(int, done.stdout.split())
    assert many - few < 16, f"{few} MiB for 2,000 samples and {many} MiB for 20,000"
