"""Architectures of torchvision built of fewer and narrower blocks, and two with branches."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import (
    VGG,
    AlexNet,
    ConvNeXt,
    DenseNet,
    EfficientNet,
    MaxVit,
    ResNet,
    SwinTransformer,
    VisionTransformer,
)
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import FusedMBConvConfig, MBConvConfig
from torchvision.models.resnet import Bottleneck
from torchvision.models.segmentation import lraspp_mobilenet_v3_large
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

HIDDEN = 32


def with_small_head(module: nn.Module) -> nn.Module:
    """Narrow the hidden layers of AlexNet's and VGG's head, which are most of their weights."""
    if not isinstance(module, AlexNet | VGG):
        return module
    places = [i for i, part in enumerate(module.classifier) if isinstance(part, nn.Linear)]
    widths = [module.classifier[places[0]].in_features, HIDDEN, HIDDEN]
    outputs = [HIDDEN, HIDDEN, module.classifier[places[-1]].out_features]
    for place, given, made in zip(places, widths, outputs, strict=True):
        module.classifier[place] = nn.Linear(given, made)
    return module


class Scored(nn.Module):
    """A segmentation network whose classes are scored by the mean over the places."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.net = lraspp_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=classes
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)["out"].mean((2, 3))


class TwoScales(nn.Module):
    """Two branches that see the image at two scales, and meet as vectors."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1))
        self.coarse = nn.Sequential(nn.Conv2d(3, 8, 3, 4, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1))
        self.head = nn.Linear(16, classes)

    def forward(self, x: Tensor) -> Tensor:
        half = F.interpolate(x, scale_factor=0.5, mode="nearest")
        means = [self.fine(x).relu().mean((2, 3)), self.coarse(half).relu().mean((2, 3))]
        return self.head(torch.cat(means, 1))


def _convnext(classes: int) -> nn.Module:
    blocks = [CNBlockConfig(24, 48, 1), CNBlockConfig(48, 96, 2), CNBlockConfig(96, None, 1)]
    return ConvNeXt(blocks, num_classes=classes)


def _densenet(classes: int) -> nn.Module:
    return DenseNet(12, (2, 2, 2, 2), 24, num_classes=classes)


def _efficientnet(classes: int) -> nn.Module:
    blocks = [
        FusedMBConvConfig(1, 3, 1, 16, 16, 1),
        FusedMBConvConfig(4, 3, 2, 16, 24, 2),
        MBConvConfig(4, 3, 2, 24, 40, 2),
        MBConvConfig(6, 3, 2, 40, 64, 1),
    ]
    norm = partial(nn.BatchNorm2d, eps=1e-3)
    return EfficientNet(blocks, 0.2, num_classes=classes, norm_layer=norm, last_channel=96)


def _maxvit(classes: int) -> nn.Module:
    return MaxVit((64, 64), 16, 4, [16, 32], [1, 1], 16, 0.0, num_classes=classes)


def _resnext(classes: int) -> nn.Module:
    return ResNet(Bottleneck, [1, 1, 1, 1], classes, groups=32, width_per_group=4)


def _swin(classes: int) -> nn.Module:
    return SwinTransformer([4, 4], 24, [2, 2, 1], [2, 2, 4], [4, 4], num_classes=classes)


def _swin_v2(classes: int) -> nn.Module:
    return SwinTransformer(
        [4, 4], 24, [2, 2, 1], [2, 2, 4], [4, 4], num_classes=classes,
        block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2,
    )  # fmt: skip


def _vit(classes: int) -> nn.Module:
    return VisionTransformer(64, 16, 3, 4, 64, 128, num_classes=classes)


def _wide(classes: int) -> nn.Module:
    return ResNet(Bottleneck, [1, 1, 1, 1], classes, width_per_group=128)


SMALL: dict[str, Callable[[int], nn.Module]] = {
    "convnext_s": _convnext,
    "densenet_s": _densenet,
    "efficientnet_v2s": _efficientnet,
    "lraspp_score": Scored,
    "maxvit_s": _maxvit,
    "resnext_s": _resnext,
    "swin_s": _swin,
    "swinv2_s": _swin_v2,
    "two_scale": TwoScales,
    "vit_s": _vit,
    "wide_s": _wide,
}
