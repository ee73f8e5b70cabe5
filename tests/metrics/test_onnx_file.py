"""Networks from ONNX files: what they are fed, batches of a fixed size, and what is no feature network."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from sparring.errors import SparringError

pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

from made_up_onnx import WIDTH, write_network

from sparring.metrics.features import Features
from sparring.metrics.onnx_file import onnx_file


def shown(channels: int = 3, count: int = 5, side: int = 20) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_network_sees_rgb_in_0_to_1_at_its_own_side(tmp_path: Path) -> None:
    import onnxruntime

    path = write_network(tmp_path / "net.onnx", side=12)
    judge: Features = onnx_file(str(path))
    fed = interpolate(shown(), (12, 12), mode="bicubic", antialias=True).clamp(-1, 1) / 2 + 0.5
    (expected,) = onnxruntime.InferenceSession(str(path)).run(None, {"pictures": fed.numpy()})
    assert np.allclose(judge(shown()).numpy(), expected, atol=1e-6)
    assert judge(shown()).shape == (5, WIDTH)
    assert (judge.name, judge.preprocessing, judge.classes) == ("onnx-net", "0..1, bicubic antialias 12", None)
    assert judge.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_without_a_side_takes_pictures_as_they_are(tmp_path: Path) -> None:
    judge = onnx_file(str(write_network(tmp_path / "open.onnx")))
    assert judge.preprocessing == "0..1, size as given"
    assert judge(shown(side=9)).shape == judge(shown(side=20)).shape == (5, WIDTH)


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_batch_of_fixed_size_gives_what_an_open_one_gives(tmp_path: Path, batch: int) -> None:
    fixed = onnx_file(str(write_network(tmp_path / "fixed.onnx", batch=batch, flat=False)))
    free = onnx_file(str(write_network(tmp_path / "free.onnx")))
    assert fixed(shown()).shape == (5, WIDTH)
    assert torch.allclose(fixed(shown()), free(shown()), atol=1e-6)


def test_a_grey_network_sees_the_luma_of_colours_and_a_coloured_one_sees_grey_thrice(tmp_path: Path) -> None:
    grey = onnx_file(str(write_network(tmp_path / "grey.onnx", channels=1)))
    colours = shown()
    luma = (colours * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(grey(colours), grey(luma), atol=1e-6)
    rgb = onnx_file(str(write_network(tmp_path / "rgb.onnx")))
    assert torch.allclose(rgb(luma), rgb(luma.repeat(1, 3, 1, 1)), atol=1e-6)


def test_what_is_no_feature_network_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(SparringError, match="is no ONNX file"):
        onnx_file(str(tmp_path / "text.onnx"))
    with pytest.raises(SparringError, match=r"cannot read a feature network from .*absent\.onnx: No such file"):
        onnx_file(str(tmp_path / "absent.onnx"))
    for wrong in ({"channels": 2}, {"inputs": 2}):
        with pytest.raises(SparringError, match=r"one input, pictures .* has pictures tensor\(float\)"):
            onnx_file(str(write_network(tmp_path / "wrong.onnx", **wrong)))


def test_weights_beside_the_file_are_refused_since_its_hash_does_not_cover_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    model = onnx.load(str(write_network(tmp_path / "whole.onnx")))
    path = tmp_path / "parted.onnx"
    onnx.save(model, str(path), save_as_external_data=True, location="parted.data", size_threshold=0)
    assert (tmp_path / "parted.data").is_file()
    monkeypatch.chdir(tmp_path)  # where they would be found
    with pytest.raises(SparringError, match="holds all its weights itself"):
        onnx_file(str(path))


def test_an_output_of_maps_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    sides = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["pictures"], ["maps"])],
        "maps",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, sides)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(tmp_path / "maps.onnx"))
    with pytest.raises(SparringError, match=r"one row of numbers .* has shape \(5, 3, 20, 20\)"):
        onnx_file(str(tmp_path / "maps.onnx"))(shown())


def test_a_missing_onnxruntime_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SparringError, match="pip install onnxruntime"):
        onnx_file(str(tmp_path / "any.onnx"))
