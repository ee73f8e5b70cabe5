"""One config, three ways to write it: all checked alike, and each turns into the others without loss."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.config import Adam, Config, difference, flags, from_dict, nearest, read_yaml, to_dict
from sparring.errors import SparringError


@dataclass(frozen=True, kw_only=True)
class Toy(Config):
    """A recipe's config, with fields of every kind."""

    width: int = 8
    """Channels."""
    flip: bool = True
    """Whether to mirror."""
    critic: Adam = Adam(lr=4e-4, betas=(0.0, 0.99))
    """The critic's optimiser."""


def positive(most: float = 1e9) -> st.SearchStrategy[float]:
    return st.floats(0, most, exclude_min=True)


BETA = st.floats(0, 1, exclude_max=True)
ADAM = st.builds(Adam, lr=positive(), betas=st.tuples(BETA, BETA), final=st.floats(0, 1))


@st.composite
def toys(draw: st.DrawFn) -> Toy:
    processes, accumulate, share = draw(st.tuples(*[st.integers(1, 5)] * 3))
    return Toy(
        out=draw(st.none() | st.sampled_from(["runs/a-1", "a folder/é", "/tmp/x.y", "1e3"])),
        steps=draw(st.none() | st.integers(1, 10**9)),
        minutes=draw(st.none() | positive()),
        batch=processes * accumulate * share,
        seed=draw(st.integers(0, 2**63)),
        size=draw(st.none() | st.sampled_from(["32", "48x64"])),
        channels=draw(st.sampled_from([None, 1, 3, 4])),
        processes=processes,
        accumulate=accumulate,
        precision=draw(st.sampled_from(["auto", "fp32", "bf16"])),
        ema=draw(st.floats(0, 1e9)),
        clip=draw(st.none() | positive()),
        flip=draw(st.booleans()),
        critic=draw(ADAM),
    )


@given(toys())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_config_survives_plain_values_and_yaml(config: Toy) -> None:
    plain = to_dict(config)
    assert from_dict(Toy, plain, "here") == config
    assert yaml.safe_load(yaml.safe_dump(plain)) == plain


def test_plain_values_are_what_yaml_and_checkpoints_hold() -> None:
    plain = to_dict(Toy(steps=5))
    assert plain["critic"] == {"lr": 4e-4, "betas": [0.0, 0.99], "final": 1.0}
    assert type(plain["critic"]["betas"]) is list
    assert plain.keys() == {field.name for field in dataclasses.fields(Toy)}


def test_what_is_not_given_keeps_its_default_also_within_a_player() -> None:
    config = from_dict(Toy, {"critic": {"betas": [0.5, 0.9]}, "batch": 8}, "here")
    assert config == Toy(batch=8, critic=Adam(lr=4e-4, betas=(0.5, 0.9)))


def test_yamls_numbers_without_a_point_are_numbers() -> None:
    """YAML 1.1 reads 1e-4 as text."""
    assert from_dict(Toy, yaml.safe_load("critic: {lr: 1e-4}\nsize: 32"), "here") == Toy(
        size="32", critic=Adam(lr=1e-4, betas=(0.0, 0.99))
    )


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"bach": 32}, "my.yaml: there is no `bach`; perhaps you meant batch"),
        ({"checkpoint_evry": 1}, "my.yaml: there is no `checkpoint_evry`; perhaps you meant checkpoint_every"),
        ({"critic": {"beta": [0, 0]}}, "my.yaml: there is no `critic.beta`; perhaps you meant betas"),
        ({"qqq": 1}, "my.yaml: there is no `qqq`; there are out, steps, "),
        ({1: 1}, "my.yaml: there is no `1`; there are "),
        ({"critic": 2e-4}, "my.yaml: `critic` takes fields of its own, such as lr"),
        ({"batch": {"size": 4}}, "my.yaml: `batch` takes one value, without fields"),
    ],
)
def test_a_key_that_does_not_exist_is_named_with_the_nearest_and_the_file(tree: dict[Any, Any], sentence: str) -> None:
    with pytest.raises(SparringError) as refused:
        from_dict(Toy, tree, "my.yaml")
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"batch": "many"}, "--batch.*'many'"),
        ({"batch": 6.5}, "--batch.*'6.5'"),
        ({"batch": None}, "--batch.*'None'"),
        ({"batch": [8, 16]}, "16"),
        ({"precision": "fp16"}, "'fp16'.*--precision.*'auto', 'fp32', 'bf16'"),
        ({"channels": 2}, "'2'.*--channels"),
        ({"critic": {"betas": [0.5]}}, "--critic.betas"),
        ({"critic": {"lr": "fast"}}, "--critic.lr.*'fast'"),
        ({"steps": 0}, "`steps` must be above 0; it is 0"),
        ({"minutes": -1.5}, "`minutes` must be above 0; it is -1.5"),
        ({"checkpoint_every": 0}, "`checkpoint_every` must be above 0"),
        ({"clip": 0}, "`clip` must be above 0"),
        ({"accumulate": 0}, "`accumulate` must be above 0"),
        ({"seed": -1}, "`seed` must be 0 or more; it is -1"),
        ({"ema": -1}, "`ema` and `ema_ramp` must be 0 or more"),
        ({"ema_ramp": -0.1}, "`ema` and `ema_ramp` must be 0 or more"),
        ({"critic": {"lr": 0}}, "a learning rate must be above 0 and finite; it is 0"),
        ({"critic": {"lr": ".nan"}}, "--critic.lr.*nan"),
        ({"critic": {"lr": float("nan")}}, "a learning rate must be above 0 and finite; it is nan"),
        ({"critic": {"betas": [0.5, 1.0]}}, "betas lie in 0 <= beta < 1"),
        ({"critic": {"betas": [-0.1, 0.9]}}, "betas lie in 0 <= beta < 1"),
        ({"critic": {"final": 1.1}}, r"`final` is a share of `lr`, in 0\.\.1; it is 1.1"),
    ],
)
def test_a_bad_value_is_told_in_one_sentence_that_names_the_file(tree: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SparringError, match=rf"^my\.yaml: .*{sentence}") as refused:
        from_dict(Toy, tree, "my.yaml")
    assert "\n" not in str(refused.value)
    assert not set("╭╮╰╯│─\x1b") & set(str(refused.value)), "no remains of the parser's box"


@pytest.mark.parametrize("batch", [65, 66, 68])
def test_a_batch_that_cannot_be_shared_equally_says_what_would_work(batch: int) -> None:
    with pytest.raises(
        SparringError, match=f"{batch} cannot be shared equally by 2 processes with 4 .*a multiple of 8"
    ):
        Config(batch=batch, processes=2, accumulate=4)
    assert Config(batch=72, processes=2, accumulate=4).batch == 72


def test_difference_names_every_nested_field_that_changed_and_no_other() -> None:
    before, after = to_dict(Toy(seed=1)), to_dict(Toy(seed=2, critic=Adam(lr=1e-3, betas=(0.0, 0.99))))
    assert difference(before, after) == ["critic.lr: 0.0004 -> 0.001", "seed: 1 -> 2"]
    assert difference(before, before) == []
    assert difference({"a": 1, "b": 2}, {"b": 2, "c": 3}) == ["a: 1 -> None", "c: None -> 3"]
    assert difference({"a": {"b": 1}}, {"a": 1}) == ["a: {'b': 1} -> 1"]


def test_flags_are_what_a_person_would_type() -> None:
    tree = {"critic": {"lr": 1e-4, "betas": [0.5, 0.9]}, "checkpoint_every": 5, "flip": False, "mirror_too": True}
    assert list(flags(tree)) == [
        *("--critic.lr=0.0001", "--critic.betas=0.5", "0.9", "--checkpoint-every=5"),
        *("--no-flip", "--mirror-too"),
    ]
    assert list(flags({"out": None, "critic": {"no_bias": False}})) == ["--out=None", "--critic.no-no-bias"]


def test_nearest_names_what_is_like_the_word_and_else_everything() -> None:
    assert nearest("dcgna", ["dcgan", "vanilla"]) == "; perhaps you meant dcgan"
    assert nearest("zzz", ["dcgan", "vanilla"]) == "; there are dcgan, vanilla"


def test_yaml_is_read_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text("batch: 8  # a remark\nout: é\ncritic:\n  betas: [0, 0.9]\n", encoding="utf-8")
    assert read_yaml(path) == read_yaml(str(path)) == {"batch": 8, "out": "é", "critic": {"betas": [0, 0.9]}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"batch: [8\nseed: 1\n", r"wrong\.yaml is not YAML: .*line 2"),
        (b"a: 1\n\tb: 2\n", r"wrong\.yaml is not YAML: .*line 2"),
        (b"- batch\n- seed\n", r"wrong\.yaml must hold `key: value` lines"),
        (b"batch", r"wrong\.yaml must hold `key: value` lines"),
        (b"", r"wrong\.yaml must hold `key: value` lines"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", r"cannot read .*wrong\.yaml: "),
        (b"a: \x00\n", r"wrong\.yaml is not YAML"),
        (b"x: !!python/object/apply:os.mkdir [pwned]\n", r"wrong\.yaml is not YAML"),
        (None, r"cannot read .*wrong\.yaml: .*No such file"),
    ],
)
def test_a_file_that_is_no_config_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "wrong.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SparringError, match=sentence) as refused:
        read_yaml(path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "pwned").exists()
