"""ResNets (He et al. 2015, arXiv 1512.03385) as torchvision builds them, for one, two or three
channels, with the studies' heads.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.errors import ModelError, unknown
from engine.models.cpu_layers import Dropout
from engine.models.pretrained import read_weights
from engine.models.recognizer import Recognizer

Head = Literal["linear", "published", "fastai"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of the 0..1 range


def resnet18(
    channels: int,
    classes: int,
    size: int,
    *,
    weights: str | None = None,
    head: Head = "linear",
    dropout: float = 0.3,
) -> Recognizer:
    """ResNet18: 11.2 M parameters. See `ResNet` for the options."""
    return ResNet("resnet18", channels, classes, weights, head, dropout)


def resnet34(
    channels: int,
    classes: int,
    size: int,
    *,
    weights: str | None = None,
    head: Head = "linear",
    dropout: float = 0.3,
) -> Recognizer:
    """ResNet34: 21.3 M parameters. See `ResNet` for the options."""
    return ResNet("resnet34", channels, classes, weights, head, dropout)


def resnet50(
    channels: int,
    classes: int,
    size: int,
    *,
    weights: str | None = None,
    head: Head = "linear",
    dropout: float = 0.3,
) -> Recognizer:
    """ResNet50: 23.5 M parameters. See `ResNet` for the options."""
    return ResNet("resnet50", channels, classes, weights, head, dropout)


class ToImageNet(nn.Module):
    """From the lab's -1..1 to the statistics that ImageNet weights expect; one channel is shown as
    grey, of two the third is their mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    mean: Tensor
    std: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        elif x.shape[1] == 2:
            x = torch.cat([x, x.mean(1, keepdim=True)], 1)
        return ((x + 1) / 2 - self.mean) / self.std


class ConcatPool(nn.Module):
    """Maximum and mean over places, side by side: (B, C, h, w) → (B, 2C)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)


class ResNet(Recognizer):
    """A torchvision ResNet in layer groups. Its embedding is the pooled feature that the head
    reads.

    weights  None: random; 'imagenet': torchvision's, fetched once; a path: a .pth or .safetensors
             file with torchvision's names. With weights the input keeps three channels and is
             shifted to ImageNet's statistics inside.
    head     'linear' as in torchvision; 'published' of the nature study: linear to 2048, ReLU,
             dropout, linear to K; 'fastai', which the resizing study trained: concatenated pools,
             batch norm, dropout, linear to 512, and so on.
    Groups: stem, four layers, head; with the fastai head stem to layer 2, layers 3 and 4, head, as
    fastai v1 splits them.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        classes: int,
        weights: str | None,
        head: Head,
        dropout: float,
    ) -> None:
        from torchvision import models

        net = getattr(models, name)(weights=None)
        wide = net.fc.in_features
        stem: dict[str, nn.Module] = {"shift": ToImageNet()} if weights else {}
        stem["conv1"] = (
            net.conv1
            if weights or channels == 3
            else nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        )
        if stem["conv1"] is not net.conv1:
            nn.init.kaiming_normal_(stem["conv1"].weight, mode="fan_out", nonlinearity="relu")
        stem |= {"bn1": net.bn1, "relu": net.relu, "maxpool": net.maxpool}
        pool: dict[str, nn.Module] = (
            {"pool": ConcatPool()}
            if head == "fastai"
            else {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        )
        if head == "fastai":
            parts = [
                stem | {"layer1": net.layer1, "layer2": net.layer2},
                {"layer3": net.layer3, "layer4": net.layer4} | pool,
            ]
        else:
            parts = [
                stem,
                {"layer1": net.layer1},
                {"layer2": net.layer2},
                {"layer3": net.layer3},
                {"layer4": net.layer4} | pool,
            ]
        body = [nn.Sequential(OrderedDict(part)) for part in parts]
        super().__init__(body, _head(head, wide, classes, dropout))
        self.weights, self.url = weights, _imagenet_url(name)

    def load_pretrained(self) -> None:
        """Read the weights that the option names into everything but the head. Raises ModelError if
        they are not there or don't fit.
        """
        if not self.weights:
            return
        given = read_weights(self.weights, self.url)
        own = self.body.state_dict()
        # '0.conv1.weight' → 'conv1.weight'; old files don't hold the number of batches seen
        found = {
            key: given.get(key.split(".", 1)[1])
            for key in own
            if not key.endswith("num_batches_tracked")
        }
        for key, value in found.items():
            if value is None or value.shape != own[key].shape:
                got = "no such weights" if value is None else str(tuple(value.shape))
                raise ModelError(
                    f"weights '{self.weights}' are another network's",
                    expected=f"{key.split('.', 1)[1]} {tuple(own[key].shape)}",
                    got=got,
                )
        self.body.load_state_dict(found, strict=False)


def _head(kind: str, wide: int, classes: int, dropout: float) -> nn.Module:
    if kind == "linear":
        return nn.Linear(wide, classes)
    if kind == "published":
        return nn.Sequential(
            nn.Linear(wide, 2048), nn.ReLU(inplace=True), Dropout(dropout), nn.Linear(2048, classes)
        )
    if kind == "fastai":
        first = [
            nn.BatchNorm1d(2 * wide),
            Dropout(0.25),
            nn.Linear(2 * wide, 512),
            nn.ReLU(inplace=True),
        ]
        return nn.Sequential(*first, nn.BatchNorm1d(512), Dropout(0.5), nn.Linear(512, classes))
    raise ModelError(unknown("head", kind, ("linear", "published", "fastai")))


def _imagenet_url(name: str) -> str:
    from torchvision import models

    enum: Any = models.get_model_weights(name)
    return enum.IMAGENET1K_V1.url  # what `pretrained=True` meant when the study was made
