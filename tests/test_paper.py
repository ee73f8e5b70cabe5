"""`--paper`: a recipe's paper speaks where the user says nothing, however he says the rest, and the run keeps it so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import sparring
from fighting import NAMES
from made_up import pairs, pictures
from sparring import cli, launch, recipes
from sparring.apply.command import Apply, carry_out
from sparring.config import flags, from_dict, to_dict
from sparring.data.dataset import encode
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.networks.unet import BatchNorm, Thinning
from sparring.run import Run

PAPERS = {name: config.PAPER for name in NAMES if (config := recipes.find(name).config).PAPER}
SMALL = {"width": 4, "critic_width": 4, "features": "none", "device": "cpu", "memory_format": "contiguous"}


def leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested dictionaries, by their dotted names; lists for tuples, as YAML has them."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", [*value] if isinstance(value, tuple) else value


def settings(name: str, **given: Any) -> dict[str, Any]:
    """All of a recipe's settings, by their dotted names, where these are given."""
    config = recipes.find(name).config
    return dict(leaves(to_dict(from_dict(config, given, "here"))))


def test_the_recipes_that_translate_know_their_papers() -> None:
    translators = {name for name in NAMES if recipes.find(name).gan.translates}
    assert translators <= PAPERS.keys()


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_changes_what_it_says_and_nothing_else(name: str) -> None:
    usual, paper, said = settings(name), settings(name, paper=True), dict(leaves(PAPERS[name]))
    assert said.keys() <= usual.keys()
    changed = {key: value for key, value in paper.items() if value != usual[key]}
    assert changed == {**said, "paper": True}, "a value that is the default anyhow says nothing"
    assert paper["steps"] is None, "how long to train is for the user to say"


@pytest.mark.parametrize("name", sorted({*NAMES} - PAPERS.keys()))
def test_a_recipe_without_a_paper_of_its_own_refuses_in_a_sentence(name: str) -> None:
    with pytest.raises(SparringError, match="knows no other settings of a paper: leave out `paper`"):
        settings(name, paper=True)


@pytest.mark.parametrize("name", ["pix2pix", "dcgan"])
def test_the_help_says_what_the_paper_has_and_for_how_long_it_trains(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sparring", "train", name, "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    text = " ".join(capsys.readouterr().out.split())
    assert f"The paper has {' '.join(flags(PAPERS[name]))}" in text
    assert ("trains for 200 passes over the data" in text) == (name == "pix2pix")


def told(monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    """What `sparring train WORDS` would train with, by dotted names."""
    heard: list[Any] = []
    monkeypatch.setattr(launch, "train", lambda recipe, data, config, quiet=False: heard.append(config))
    cli.train([*words])
    return dict(leaves(to_dict(heard[0])))


def test_what_is_given_wins_and_flags_files_and_python_mean_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"l1": 10.0, "batch": 8, "generator": {"lr": 1e-3}}  # the first two as they are without --paper
    python = settings("pix2pix", paper=True, **given)
    assert (python["l1"], python["batch"], python["generator.lr"]) == (10.0, 8, 1e-3)
    assert (python["generator.final"], python["critic.lr"], python["norm"]) == (1.0, 2e-4, "batch")
    file, asks = tmp_path / "given.yaml", tmp_path / "asks.yaml"
    file.write_text(yaml.safe_dump(given))
    asks.write_text("paper: true\n")
    words = ["--l1", "10", "--generator.lr=1e-3", "--batch", "8"]
    assert told(monkeypatch, "pix2pix", "data", "--paper", *words) == python
    assert told(monkeypatch, "pix2pix", "data", *words, "--paper") == python
    assert told(monkeypatch, "pix2pix", "data", str(file), "--paper") == python
    assert told(monkeypatch, "pix2pix", "data", str(file), str(asks)) == python
    assert told(monkeypatch, "pix2pix", "data", str(asks), *words) == python
    assert told(monkeypatch, "pix2pix", "data", str(asks), "--no-paper") == settings("pix2pix")


def gan_of(name: str, **given: Any) -> GAN:
    recipe = recipes.find(name)
    config = from_dict(recipe.config, {**SMALL, **given}, "here")
    torch.manual_seed(0)
    dataset = pairs() if "pairs" in recipe.gan.kinds else pictures(3, 16, 16)
    return recipe.gan(dataset.spec, config).eval()


@torch.no_grad()
def depends(gan: GAN, given: torch.Tensor) -> bool:
    """Whether pictures change with what BatchNorm has gathered over the run."""
    before = gan.translate(given)
    for layer in gan.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.fill_(5.0)  # type: ignore[union-attr]
            layer.running_var.fill_(9.0)  # type: ignore[union-attr]
    return not torch.equal(gan.translate(given), before)


@pytest.mark.parametrize("name", ["pix2pix", "colourise"])
def test_dropout_and_the_pictures_own_statistics_are_in_use_with_a_paper_and_not_without(name: str) -> None:
    plain, paper = gan_of(name), gan_of(name, paper=True)
    given = torch.rand(2, *(plain.spec.source or (1, 16, 16))) * 2 - 1
    for gan, there in ((plain, False), (paper, True)):
        kinds = {type(layer) for layer in gan.generator.modules()}  # type: ignore[union-attr]
        assert ({Thinning, BatchNorm, torch.nn.ConvTranspose2d} <= kinds) == there
        assert bool({Thinning, BatchNorm, torch.nn.BatchNorm2d} & kinds) == there
        assert not depends(gan, given), "the statistics are the picture's own"
        with torch.no_grad():
            torch.testing.assert_close(gan.translate(given[:1]), gan.translate(given)[:1])
    layer = next(layer for layer in paper.modules() if isinstance(layer, Thinning))
    assert 0.3 < float((layer(torch.ones(1, 16, 8, 8)) == 0).float().mean()) < 0.7
    whole = gan_of(name, paper=True, dropout=0.0)
    with torch.no_grad():
        assert not torch.allclose(whole.translate(given), paper.translate(given)), "dropout goes on in use"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    dataset = pairs((3, 20, 24), count=12)
    for side, rows in {"before": 255 - dataset.rows, "after": dataset.rows}.items():
        (tmp_path / side).mkdir()
        for i, row in enumerate(rows):
            Image.fromarray(row.transpose(1, 2, 0)).save(tmp_path / side / f"{i:02d}.png")
    return {"a": "before", "b": "after"}


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "cut"])
def test_a_run_as_in_the_paper_says_so_goes_on_and_is_applied(name: str, folders: dict[str, str]) -> None:
    blocks = {} if name == "pix2pix" else {"blocks": 1}
    given = {**SMALL, **blocks, **folders, "held_out": 0.3}
    run = sparring.train(name, paper=True, steps=2, quiet=True, **given)
    kept = yaml.safe_load((run.folder / "config.yaml").read_text())
    said = dict(leaves(PAPERS[name])) | {"paper": True, "width": 4, "critic_width": 4, **blocks}
    assert {key: value for key, value in leaves(kept) if key in said} == said
    weights = {key: value.clone() for key, value in run.gan.state_dict().items()}
    run = sparring.resume(run.folder, steps=4, quiet=True)
    assert run.gan.count == 4
    assert any(not torch.equal(value, weights[key]) for key, value in run.gan.state_dict().items())
    carry_out(Apply(str(run.folder), ("before/03.png", "out.png")))
    with Image.open("before/03.png") as before, Image.open("out.png") as out, torch.no_grad():
        picture = torch.from_numpy(np.asarray(before).transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
        assert np.array_equal(np.asarray(out), encode(Run(run.folder).gan.translate(picture))[0].transpose(1, 2, 0))


def test_going_on_with_a_run_asks_for_no_paper(folders: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's settings are all given, so a paper has nothing to say any more: the flag alone would differ."""
    run = sparring.train("cut", steps=1, quiet=True, blocks=1, **SMALL, **folders)
    with pytest.raises(SparringError, match=r"\(paper: False -> True\)"):
        cli.train(["--resume", str(run.folder), "--steps", "2", "--paper"])
