import math

import pytest
import torch
from torch.nn import functional as F

from engine.errors import RecipeError
from engine.models.recognizer import Output
from engine.recipes.fields import Stage
from engine.training.noisy_losses import (
    complementary_nn,
    forward,
    generalised,
    scl_nl,
    small_loss,
    weighted_complementary,
)
from engine.training.objectives import LOSSES, Objective

K = 5


def batch(n: int = 40, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(n, K, generator=draws), torch.randint(0, K, (n,), generator=draws)


def test_forward_agrees_with_a_loop():
    logits, labels = batch()
    matrix = torch.softmax(torch.randn(K, K, generator=torch.Generator().manual_seed(3)), 1)
    p = torch.softmax(logits, 1)
    slow = [
        -math.log(sum(float(p[i, t] * matrix[t, labels[i]]) for t in range(K)))
        for i in range(len(labels))
    ]
    assert float(forward(logits, labels, transition=matrix.tolist())) == pytest.approx(
        sum(slow) / len(slow), rel=1e-5
    )


def test_forward_through_clean_labels_is_cross_entropy():
    logits, labels = batch()
    assert float(forward(logits, labels, right=1.0)) == pytest.approx(
        float(F.cross_entropy(logits, labels)), rel=1e-5
    )
    assert float(forward(logits, labels, transition=torch.eye(K))) == pytest.approx(
        float(F.cross_entropy(logits, labels)), rel=1e-3
    )


def test_forward_through_even_complementary_labels_is_scl_nl_and_a_constant():
    logits, labels = batch()
    assert float(forward(logits, labels)) == pytest.approx(
        float(scl_nl(logits, labels)) + math.log(K - 1), rel=1e-5
    )


def test_the_complementary_risk_is_that_of_the_true_class_where_all_other_labels_occur():
    logits, _ = batch(1)
    others = torch.tensor([1, 2, 3, 4])  # every label that an image of class 0 may get
    risk = complementary_nn(logits.expand(4, K), others, ascent=True)
    true_loss = F.cross_entropy(logits, torch.tensor([0]))
    losses = -F.log_softmax(logits, 1)[0]
    by_class = losses - (K - 1) * losses * torch.tensor([0, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    assert by_class.min() >= -1e-6  # so nothing is reversed here
    assert float(risk) == pytest.approx(float(true_loss), rel=1e-4)


def test_an_overfitted_class_has_its_gradient_reversed_or_stopped():
    logits = torch.tensor([[0.0, 9.0, 9.0, 9.0, 9.0]], requires_grad=True)
    label = torch.tensor(
        [0]
    )  # "not class 0" for an image already surely not of it: class 0's estimate is far below zero
    complementary_nn(logits, label).backward()
    assert logits.grad[0, 0] < 0  # a step of descent lifts it again
    assert float(complementary_nn(logits, label, ascent=False).detach()) >= 0


def test_small_loss_ignores_what_fits_worst():
    logits = torch.tensor([[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]])
    labels = torch.tensor([0, 0, 0, 1])
    assert (
        float(small_loss(logits, labels, keep=0.75))
        < 0.01
        < float(small_loss(logits, labels, keep=1.0))
    )
    with pytest.raises(RecipeError, match="keep is a share"):
        small_loss(logits, labels, keep=0)


def test_generalised_lies_between_cross_entropy_and_the_absolute_error():
    logits, labels = batch()
    own = torch.softmax(logits, 1)[torch.arange(40), labels]
    assert float(generalised(logits, labels, q=1)) == pytest.approx(float((1 - own).mean()))
    entropy = float(F.cross_entropy(logits, labels))
    assert float(generalised(logits, labels, q=1e-4)) == pytest.approx(entropy, rel=1e-3)
    with pytest.raises(RecipeError, match="q is a power"):
        generalised(logits, labels, q=0)


def test_weighted_complementary_agrees_with_a_loop():
    logits, labels = batch()
    total = 0.0
    for row, label in zip(torch.softmax(logits, 1).tolist(), labels.tolist(), strict=True):
        other = [math.exp(1 - p) for p in row]
        total -= (1 + (1 - row[label]) / (K - 1)) * math.log(other[label] / sum(other))
    assert float(weighted_complementary(logits, labels)) == pytest.approx(total / 40, rel=1e-5)


NAMES = "forward scl_nl complementary_nn weighted_complementary generalised small_loss".split()


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_can_be_named_in_a_recipe_and_has_finite_gradients_when_sure(name):
    assert name in LOSSES
    logits = (torch.eye(K) * 60).requires_grad_()
    labels = torch.arange(K)
    loss = Objective(Stage(loss=name), K, 8)(Output(torch.zeros(K, 8), logits), labels)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def test_a_matrix_of_another_shape_is_refused():
    logits, labels = batch()
    with pytest.raises(RecipeError, match="wrong shape"):
        forward(logits, labels, transition=[[1.0]])
