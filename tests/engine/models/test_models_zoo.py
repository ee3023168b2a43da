"""The studies' networks: their counts, their shapes, the options they take and the weights they are
given.
"""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from engine.errors import ModelError
from engine.models.catalog import build_model
from engine.models.cnn5 import final_side, output_side
from engine.models.pretrained import keep_downloads
from engine.models.recognizer import Recognizer, count_parameters


def answer(model: Recognizer, channels: int, size: int, n: int = 2):
    torch.manual_seed(0)
    with torch.no_grad():
        return model.eval()(torch.rand(n, channels, size, size) * 2 - 1)


def test_zfnet_has_the_published_55_09_million_parameters_up_to_its_embedding_at_220_px():
    with torch.device("meta"):
        model = build_model("zfnet", {}, 1, 62, 220)
    assert sum(map(count_parameters, model.body)) == 55_085_760
    assert count_parameters(model) == 55_085_760 + 128 * 62 + 62


def test_zfnet_is_built_of_the_published_layers_in_their_order():
    with torch.device("meta"):
        body = nn.Sequential(*build_model("zfnet", {}, 1, 62, 220).body)
    convs = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    assert [
        (m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0], m.padding[0]) for m in convs
    ] == [
        (1, 64, 7, 2, 3),
        (64, 64, 1, 1, 0),
        (64, 192, 3, 1, 1),
        (192, 192, 1, 1, 0),
        (192, 384, 3, 1, 1),
        (384, 384, 1, 1, 0),
        (384, 256, 3, 1, 1),
        (256, 256, 1, 1, 0),
        (256, 256, 3, 1, 1),
        (256, 256, 1, 1, 0),
        (256, 256, 3, 1, 1),
    ]
    flat = [type(m).__name__ for m in body.modules() if not isinstance(m, nn.Sequential)]
    assert flat[:4] == ["Conv2d", "BatchNorm2d", "LeakyReLU", "MaxPool2d"]
    assert flat.count("MaxPool2d") == 4 and flat[-5:] == [
        "Flatten",
        "Linear",
        "BatchNorm1d",
        "LeakyReLU",
        "Linear",
    ]
    linear = [(m.in_features, m.out_features) for m in body.modules() if isinstance(m, nn.Linear)]
    assert linear == [(7 * 7 * 256, 4096), (4096, 128)]
    assert {m.negative_slope for m in body.modules() if isinstance(m, nn.LeakyReLU)} == {0.001}


@pytest.mark.parametrize(("size", "side"), [(32, 1), (64, 2), (96, 3)])
def test_zfnet_follows_the_image_size(size, side):
    model = build_model("zfnet", {"hidden": 32}, 1, 62, size)
    assert (
        next(m for m in model.body[-1] if isinstance(m, nn.Linear)).in_features == side * side * 256
    )
    out = answer(model, 1, size)
    assert out.embeddings.shape == (2, 128) and torch.allclose(
        out.embeddings.norm(dim=1), torch.ones(2), atol=1e-5
    )


def test_zfnet_says_what_size_it_needs():
    with pytest.raises(ModelError, match="five times: 28 px. Needed: a size of at least 32 px"):
        build_model("zfnet", {}, 1, 10, 28)


def test_the_published_classifier_reads_the_normalised_embedding_and_gives_log_probabilities():
    model = build_model("zfnet", {"head": "classifier", "hidden": 16}, 1, 62, 32)
    kinds = [type(layer).__name__ for layer in model.head]
    assert kinds == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "LogSoftmax"]
    assert [(m.in_features, m.out_features) for m in model.head if isinstance(m, nn.Linear)] == [
        (128, 64),
        (64, 62),
    ]
    out = answer(model, 1, 32)
    assert torch.allclose(out.logits.exp().sum(1), torch.ones(2), atol=1e-5)
    assert torch.allclose(model.head(out.embeddings), out.logits, atol=1e-6)
    with pytest.raises(ModelError, match="did you mean 'classifier'"):
        build_model("zfnet", {"head": "clasifier"}, 1, 62, 32)


@pytest.mark.parametrize(("name", "count"), [("tiny1", 7_547), ("tiny2", 7_873)])
def test_the_tiny_steps_have_the_published_counts(name, count):
    assert count_parameters(build_model(name, {}, 1, 10, 28)) == count


def test_our_tiny_network_stays_under_8000_parameters():
    assert count_parameters(build_model("tiny", {}, 1, 10, 28)) < 8_000


def receptive_fields_at_pools(model: Recognizer) -> list[int]:
    """The receptive field in pixels where each max-pool reads, by the usual recurrence."""
    field, jump, found = 1, 1, []
    for layer in nn.Sequential(*model.body).modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel = layer.kernel_size[0] if isinstance(layer, nn.Conv2d) else layer.kernel_size
            if isinstance(layer, nn.MaxPool2d):
                found.append(field)
            field += (kernel - 1) * jump
            jump *= layer.stride[0] if isinstance(layer.stride, tuple) else layer.stride
    return found


def test_tiny2_pools_at_the_published_receptive_fields_drops_at_each_layer_and_averages():
    model = build_model("tiny2", {"dropout": 0.1}, 1, 10, 28)
    assert receptive_fields_at_pools(model) == [5, 14]
    kinds = [type(layer).__name__ for layer in nn.Sequential(*model.body).modules()]
    assert kinds.count("Dropout") == kinds.count("Conv2d") == kinds.count("BatchNorm2d") == 5
    assert "AdaptiveAvgPool2d" in kinds and isinstance(model.head, nn.Linear)
    with pytest.raises(ModelError, match="at least 24 px"):
        build_model("tiny2", {}, 1, 10, 16)


def test_the_last_kernel_of_tiny1_covers_the_whole_map():
    model = build_model("tiny1", {}, 1, 10, 28)
    assert model.head.in_features == 4 * 4 * 13


def slow_side(side: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many places a kernel fits on, counted."""
    padded, reach = side + 2 * padding, dilation * (kernel - 1) + 1
    return sum(1 for left in range(0, padded, stride) if left + reach <= padded)


def test_the_published_formula_counts_the_places_of_a_kernel():
    for side in (7, 28, 223):
        for kernel, stride, padding, dilation in [
            (3, 1, 1, 1),
            (5, 1, 1, 1),
            (2, 2, 0, 1),
            (3, 2, 0, 2),
            (7, 3, 2, 1),
        ]:
            assert output_side(side, kernel, stride, padding, dilation) == slow_side(
                side, kernel, stride, padding, dilation
            )


@pytest.mark.parametrize(
    ("options", "filters", "kernels"),
    [
        ({"num_filters": 16}, [16] * 5, [3] * 5),
        ({"num_filters": 4, "filter_org": "double"}, [4, 8, 16, 32, 64], [3] * 5),
        ({"num_filters": 64, "filter_org": "half"}, [64, 32, 16, 8, 4], [3] * 5),
        ({"num_filters": 3, "filter_org": "half"}, [3, 1, 1, 1, 1], [3] * 5),
        ({"num_filters": 8, "filter_size": [5, 5, 3, 3, 3]}, [8] * 5, [5, 5, 3, 3, 3]),
        ({"num_filters": 8, "filter_size": "5,5,3,3,3"}, [8] * 5, [5, 5, 3, 3, 3]),
        ({"num_filters": 8, "filter_size": 5}, [8] * 5, [5] * 5),
    ],
)
def test_cnn5_is_what_its_options_say(options, filters, kernels):
    model = build_model("cnn5", options, 3, 10, 96)
    convs = [m for m in nn.Sequential(*model.body).modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convs] == filters and [
        m.kernel_size[0] for m in convs
    ] == kernels
    side = final_side(96, kernels)
    assert model.head[-1].in_features == side * side * filters[-1]
    out = answer(model, 3, 96)
    assert out.logits.shape == (2, 10) and out.embeddings.shape == (2, filters[-1])


def test_cnn5_puts_its_parts_in_the_published_order():
    block = build_model(
        "cnn5", {"activation": "GELU", "dropout": 0.5, "batch_norm": True, "dense": 12}, 3, 10, 64
    ).body[0]
    assert [type(layer).__name__ for layer in block] == [
        "Conv2d",
        "GELU",
        "MaxPool2d",
        "Dropout",
        "BatchNorm2d",
    ]
    plain = build_model("cnn5", {"dropout": 0.0}, 3, 10, 64).body[0]
    assert [type(layer).__name__ for layer in plain] == ["Conv2d", "ReLU", "MaxPool2d"]


@pytest.mark.parametrize(
    ("options", "size", "message"),
    [
        ({"filter_size": "3,3"}, 64, "one whole number, or five"),
        ({"filter_size": "big"}, 64, "one whole number, or five"),
        ({"filter_org": "triple"}, 64, "Known: const, double, half"),
        ({"activation": "reluu"}, 64, "did you mean 'relu'"),
        ({"num_filters": 0}, 64, "1 or more"),
        ({}, 28, "no pixel would be left"),
    ],
)
def test_cnn5_explains_what_can_not_be_built(options, size, message):
    with pytest.raises(ModelError, match=message):
        build_model("cnn5", options, 3, 10, size)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_resnet_takes_one_two_or_three_channels(channels):
    out = answer(build_model("resnet18", {}, channels, 10, 32), channels, 32)
    assert out.logits.shape == (2, 10) and out.embeddings.shape == (2, 512)


@pytest.mark.parametrize(
    ("name", "count"),
    [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)],
)
def test_a_resnet_with_a_thousand_classes_is_torchvisions(name, count):
    with torch.device("meta"):
        assert count_parameters(build_model(name, {}, 3, 1000, 64)) == count


def test_the_studies_heads_are_as_published():
    with torch.device("meta"):
        nature = build_model("resnet50", {"head": "published"}, 3, 10, 64)
        fastai = build_model("resnet18", {"head": "fastai"}, 1, 62, 64)
    assert [type(layer).__name__ for layer in nature.head] == [
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
    ]
    assert (nature.head[0].out_features, nature.head[2].p, len(nature.groups())) == (2048, 0.3, 6)
    assert (
        fastai.head[2].in_features,
        fastai.head[2].out_features,
        fastai.head[-1].out_features,
    ) == (1024, 512, 62)
    assert len(fastai.groups()) == 3
    with pytest.raises(ModelError, match="did you mean 'fastai'"):
        build_model("resnet18", {"head": "fastay"}, 1, 62, 64)


@pytest.fixture(scope="module")
def resnet18_weights():
    torch.manual_seed(7)
    net = torchvision_models.resnet18(weights=None).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net


@pytest.mark.parametrize("kind", ["pth", "safetensors", "wrapped"])
def test_weights_from_a_file_give_torchvisions_features_on_imagenets_scale(
    tmp_path, resnet18_weights, kind
):
    state = {
        key: value
        for key, value in resnet18_weights.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    path = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pth")
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(
            {"state_dict": {f"module.{key}": value for key, value in state.items()}}
            if kind == "wrapped"
            else state,
            path,
        )
    model = build_model("resnet18", {"weights": str(path)}, 3, 10, 64).eval()
    x = torch.rand(2, 3, 64, 64)
    shifted = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    expected = nn.Sequential(*list(resnet18_weights.children())[:-1])(shifted).flatten(1)
    with torch.no_grad():
        assert torch.allclose(model.features(x * 2 - 1), expected, atol=1e-3)


def test_with_weights_a_grey_image_is_shown_to_all_three_channels(tmp_path, resnet18_weights):
    path = tmp_path / "w.pth"
    torch.save(resnet18_weights.state_dict(), path)
    grey = build_model("resnet18", {"weights": str(path)}, 1, 10, 64).eval()
    colour = build_model("resnet18", {"weights": str(path)}, 3, 10, 64).eval()
    x = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        assert torch.allclose(grey.features(x), colour.features(x.expand(-1, 3, -1, -1)), atol=1e-4)


def test_weights_that_are_missing_broken_or_anothers_are_refused_with_a_way_out(
    tmp_path, resnet18_weights
):
    torch.save(resnet18_weights.state_dict(), tmp_path / "w.pth")
    (tmp_path / "broken.pth").write_bytes(b"not weights")
    np.save(tmp_path / "other.npy", np.zeros(3))
    for name, weights, message in (
        ("resnet18", tmp_path / "none.pth", "does not exist.*or 'imagenet'"),
        ("resnet18", tmp_path / "broken.pth", "can't be read"),
        ("resnet18", tmp_path / "other.npy", "can't be read"),
        ("resnet50", tmp_path / "w.pth", "another network's"),
    ):
        with pytest.raises(ModelError, match=message):
            build_model(name, {"weights": str(weights)}, 3, 10, 64)


def test_a_weights_file_can_not_run_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"conv1.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(ModelError, match="can't be read"):
        build_model("resnet18", {"weights": str(tmp_path / "trap.pth")}, 3, 10, 64)
    assert not (tmp_path / "ran").exists()


def test_imagenet_weights_are_taken_from_the_labs_folder_and_never_fetched_offline(
    tmp_path, resnet18_weights
):
    keep_downloads(tmp_path, offline=True)
    try:
        with pytest.raises(
            ModelError, match="GLYPHLAB_OFFLINE.*Put resnet18-.*pth .*or set model.options.weights"
        ):
            build_model("resnet18", {"weights": "imagenet"}, 3, 10, 64)
        name = torchvision_models.ResNet18_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]
        torch.save(resnet18_weights.state_dict(), tmp_path / name)
        assert build_model("resnet18", {"weights": "imagenet"}, 3, 10, 64).weights == "imagenet"
    finally:
        keep_downloads(None, offline=False)


def test_a_saved_models_own_weights_make_outside_ones_unnecessary():
    model = build_model("resnet18", {"weights": "/gone.pth"}, 3, 10, 64, pretrained=False)
    assert answer(model, 3, 64).logits.shape == (2, 10)
