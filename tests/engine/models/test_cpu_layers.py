"""The layers that a CPU computes another way: the same results as torch's, or for dropout the same
distribution.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.models.cpu_layers import BatchNorm2d, Dropout


def _images(channels: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    x = torch.randn(8, channels, 6, 4, generator=torch.Generator().manual_seed(0)) * 3 + 5
    return x.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()


@pytest.mark.parametrize("channels", [1, 14, 15, 16])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 4e-2)])
def test_batch_norm_is_torchs(channels: int, dtype: torch.dtype, close: float) -> None:
    ours, theirs = BatchNorm2d(channels), nn.BatchNorm2d(channels)
    for layer in (ours, theirs):
        nn.init.uniform_(layer.weight, generator=torch.Generator().manual_seed(1))
        nn.init.uniform_(layer.bias, generator=torch.Generator().manual_seed(2))
    results = []
    for layer in (ours, theirs):
        x = _images(channels, dtype)
        out = torch.relu_(layer(x))
        assert out.dtype == dtype
        out.float().square().sum().backward()
        results.append(
            (
                out.detach(),
                x.grad,
                layer.weight.grad,
                layer.bias.grad,
                layer.running_mean,
                layer.running_var,
            )
        )
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(
            one.float(), other.float(), rtol=close, atol=close * (1 + float(other.abs().max()))
        )
    assert int(ours.num_batches_tracked) == 1
    torch.testing.assert_close(
        ours.eval()(_images(channels)), theirs.eval()(_images(channels)), rtol=1e-3, atol=1e-3
    )


def test_batch_norm_of_odd_sizes_and_plain_layouts_is_torchs() -> None:
    for shape in [
        (3, 14, 5, 5),
        (4, 14, 8, 8),
    ]:  # 75 pixels don't fold; the second is not channels-last
        x = torch.randn(shape)
        torch.testing.assert_close(BatchNorm2d(14)(x), nn.BatchNorm2d(14)(x))


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_dropout_drops_a_share_of_p_each_on_its_own(p: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(40, 1000, requires_grad=True)
    out = Dropout(p)(x)
    kept = out != 0
    share, n = float(kept.float().mean()), x.numel()
    assert abs(share - (1 - p)) < 5 * (p * (1 - p) / n) ** 0.5
    torch.testing.assert_close(out[kept], torch.full_like(out[kept], 1 / (1 - p)))
    both = float((kept[:, 1:] & kept[:, :-1]).float().mean())  # neighbours are independent
    assert abs(both - (1 - p) ** 2) < 0.01
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())  # the same elements, the same scale


def test_dropout_passes_the_gradient_where_it_passed_the_value_whatever_the_layout() -> None:
    x = torch.randn(4, 3, 5, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    out = Dropout(0.5)(x)
    gradient = torch.rand(4, 3, 5, 5) + 1  # in the plain layout
    out.backward(gradient)
    assert torch.equal(x.grad != 0, out.detach() != 0)
    torch.testing.assert_close(x.grad[x.grad != 0], (gradient * 2)[x.grad != 0])


def test_dropout_rests_when_it_should() -> None:
    x = torch.randn(4, 5)
    assert Dropout(0.5).eval()(x) is x
    assert torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()
    torch.manual_seed(3)
    first = Dropout(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(first, Dropout(0.5)(x))
