"""Grad-CAM against closed forms, finite differences, and pictures whose evidence stands in one corner."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pocketbench.accuracy.grad_cam import CamLayer, compute_grad_cam, find_cam_layer, is_map
from pocketbench.blocks.build import build_model
from pocketbench.core.errors import ModelFault
from pocketbench.core.records import ModelSpec
from tests.accuracy import nets


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.norm(self.first(x)).relu())


class Classifier(nn.Module):
    """Two blocks, then a head; the activation between them works in place, on what the last block returned."""

    def __init__(self, head: nn.Module, *, inputs: int = 1, width: int = 8) -> None:
        super().__init__()
        self.features = nn.Sequential(Block(inputs, width, 2), Block(width, width, 1))
        self.head = head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def make_linear(seed: int = 0) -> Classifier:
    """Global average pooling and a linear layer: the network of class activation maps."""
    torch.manual_seed(seed)
    return Classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))).double().eval()


def make_curved() -> Classifier:
    torch.manual_seed(1)
    head = [nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3), nn.Hardswish(), nn.Flatten(), nn.Linear(8 * 36, 3)]
    return Classifier(nn.Sequential(*head)).double().eval()


def draw_picture(seed: int = 2) -> torch.Tensor:
    return torch.randn(1, 1, 16, 16, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def enlarge(heat: np.ndarray) -> np.ndarray:
    """Bilinear by Pillow, and scaled by the largest value."""
    image = Image.fromarray(heat.astype(np.float32)).resize((16, 16), Image.Resampling.BILINEAR)
    return np.asarray(image) / np.asarray(image).max()


@pytest.mark.parametrize("label", [0, 1, 2])
def test_behind_a_mean_and_a_linear_layer_it_is_the_class_activation_map(label):
    """Zhou et al., arXiv:1512.04150, equation 2, over the number of positions."""
    model, picture = make_linear(), draw_picture()
    with torch.no_grad():
        maps = model.features(picture)[0]
        weights = model.head[2].weight[label]
        expected = torch.einsum("k,khw->hw", weights, maps).clamp(min=0).numpy() / maps[0].numel()
    layer = find_cam_layer(model, picture)
    assert layer == CamLayer(path="features.1", size=(8, 8), is_block=True, is_last=True)
    found = compute_grad_cam(model, layer, picture, label)
    assert found.peak == pytest.approx(expected.max(), rel=1e-9)
    np.testing.assert_allclose(found.heat, enlarge(expected), atol=1e-6)
    assert found.guess == int(model(picture).argmax())


def test_the_weights_of_maps_are_mean_gradients_by_finite_differences():
    """Adding t to all positions of a map changes the score by t times the sum of its gradients."""
    model, picture, label, step = make_curved(), draw_picture(), 1, 1e-6
    with torch.no_grad():
        maps = model.features(picture)
        before = maps.clone()
        alphas = []
        for channel in range(8):
            up, down = maps.clone(), maps.clone()
            up[:, channel] += step
            down[:, channel] -= step
            slope = (model.head(up) - model.head(down))[0, label] / (2 * step)
            alphas.append(slope / maps[0, 0].numel())
        expected = torch.einsum("k,khw->hw", torch.stack(alphas), before[0]).clamp(min=0)
    found = compute_grad_cam(model, find_cam_layer(model, picture), picture, label)
    assert found.peak == pytest.approx(float(expected.max()), rel=1e-5)
    np.testing.assert_allclose(found.heat, enlarge(expected.numpy()), atol=1e-5)


def test_where_nothing_speaks_for_a_class_the_map_is_empty():
    model, picture = make_linear(), draw_picture()
    with torch.no_grad():
        model.head[2].weight[0] = 0
    found = compute_grad_cam(model, find_cam_layer(model, picture), picture, 0)
    assert found.peak == 0
    assert not found.heat.any()


def draw_corners(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Noise with a patch of stripes in one quarter; the class is whether they lie or stand, not where they are."""
    source = np.random.default_rng(seed)
    labels, corners = source.integers(0, 2, count), source.integers(0, 2, (count, 2))
    pictures = source.normal(0, 0.3, (count, 1, 16, 16)).astype(np.float32)
    stripes = np.where(np.arange(6) % 2, 1.5, -1.5)
    for picture, label, (row, column) in zip(pictures, labels, corners, strict=True):
        patch = picture[0, row * 9 : row * 9 + 6, column * 9 : column * 9 + 6]
        patch += stripes[None, :] if label else stripes[:, None]
    return torch.from_numpy(pictures), torch.from_numpy(labels), corners


def test_a_trained_network_sees_the_class_where_it_is():
    torch.manual_seed(0)
    model = Classifier(nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)))
    pictures, labels, _ = draw_corners(64, 0)
    for _ in range(60):  # by hand: importing torch's optimizers takes longer
        loss = nn.functional.cross_entropy(model(pictures), labels)
        for parameter, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            parameter.data -= 0.3 * gradient
    pictures, labels, corners = draw_corners(40, 1)
    layer = find_cam_layer(model, pictures[:1])
    model.eval()
    hits, right = 0, 0
    for picture, label, corner in zip(pictures, labels, corners, strict=True):
        found = compute_grad_cam(model, layer, picture[None], int(label))
        place = np.array(np.unravel_index(found.heat.argmax(), found.heat.shape))
        hits += bool((place // 8 == corner).all())
        right += found.guess == int(label)
    assert right >= 38
    assert hits >= 36, "of 40 maps that peak in the quarter with the stripes; by chance it were 10"


def test_the_network_stays_as_it_was():
    model, picture = make_linear().train(), draw_picture()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    compute_grad_cam(model, find_cam_layer(model, picture), picture, 0)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def make_network(backbone: str, side: int, block: str | None) -> nn.Module:
    spec = ModelSpec(
        backbone=backbone, block=block, width_ratio=0.1, class_count=3, input_shape=(1, 1, side, side), weights="given"
    )
    return build_model(spec)


@pytest.mark.parametrize(
    ("backbone", "side", "block", "expected"),
    [
        ("mobilenet_v2", 96, "ca", CamLayer(path="features.17", size=(3, 3), is_block=True, is_last=True)),
        # a block's 1 x 1 and 2 x 2 maps show no place
        ("mobilenet_v2", 32, None, CamLayer(path="features.6", size=(4, 4), is_block=True, is_last=False)),
        ("mobilenet_v2", 32, "cbam", CamLayer(path="features.6", size=(4, 4), is_block=True, is_last=False)),
        ("mobilenext", 96, None, CamLayer(path="features.20", size=(3, 3), is_block=True, is_last=True)),
    ],
)
def test_the_last_block_that_shows_a_place(backbone, side, block, expected):
    assert find_cam_layer(make_network(backbone, side, block), torch.zeros(1, 1, side, side)) == expected


def test_a_network_without_blocks_has_its_last_convolution():
    layer = find_cam_layer(nets.build_small(), torch.zeros(1, 1, 16, 16))
    assert layer == CamLayer(path="3", size=(8, 8), is_block=False, is_last=True)


class Broken(nn.Module):
    def forward(self, _: torch.Tensor) -> torch.Tensor:
        raise ValueError("not today")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nets.build_two_classes(), "no map of 3 x 3 positions"),
        (nets.build_map(), r"gives shape \(1, 3, 16, 16\)"),
        (Broken(), "ValueError: not today"),
    ],
)
def test_what_has_no_class_activation_is_refused(model, message):
    with pytest.raises(ModelFault, match=message):
        find_cam_layer(model, torch.zeros(1, 1, 16, 16))


def test_a_label_without_a_score_is_refused():
    model, picture = make_linear(), draw_picture()
    with pytest.raises(ModelFault, match="scores 3 classes, a picture has the label 3"):
        compute_grad_cam(model, find_cam_layer(model, picture), picture, 3)


@pytest.mark.parametrize(
    ("size", "picture", "expected"),
    [
        ((7, 7), (224, 224), True),
        ((6, 8), (192, 256), True),
        ((2, 2), (32, 32), False),
        ((7, 1), (224, 224), False),  # pooled along a row
        ((7, 768), (224, 224), False),  # channels last
        ((3, 197), (224, 224), False),  # heads and tokens
    ],
)
def test_what_counts_as_a_map(size, picture, expected):
    assert is_map(size, picture) is expected
