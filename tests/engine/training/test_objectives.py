import pytest
import torch
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.models.recognizer import Output
from engine.recipes.fields import Stage
from engine.training.objectives import LOSSES, Objective, cross_entropy, focal, nll, triplet


def batch(n: int = 24, d: int = 8, k: int = 4, seed: int = 0) -> tuple[Output, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    embeddings = F.normalize(torch.randn(n, d, generator=draws), dim=1).requires_grad_()
    logits = torch.randn(n, k, generator=draws).requires_grad_()
    return Output(embeddings, logits), torch.arange(n) % k


def slow_triplet(
    embeddings: torch.Tensor, labels: torch.Tensor, margin: float, semihard: bool
) -> tuple[float, int]:
    losses = []
    for a in range(len(labels)):
        for p in range(len(labels)):
            for n in range(len(labels)):
                if a == p or labels[a] != labels[p] or labels[a] == labels[n]:
                    continue
                gap = float(
                    ((embeddings[a] - embeddings[n]) ** 2).sum()
                    - ((embeddings[a] - embeddings[p]) ** 2).sum()
                )
                if gap < margin and (gap > 0 or not semihard):
                    losses.append(margin - gap)
    return sum(losses) / len(losses), len(losses)


@pytest.mark.parametrize("mining", ["semihard", "all"])
def test_triplets_agree_with_a_loop_over_all_of_them(mining: str) -> None:
    output, labels = batch()
    loss, info = triplet(output.embeddings, labels, margin=0.4, mining=mining)
    expected, count = slow_triplet(output.embeddings.detach(), labels, 0.4, mining == "semihard")
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert info["active_triplets"] == count


def test_hardest_triplets_agree_with_a_loop() -> None:
    output, labels = batch()
    x = output.embeddings.detach()
    d = torch.cdist(x, x) ** 2
    expected = []
    for a in range(len(labels)):
        same = [i for i in range(len(labels)) if labels[i] == labels[a] and i != a]
        others = [i for i in range(len(labels)) if labels[i] != labels[a]]
        expected.append(
            max(0.0, float(max(d[a, i] for i in same) - min(d[a, i] for i in others) + 0.2))
        )
    loss, _ = triplet(output.embeddings, labels, mining="hard")
    positive = [value for value in expected if value > 0]
    assert float(loss.detach()) == pytest.approx(sum(positive) / len(positive), rel=1e-4)


@pytest.mark.parametrize("labels", [torch.zeros(6, dtype=torch.long), torch.arange(6)])
def test_a_batch_without_a_valid_triplet_has_a_gradient_of_zero(labels: torch.Tensor) -> None:
    embeddings = F.normalize(torch.randn(6, 4), dim=1).requires_grad_()
    loss, info = triplet(embeddings, labels)
    loss.backward()
    assert loss.item() == 0 and info["active_triplets"] == 0
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    output, labels = batch()
    assert torch.allclose(
        focal(output.logits, labels, gamma=0.0), F.cross_entropy(output.logits, labels)
    )
    assert focal(output.logits, labels) < F.cross_entropy(output.logits, labels)


def test_log_likelihood_of_log_softmax_is_cross_entropy() -> None:
    output, labels = batch()
    assert torch.allclose(
        nll(F.log_softmax(output.logits, 1), labels), cross_entropy(output.logits, labels)
    )


def test_every_loss_in_the_table_gives_a_finite_scalar_with_a_gradient() -> None:
    for name, entry in LOSSES.items():
        output, labels = batch()
        loss = Objective(Stage(loss=name), 4, 8)(output, labels)
        loss.backward()
        grad = getattr(output, entry.reads).grad
        assert loss.ndim == 0 and loss.isfinite() and grad.isfinite().all(), name


def test_any_loss_and_miner_of_pytorch_metric_learning_can_be_named() -> None:
    output, labels = batch()
    stage = Stage(
        loss="TripletMarginLoss",
        miner="TripletMarginMiner",
        miner_options={"type_of_triplets": "semihard", "margin": 0.4},
    )
    objective = Objective(stage, 4, 8)
    assert objective(output, labels).isfinite()
    _, own = triplet(output.embeddings, labels, margin=0.4)
    assert objective.info["active_triplets"] > 0 and own["active_triplets"] > 0
    for name in ("ArcFaceLoss", "CosFaceLoss"):  # given the classes and the width by us
        learned = Objective(Stage(loss=name), 4, 8)
        assert learned(output, labels).isfinite()
        assert [parameter.shape for parameter in learned.parameters()] == [(8, 4)]
    turned = Objective(Stage(loss="CosFaceLoss", turned_classes=True), 4, 8)
    assert turned(output, 4 * labels + 3).isfinite()


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        (Stage(loss="tripplet"), "did you mean 'triplet'"),
        (Stage(loss="focal", loss_options={"gama": 1}), "did you mean 'loss_options.gamma'"),
        (Stage(loss="nll", loss_options={"x": 1}), "no option can be given here"),
        (
            Stage(loss="ContrastiveLoss", miner="TripletMarginMinner"),
            "did you mean 'TripletMarginMiner'",
        ),
        (Stage(loss="cross_entropy", miner="TripletMarginMiner"), "takes no miner"),
        (Stage(loss="cross_entropy", turned_classes=True), "has no outputs for.*on embeddings"),
        (
            Stage(loss="ContrastiveLoss", loss_options={"nonsense": 1}),
            "'loss_options.nonsense' is not known",
        ),
        (
            Stage(
                loss="ContrastiveLoss",
                miner="TripletMarginMiner",
                miner_options={"nonsense": 1},
            ),
            "'miner_options.nonsense' is not known",
        ),
        (
            Stage(loss="PNPLoss", loss_options={"variant": "nonsense"}),
            "loss_options.variant.*'nonsense'",
        ),
        (
            Stage(
                loss="TripletMarginLoss",
                miner="BatchEasyHardMiner",
                miner_options={"pos_strategy": "semihard"},
            ),
            "^miner 'BatchEasyHardMiner' can't be built",
        ),
    ],
)
def test_a_wrong_choice_says_what_is_there(stage: Stage, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Objective(stage, 4, 8)
