"""The shape of every network in the lab: a body in groups, an embedding, a head."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.errors import ModelError
from engine.models.cpu_layers import BatchNorm2d


class Output(NamedTuple):
    embeddings: Tensor  # (B, D) f32, L2-normalised
    logits: Tensor  # (B, K) f32


class Recognizer(nn.Module):
    """`body` (a sequence of layer groups ending in features (B, D)) and a `head` from features to
    logits (B, K).

    With `head_reads='embedding'` the head sees the L2-normalised features, as when a classifier is
    trained on a frozen embedding; with 'features' it sees them as they are. Layer groups, input
    first, are what discriminative learning rates and freezing count in; the head is the last.
    """

    def __init__(
        self, body: Sequence[nn.Module], head: nn.Module, *, head_reads: str = "features"
    ) -> None:
        super().__init__()
        self.body = nn.ModuleList(body)
        self.head = head
        self.head_reads = head_reads

    def features(self, x: Tensor) -> Tensor:
        """(B, C, h, w) f32 in -1..1 → (B, D) f32, not normalised."""
        for group in self.body:
            x = group(x)
        return x

    def forward(self, x: Tensor) -> Output:
        features = self.features(x).float()
        embeddings = F.normalize(features, dim=1)
        return Output(
            embeddings,
            self.head(embeddings if self.head_reads == "embedding" else features).float(),
        )

    def load_pretrained(self) -> None:
        """Read the weights from outside that an option asks for; most networks have none."""

    def groups(self) -> list[nn.Module]:
        """Layer groups from the input to the head."""
        return [*self.body, self.head]


def conv_norm(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, activation: nn.Module | None = None
) -> nn.Sequential:
    """Convolution that keeps the size (at stride 1), batch norm, activation (ReLU unless given)."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, BatchNorm2d(outputs), activation or nn.ReLU(inplace=True))


def folded(model: Recognizer) -> Recognizer:
    """A copy that only answers, and answers alike: batch norm is part of the convolution before it,
    and weights lie channels last.

    A single 48 px image through `glyphnet` takes three quarters of the time.
    """
    out = copy.deepcopy(model).eval()
    for layers in (module for module in out.modules() if isinstance(module, nn.Sequential)):
        for place, (layer, after) in enumerate(zip(layers[:-1], layers[1:], strict=True)):
            if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                layers[place], layers[place + 1] = fuse_conv_bn_eval(layer, after), nn.Identity()
    return out.to(memory_format=torch.channels_last)


def count_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@torch.no_grad()
def features_after(body: Sequence[nn.Module], channels: int, size: int) -> torch.Size:
    """The shape (C, h, w) that a convolutional body makes of one (channels, size, size) image."""
    x = torch.zeros(2, channels, size, size)
    was_training = [group.training for group in body]
    for group in body:
        group.eval()
        x = group(x)
    for group, mode in zip(body, was_training, strict=True):
        group.train(mode)
    return x.shape[1:]


def load_matching(model: Recognizer, weights: dict[str, Tensor]) -> list[str]:
    """Load the weights whose names and shapes fit; returns the names that start fresh. Raises
    ModelError if none fits.
    """
    own = model.state_dict()
    fitting = {
        key: value for key, value in weights.items() if key in own and own[key].shape == value.shape
    }
    if not any(value.ndim > 1 for value in fitting.values()):
        raise ModelError(
            "the weights to start from are another model's",
            hint="Let `init_from` name a run of the same model.",
        )
    model.load_state_dict(fitting, strict=False)
    return sorted(set(own) - set(fitting))
