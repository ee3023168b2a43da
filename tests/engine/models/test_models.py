import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.errors import ModelError
from engine.models.catalog import MODELS, build_model, model_options
from engine.models.recognizer import count_parameters, folded, load_matching
from engine.models.rotation_tta import both_ways


@pytest.mark.parametrize("size", [8, 28, 64])
@pytest.mark.parametrize("name", ["convnet", "glyphnet"])
def test_our_networks_answer_at_any_size(name: str, size: int) -> None:
    model = build_model(name, {}, 2, 7, size).eval()
    out = model(torch.rand(3, 2, size, size))
    assert out.logits.shape == (3, 7) and out.embeddings.shape == (3, 128)
    assert torch.allclose(out.embeddings.norm(dim=1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_group_has_its_place_and_the_head_is_last(name: str) -> None:
    size = {"zfnet": 32, "cnn5": 64}.get(name, 32)
    model = build_model(name, {}, 3 if name == "cnn5" else 1, 10, size)
    inside = sum(count_parameters(group) for group in model.groups())
    assert inside == count_parameters(model)
    assert model.groups()[-1] is model.head


@pytest.mark.parametrize("name", MODELS)
def test_a_folded_network_answers_alike_and_leaves_the_other_as_it_was(name: str) -> None:
    torch.manual_seed(0)
    size, channels = (64, 3) if name == "cnn5" else (32, 1)
    model = build_model(name, {}, channels, 10, size)
    x = torch.rand(8, channels, size, size) * 2 - 1
    for _ in range(3):
        model(x)  # batch norm sees something other than what it began with
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    quick = folded(model)
    model.eval()
    with torch.no_grad():
        expected, found = model(x), quick(x)
    assert torch.allclose(found.logits, expected.logits, atol=1e-4) and torch.allclose(
        found.embeddings, expected.embeddings, atol=1e-5
    )
    assert all(torch.equal(value, kept[key]) for key, value in model.state_dict().items())


def test_a_folded_glyphnet_has_no_batch_norm_left_among_its_convolutions() -> None:
    quick = folded(build_model("glyphnet", {}, 1, 10, 28))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())


def test_a_turned_network_reads_an_image_leaning_to_either_side_and_learns_it_as_it_is() -> None:
    torch.manual_seed(0)
    model = build_model("glyphnet", {"turn": 10, "width": 8, "dropout": 0.0}, 2, 7, 32)
    plain = build_model("glyphnet", {"width": 8, "dropout": 0.0}, 2, 7, 32)
    plain.load_state_dict(model.state_dict())
    x = torch.full((3, 2, 32, 32), -1.0)
    x[:, :, 6:26, 15:17] = 1  # an upright stroke
    assert torch.equal(model(x).logits, plain(x).logits)
    model.eval(), plain.eval()
    one, other = both_ways(x, 10).chunk(2)
    assert torch.allclose(one.flip(3), other, atol=1e-5) and torch.allclose(
        one[..., 0, :], torch.tensor(-1.0)
    )
    top, bottom = (
        (one[0, 0, row] + 1) @ torch.arange(32.0) / (one[0, 0, row] + 1).sum() for row in (8, 23)
    )
    assert abs(abs(float(bottom - top)) - 15 * math.tan(math.radians(10))) < 0.2
    with torch.no_grad():
        out, parts = model(x), [plain(one), plain(other)]
    assert torch.allclose(
        out.logits, (parts[0].logits.log_softmax(1) + parts[1].logits.log_softmax(1)) / 2, atol=1e-5
    )
    assert torch.allclose(
        out.embeddings, F.normalize(parts[0].embeddings + parts[1].embeddings), atol=1e-5
    )


def test_an_unknown_model_or_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'convnet'"):
        build_model("convnett", {}, 1, 10, 28)
    with pytest.raises(ModelError, match="did you mean 'width'"):
        build_model("convnet", {"widht": 3}, 1, 10, 28)
    with pytest.raises(ModelError, match="can't be built"):
        build_model("convnet", {"width": "wide"}, 1, 10, 28)
    assert model_options("convnet")["width"] == 32


def test_weights_of_another_head_start_fresh_and_say_so() -> None:
    source = build_model("convnet", {"width": 4}, 1, 62, 28)
    target = build_model("convnet", {"width": 4}, 1, 10, 28)
    fresh = load_matching(target, source.state_dict())
    assert fresh == ["head.1.bias", "head.1.weight"]
    assert torch.equal(target.body[0][0][0].weight, source.body[0][0][0].weight)


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match="another model's"):
        load_matching(
            build_model("convnet", {"width": 4}, 1, 10, 28),
            build_model("glyphnet", {"width": 8}, 3, 62, 28).state_dict(),
        )
